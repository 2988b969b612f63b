"""What enrolment asks of a broker, however it keeps its users; and a node's farewell there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import SecretStr

from gateway import topics
from gateway.config import Settings
from gateway.enrol.dynsec import DynamicSecurity
from gateway.enrol.errors import EnrolError
from gateway.enrol.files import PROBE, PasswordFile
from gateway.enrol.kit import new_secret
from gateway.preflight.line import Line, LineError

_OFFLINE = b'{"v":1,"online":false}'  # a node's last will, by docs/contract.md


class BrokerAccess(Protocol):
    """Each change is effective when the method returns, without a restart. All raise EnrolError."""

    def known(self, name: str) -> bool:
        """Whether the broker has such a user."""
        ...

    def add(self, secret_of: Mapping[str, str]) -> None:
        """New users, each with the rights to its own topics. All of them or none."""
        ...

    def exchange(self, name: str, secret: str) -> None:
        """Another secret; whoever is connected by the old one is not any longer."""
        ...

    def remove(self, name: str) -> None:
        """No such user any longer, nor a connection of it."""
        ...


def access_to(settings: Settings) -> BrokerAccess:
    """Raises EnrolError when this gateway enrols nobody."""
    if settings.enrol.broker == "files":
        return PasswordFile(settings)
    if settings.enrol.broker == "dynsec":
        return DynamicSecurity(settings)
    raise EnrolError(
        'enrolment is off: set broker = "files" or "dynsec" in the section [enrol]; see docs/enrolment.md'
    )


def reserved(settings: Settings) -> set[str]:
    """Users of the gateway's own, which no node can be and nobody revokes by mistake."""
    return {PROBE, settings.broker.username or "", settings.enrol.admin_username or ""} - {""}


def say_farewell(settings: Settings, access: BrokerAccess, name: str) -> str | None:
    """In a node's name, by a secret that nobody keeps: it is offline, its session is over. Why not, if not.

    Else its retained status would say for ever what it said last, and messages for it would be queued.
    """
    secret = new_secret()
    try:
        access.exchange(name, secret)
        node = settings.broker.model_copy(
            update={"username": name, "password": SecretStr(secret), "client_id": None}
        )
        with Line(node, name, clean=True, expiry_s=0) as line:
            told = line.publish(topics.build(settings.network, name, "status"), _OFFLINE, retain=True)
            if told.is_failure:
                raise LineError(f"it may not publish its own status ({told})")
    except (EnrolError, LineError) as error:
        return (
            f"{name} could not be signed off, so its last status and its session stay at the broker: {error}"
        )
    return None
