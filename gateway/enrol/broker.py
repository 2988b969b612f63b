"""What enrolment asks of a broker, however it keeps its users; and the end of a node's session there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.config import Settings
from gateway.enrol.dynsec import DynamicSecurity
from gateway.enrol.errors import EnrolError
from gateway.enrol.files import PROBE, PasswordFile
from gateway.preflight.line import Line, LineError


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


def end_session(settings: Settings, name: str) -> str | None:
    """Take the client id over and let it go, so that nothing is queued for it; why not, if it cannot be done.

    The broker has ended the connection by then. What stays otherwise is a session that nobody can take up.
    """
    try:
        with Line(settings.broker, name, clean=True, expiry_s=0):
            return None
    except LineError as error:
        return f"the session of {name} stays at the broker until it expires there: {error}"
