"""Enrolment, tried: a canary is enrolled, may do a node's part and nothing else, and is revoked again."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr

from gateway import topics
from gateway.config import Settings
from gateway.enrol.broker import access_to
from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import broker_host, make_kit, new_secret
from gateway.enrol.store import Store, StoreError
from gateway.preflight.broker import probe_node
from gateway.preflight.finding import Finding, fail, ok, warn
from gateway.preflight.line import Line, LineError


def check_enrolment(settings: Settings, tried: bool) -> Iterator[Finding]:
    """Nothing when this gateway enrols nobody. `tried`: the broker may be changed for a moment."""
    if settings.enrol.broker == "off":
        return
    yield _anonymous(settings)
    try:
        make_kit(settings, probe_node(), "")
        yield ok("enrol.kit", f"kit codes send nodes to {broker_host(settings)}:{settings.enrol.port}")
    except EnrolError as error:
        yield fail("enrol.kit", str(error))
    if not tried:
        yield warn("enrol.canary", "not tried (--no-load)")
        return
    try:
        yield _canary(settings)
    except (EnrolError, StoreError) as error:
        yield fail("enrol.canary", str(error))
    except LineError as error:
        yield fail("enrol.canary", f"an enrolled canary cannot use the broker: {error}; see its log")


def _anonymous(settings: Settings) -> Finding:
    nobody = settings.broker.model_copy(update={"username": None, "password": None})
    try:
        with Line(nobody, probe_node(), clean=True):
            return fail(
                "broker.anonymous",
                "anybody connects without a password, so that enrolment keeps nobody out",
                "mosquitto.conf: allow_anonymous false",
            )
    except LineError as error:
        if error.reason is None:
            return warn("broker.anonymous", f"cannot be tried: the broker {error}")
        return ok("broker.anonymous", "nobody connects without a password")


def _canary(settings: Settings) -> Finding:
    """Raises EnrolError, StoreError, LineError."""
    me, other, secret = probe_node(), probe_node(), new_secret()
    access = access_to(settings)
    with Store(settings.enrol.store):  # nobody else changes the broker's users meanwhile
        access.add({me: secret})
        try:
            faults = _faults(settings, me, other, secret)
        finally:
            access.remove(me)
    if faults:
        return fail(
            "enrol.canary",
            f"an enrolled canary {'; it '.join(faults)}: compare the broker's rules with docs/enrolment.md",
        )
    return ok(
        "enrol.canary", "an enrolled canary could do a node's part and no other's, until it was revoked"
    )


def _faults(settings: Settings, me: str, other: str, secret: str) -> list[str]:
    """What the broker lets a node do or keeps it from. In MQTT 5, where refusals are told."""
    node = settings.broker.model_copy(
        update={"username": me, "password": SecretStr(secret), "protocol": 5, "client_id": None}
    )

    def topic(name: str, kind: str) -> str:
        return topics.build(settings.network, name, kind)

    def publishes(to: str) -> bool:
        # On a connection of its own: Mosquitto may close it on what it refuses.
        try:
            with Line(node, me, clean=True) as line:
                return not line.publish(to, b"").is_failure
        except LineError as error:
            if error.closed:
                return False
            raise

    found: list[str] = []
    if not publishes(topic(me, "reply")):
        found.append("may not publish what is its own")
    if publishes(topic(other, "reply")):
        found.append("may publish in another node's name")
    gateway = settings.broker.id_for(settings.network) + "-canary"
    with Line(node, me, clean=True) as line, Line(settings.broker, gateway, clean=True) as sender:
        # Mosquitto grants some subscriptions and holds the messages back.
        for name in (other, me):
            line.subscribe([topic(name, "command")])
        for name in (other, me):
            sender.publish(topic(name, "command"), b"")
        line.wait(lambda: any(heard == topic(me, "command") for heard, _ in line.heard), "", 3.0)
        heard = {each for each, _ in line.heard}
    if topic(me, "command") not in heard:
        found.append("does not get its own commands, or the gateway may not send them")
    if topic(other, "command") in heard:
        found.append("gets another node's commands")
    return found
