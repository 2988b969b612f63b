"""Fixtures for tests of Dustline's parts together: `broker`, `gateway`, `node`, `city`.

A pytest plugin that is loaded where it is wanted, so that its short names disturb nobody else: with
`pytest_plugins = ["dustline.testing"]` in a conftest.py at the top, or `pytest -p dustline.testing`. It needs
`pip install 'dustline[test]'`. docs/developers.md has examples.

    broker    MQTT on 127.0.0.1: Mosquitto where it is installed, else the demo's
    gateway   the real one, with a journal in a temporary directory
    node      makes nodes: the real firmware with emulated sensors, quick, against `broker`
    city      makes fleets of light nodes in a city whose truth is known
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.config import Settings
from gateway.journal.reader import JournalReader
from gateway.reading import StoredReading
from gateway.records import LedgerRow
from gateway.service import Gateway
from simulator import capture as captures
from simulator.fleet import stop_all
from simulator.local_broker import LocalBroker
from simulator.node import SimNode
from simulator.ntp import NtpServer
from simulator.options import NodeOptions, heap_for
from simulator.runtime import SimulatorError
from simulator.sensor_words import fit_all
from simulator.sensors.base import Air, Weather
from simulator.weather import WARSAW

if TYPE_CHECKING:
    from simulator.city.light import LightFleet, TruthRow

PATIENCE_S = 30.0
AIR = (8.0, 12.0, 20.0)  # PM1, PM2.5, PM10 in ug/m3
# A window of a second after a warm-up of one: a reading about each second.
DAY = timedelta(days=1)
QUICK: dict[str, Any] = {"warmup_s": 1, "window_s": 1, "health_s": 5, "spread_s": 0}


def wait_for(predicate: Callable[[], Any], seconds: float = PATIENCE_S, what: str = "") -> Any:
    """Poll until the predicate is true and return its value; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for {what or predicate}")
        time.sleep(0.02)
    return value


@pytest.fixture
def broker() -> Iterator[LocalBroker]:
    """A running broker: `host`, `port` (MQTT 3.1.1), `mqtt5_port`; stop() and start() it at will."""
    try:
        made = LocalBroker().start()
    except SimulatorError as error:
        pytest.fail(str(error))
    yield made
    made.stop()


class TestedGateway:
    """The gateway of a test. `service` is the thing itself, `settings` what it runs with."""

    __test__ = False  # not a class of tests

    def __init__(self, settings: Settings, broker: LocalBroker) -> None:
        self.settings = settings
        self.service = Gateway(settings)
        self._broker = broker

    def readings(
        self, count: int = 0, *, node: str | None = None, seconds: float = PATIENCE_S
    ) -> list[StoredReading]:
        """What is stored, oldest first, once there are at least `count`."""

        found: list[StoredReading] = []

        def enough() -> bool:
            found[:] = self._stored(node)
            return len(found) >= count

        wait_for(enough, seconds, f"{count} readings")
        return found

    def _stored(self, node: str | None) -> list[StoredReading]:
        found: list[StoredReading] = []
        with JournalReader(self.settings.journal.path) as reader:
            upto = 0
            while chunk := reader.after(upto, 1000):
                found += [one for one in chunk if node is None or one.node == node]
                upto = chunk[-1].id
        return found

    def ledger(self) -> list[LedgerRow]:
        """By node and boot: born, stored, quarantined, missing."""
        with JournalReader(self.settings.journal.path) as reader:
            return reader.ledger()

    def take(self, lights: LightFleet) -> list[TruthRow]:
        """Let a fleet of light nodes send all it has, wait until it is stored or set aside; the truth."""
        from simulator.city.publish import publish

        told = list(lights.messages())
        truth = [row for _, behind in told for row in behind]
        publish([message for message, _ in told], self._broker.host, self._broker.port, speed=None)
        wait_for(
            lambda: sum(row.stored + row.quarantined for row in self.ledger()) >= len(truth),
            what=f"{len(truth)} readings to be stored",
        )
        return truth


@pytest.fixture
def gateway(tmp_path: Path, broker: LocalBroker) -> Iterator[TestedGateway]:
    """A running gateway that is subscribed, without a page."""
    settings = Settings.model_validate(
        {
            "broker": {"port": broker.mqtt5_port},
            "journal": {"path": tmp_path / "journal.sqlite"},
            "web": {"enabled": False},
            "monitor": {"enabled": False},
        }
    )
    made = TestedGateway(settings, broker)
    made.service.start()
    try:
        wait_for(made.service.session.subscribed.is_set, what="the gateway's subscription")
        yield made
    finally:
        made.service.stop()


@pytest.fixture
def node(tmp_path: Path, broker: LocalBroker) -> Iterator[Callable[..., SimNode]]:
    """`node("sds011", "bme280", air=(8, 12, 20), weather=..., capture="smog.csv", name="praga-1", ...)`.

    Sensors as `dustline sim node --sensor` has them, sds011 if none. `air`: PM1, PM2.5, PM10, or a function
    of Unix time; `capture`: a file in its place. The rest are NodeOptions. It is on when it is returned.
    """
    made: list[SimNode] = []
    ntp = NtpServer().start()

    def make(
        *sensors: str,
        air: Air | tuple[float, float, float] = AIR,
        weather: Weather = WARSAW,
        capture: Path | str | None = None,
        name: str | None = None,
        **options: Any,
    ) -> SimNode:
        name = name or f"node-{len(made) + 1}"
        fitted = fit_all(sensors or ("sds011",))
        chosen: dict[str, Any] = {"heap": heap_for(fitted), "seed": len(made), **QUICK, **options}
        one = SimNode(
            tmp_path / name,
            NodeOptions(name, broker_port=broker.port, ntp=(ntp.address,), sensors=fitted, **chosen),
            air if callable(air) else lambda _: air,
            weather=weather,
            devices=captures.devices(Path(capture), fitted) if capture else None,
        )
        made.append(one)
        return one.start()

    try:
        yield make
    finally:
        stop_all(made)
        ntp.stop()


@pytest.fixture
def city() -> Callable[..., LightFleet]:
    """`city("winter-smog", nodes=5, hours=2, seed=3, start="now")`: light nodes, not yet begun.

    A scenario's name or file, or a plain city without one, begun 24 hours ago. `lights.messages()` gives each
    message with the truth behind its readings, `lights.city` the truth anywhere, `gateway.take(lights)` sends
    all.
    """
    try:
        from simulator.city.light import LightFleet
        from simulator.depths.plan import scenario_of, this_hour
    except ImportError as error:
        pytest.fail(str(error))

    def make(
        scenario: str | Path | None = None,
        *,
        nodes: int | None = 3,
        hours: float = 1.0,
        seed: int | None = None,
        start: str | None = None,
    ) -> LightFleet:
        if scenario is None and start is None:
            start = (this_hour() - DAY).isoformat()
        source = None if scenario is None else str(scenario)
        return LightFleet(scenario_of(source, nodes=nodes, hours=hours, seed=seed, start=start))

    return make
