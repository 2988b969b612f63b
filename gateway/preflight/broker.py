"""The broker as the gateway meets it: connection, what its CONNACK allows, subscriptions, rights."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gateway import topics
from gateway.broker_client import BAD_LOGIN, BAD_PROTOCOL, advice
from gateway.broker_settings import CHECK_ENDING, BrokerSettings
from gateway.config import Settings
from gateway.contract import MAX_MESSAGE_BYTES
from gateway.no_connection import words_for
from gateway.preflight.finding import Finding, fail, ok, toml, warn
from gateway.preflight.in_clear import broker_in_clear
from gateway.preflight.line import Line, LineError

# Room beside the payload for a topic and the packet's head.
PACKET_ROOM = 200
# Acks are small and one by one: fewer on their way than that, and each round trip counts.
_LEAST_ACK_WINDOW = 10
# A reading that comes by proves the right to read. Nodes send one a minute, so this is for busy networks.
LISTEN_SECONDS = 2.0
_RECEIPT_SECONDS = 3.0
_RETAINED_SECONDS = 0.3
_DROPPED = "$SYS/broker/publish/messages/dropped"


def probe_node() -> str:
    """A node's name that no node has; topics of its own, within the gateway's rights."""
    return f"dustline-check-{os.urandom(4).hex()}"


def acl_line(settings: Settings, access: str, kind: str) -> str:
    """Rule of Mosquitto for the gateway's user, as docs/city-it.md has it."""
    return f"acl_file, user {settings.broker.username or '(anonymous)'}: {_rule(settings, access, kind)}"


def _rule(settings: Settings, access: str, kind: str) -> str:
    return f"topic {access} dl/1/{settings.network}/+/+/{kind}"


def check_broker(settings: Settings, file_known: bool) -> tuple[list[Finding], bool]:
    """The findings, and whether it can be used at all. `file_known`: the broker's own file was read as well.

    Under a client id of its own: a running gateway stays connected.
    """
    broker = settings.broker
    where = f"broker {broker.host}:{broker.port}"
    found = list(broker_in_clear(broker))
    client_id = broker.id_for(settings.network) + CHECK_ENDING
    try:
        with Line(broker, client_id, clean=True, expiry_s=broker.session_expiry_s) as line:
            found.append(
                ok(
                    "broker.connect",
                    f"{where}: connects with MQTT {'5' if broker.protocol == 5 else '3.1.1'}",
                )
            )
            found += _allowed(line, broker, file_known)
            found += _subscriptions(line, settings, where, file_known)
    except LineError as error:
        return [*found, _no_connection(error, broker, where)], False
    found += _dropped(broker, client_id)
    return [*found, *check_rights(settings)], all(
        each.level != "fail" for each in found if each.name == "broker.subscribe"
    )


def _no_connection(error: LineError, broker: BrokerSettings, where: str) -> Finding:
    if error.reason is not None:
        told = f"{where} refuses the connection: {error}; {advice(str(error.reason))}"
        return fail("broker.connect", told, *_to_be_let_in(str(error.reason), broker))
    text, points_to = words_for(error.cause, broker.tls) if error.cause else (str(error), "answer")
    change: tuple[str, ...] = ()
    if points_to == "certificate":
        change = (
            toml("broker", 'ca_file = "/path/to/the/ca.pem"  # the authority that signed it'),
            toml("broker", 'host = "the name in the certificate"'),
        )
    elif points_to == "tls":
        change = (toml("broker", "port = 8883"),)
    elif points_to == "host":
        change = (toml("broker", f'host = "..."  # now {broker.host}'),)
    elif points_to == "port":
        change = (toml("broker", f'host = "{broker.host}"'), toml("broker", f"port = {broker.port}"))
    elif not broker.tls:
        text += "; does that port want TLS?"
        change = (toml("broker", "tls = true"),)
    return fail("broker.connect", f"{where} {text}", *change)


