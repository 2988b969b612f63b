"""Each broker of the enrolment's tests, real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.enrol.enroller import Enroller
from tests.gateway.enrol.guarded import Client, settings_for, with_dynsec, with_files
from tests.support import Mosquitto

MAKE = {"files": with_files, "dynsec": with_dynsec}


class Guarded:
    """A broker that lets nobody in but whom the gateway enrols."""

    def __init__(self, broker: Mosquitto, settings: Settings, enrol: dict[str, Any]) -> None:
        self.broker = broker
        self.port = broker.port
        self.settings = settings
        self.enrol = enrol
        self.enroller = Enroller(settings)


@pytest.fixture
def guarded_by(tmp_path: Path, mosquitto: Any) -> Callable[[str], Guarded]:
    def start(kind: str) -> Guarded:
        broker, enrol = MAKE[kind](tmp_path, mosquitto)
        return Guarded(broker, settings_for(tmp_path, broker.port, enrol), enrol)

    return start


@pytest.fixture(params=["files", "dynsec"])
def guarded(request: pytest.FixtureRequest, guarded_by: Callable[[str], Guarded]) -> Guarded:
    return guarded_by(request.param)


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def connect(port: int, user: str, secret: str, client_id: str | None = None) -> Client:
        made.append(Client(port, user, secret, client_id))
        return made[-1]

    yield connect
    for each in made:
        each.close()