def _to_be_let_in(reason: str, broker: BrokerSettings) -> tuple[str, ...]:
    if reason in BAD_LOGIN:
        now = f"  # now {broker.username}" if broker.username else ""
        return (
            toml("broker", f'username = "dustline-gateway"{now}'),
            "environment: DUSTLINE_BROKER__PASSWORD=...",
        )
    if reason == BAD_PROTOCOL:
        return (toml("broker", "protocol = 311"),)
    return ()


def _allowed(line: Line, broker: BrokerSettings, file_known: bool) -> Iterator[Finding]:
    """What MQTT 5's CONNACK says (MQTT 5, 3.2.2.3); MQTT 3.1.1 says nothing there."""
    asked = broker.session_expiry_s
    if broker.protocol != 5:
        if not file_known:
            yield warn(
                "broker.session",
                "MQTT 3.1.1 does not say how long the broker keeps a session: give --broker-config",
                toml("broker", "protocol = 5"),
            )
        return
    granted = line.told("SessionExpiryInterval", asked)
    if asked == 0:
        yield fail(
            "broker.session",
            "session_expiry_s is 0: what nodes of other makes send while the gateway is away is forgotten",
            toml("broker", "session_expiry_s = 604800"),
        )
    elif granted < asked:
        yield fail(
            "broker.session",
            f"the broker keeps the session for {granted:,} s, not the {asked:,} s that are asked for",
            f"the broker's limit of the session expiry: {asked} s or more",
        )
    else:
        yield ok("broker.session", f"kept for {asked:,} s, as far as the broker says")
    if line.told("MaximumQoS", 2) < 1:
        yield fail("broker.qos", "QoS 0 only: messages are lost on every fault", "mosquitto.conf: max_qos 2")
    if not line.told("RetainAvailable", 1):
        yield fail(
            "broker.retain",
            "retained messages are off: no node's status or settings are kept",
            "mosquitto.conf: retain_available true",
        )
    if not line.told("WildcardSubscriptionAvailable", 1):
        yield fail(
            "broker.wildcards",
            "subscriptions may have no wildcards, and the gateway's have: use another broker",
        )
    window = line.told("ReceiveMaximum", 65535)
    if window < _LEAST_ACK_WINDOW:
        yield warn(
            "broker.ack_window",
            f"takes {window} acks at a time: nodes hear late",
            "mosquitto.conf: max_inflight_messages 100",
        )
    keepalive = line.told("ServerKeepAlive", broker.keepalive_s)
    if keepalive < broker.keepalive_s:
        yield warn(
            "broker.keepalive",
            f"wants a sign of life every {keepalive} s, not every {broker.keepalive_s} s",
            toml("broker", f"keepalive_s = {max(5, keepalive)}"),
        )


def _dropped(broker: BrokerSettings, client_id: str) -> Iterator[Finding]:
    """What Mosquitto itself says, to a user who may read $SYS (mosquitto(8), "Broker status"). Others say
    nothing, or close the connection for the question."""
    try:
        with Line(broker, client_id, clean=True) as line:
            line.subscribe([_DROPPED])
            line.wait(lambda: line.heard, "", _RETAINED_SECONDS)
            count = line.heard[0][1].decode("ascii", "replace") if line.heard else ""
    except LineError:
        return
    if count.isdecimal() and int(count):
        yield warn(
            "broker.dropped",
            f"since its start the broker has dropped {int(count):,} messages for clients that were slow or "
            "away (also those of a check)",
            "mosquitto.conf: max_queued_messages 0",
        )


def _subscriptions(line: Line, settings: Settings, where: str, file_known: bool) -> Iterator[Finding]:
    """Granted is not yet allowed: Mosquitto grants all, and holds back what its rules forbid."""
    filters = topics.filters(settings.network, settings.broker.shard_digits)
    refused = False
    for topic, reason in zip(filters, line.subscribe(filters), strict=False):
        kind = topic.rsplit("/", 1)[1]
        if reason.is_failure:
            refused = True
            yield fail(
                "broker.subscribe",
                f"{where} refuses the subscription to {topic}: {reason}",
                acl_line(settings, "read", kind),
            )
        elif reason.value < 1:
            refused = True
            yield fail("broker.subscribe", f"{where} grants {topic} with QoS 0 only: messages get lost")
    if refused:
        return
    yield ok("broker.subscribe", f"{len(filters)} subscriptions granted")
    if line.wait(
        lambda: any(topic.endswith("/readings") for topic, _ in line.heard),
        "",
        0.1 if file_known else LISTEN_SECONDS,
    ):
        yield ok("broker.read", "a reading came by, so they may be read")
    elif not file_known:
        yield warn(
            "broker.read",
            f"no reading came by within {LISTEN_SECONDS:.0f} s, and a broker grants a subscription also "
            "when its rules hold the messages back. Look for a node's first reading, or give --broker-config",
            *(acl_line(settings, "read", kind) for kind in topics.KINDS_UP),
        )


def check_rights(settings: Settings) -> list[Finding]:
    """Publish to topics of a node that does not exist, and see whether the broker refuses.

    MQTT 3.1.1 has no word for that, so it is asked over MQTT 5 where the broker speaks it: the rules are the
    user's. Otherwise only a message that comes back proves the right.
    """
    newer = settings.broker.model_copy(update={"protocol": 5})
    try:
        return list(_rights(settings, newer))
    except LineError as error:
        if settings.broker.protocol == 5:
            return [warn("broker.write_ack", f"cannot be tried: the broker {error}; see its log")]
    try:
        return list(_rights(settings, settings.broker))
    except LineError as error:
        return [warn("broker.write_ack", f"cannot be tried: the broker {error}; see its log")]


def _rights(settings: Settings, broker: BrokerSettings) -> Iterator[Finding]:
    node = probe_node()
    allowed: bool | None = None
    for kind, loss in (
        ("ack", "nodes never hear that a reading is stored, and send it again without end"),
        ("command", "`dustline gateway command` cannot work, nor updates"),
        ("chunk", "nodes cannot be updated"),
        ("config", "`dustline gateway configure` cannot work, and the queue cannot be tried here"),
    ):
        name = f"broker.write_{kind}"
        allowed = _may_publish(settings, broker, topics.build(settings.network, node, kind), b"")
        if allowed:
            yield ok(name, f"{kind} may be published")
        elif allowed is None:
            yield warn(
                name,
                f"MQTT 3.1.1 does not say whether {kind} may be published: look for a node's first ack, or "
                "for `Denied PUBLISH` in the broker's log with `log_type all`",
                acl_line(settings, "write", kind),
            )
        else:
            access = "readwrite" if kind == "config" else "write"
            judge = fail if kind == "ack" else warn
            yield judge(name, f"{kind} may not be published: {loss}", acl_line(settings, access, kind))
    if not allowed:
        return  # a topic that may be written, the settings', is needed for the rest
    topic = topics.build(settings.network, node, "config")
    took = _may_publish(settings, broker, topic, b" " * MAX_MESSAGE_BYTES)
    text = f"a message of {MAX_MESSAGE_BYTES:,} bytes, the largest of a node,"
    if took:
        yield ok("broker.message_size", f"{text} passes")
    else:
        yield fail(
            "broker.message_size",
            f"{text} is refused or dropped: a node can never empty its outbox",
            "mosquitto.conf: message_size_limit 0",
            "mosquitto.conf: max_packet_size 20000",
        )


def _may_publish(settings: Settings, broker: BrokerSettings, topic: str, payload: bytes) -> bool | None:
    """None when nobody can say. Each on a connection of its own: Mosquitto may close it on what it refuses.

    Raises LineError when no connection can be made.
    """
    client_id = broker.id_for(settings.network) + CHECK_ENDING
    with Line(broker, client_id, clean=True) as line:
        if len(payload) + PACKET_ROOM > line.told("MaximumPacketSize", 1 << 28):
            return False
        try:
            line.subscribe([topic])
            refused = line.publish(topic, payload).is_failure
            if broker.protocol == 5:
                return not refused
            return bool(line.wait(lambda: line.heard, "", _RECEIPT_SECONDS)) or None
        except LineError as error:
            if error.closed:
                return False
            raise
