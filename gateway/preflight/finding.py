"""What a check says: a stable name, how bad it is, words, and the lines to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]

# Every name there is, with what it is about. Scripts rely on them: docs/city-it.md lists what each means.
NAMES = {
    "config": "the configuration can be used",
    "rate": "messages a second that all else is judged by",
    "clock.date": "this machine's date is possible",
    "clock.ntp": "this machine's clock is kept right",
    "clock.nodes": "the nodes' clocks agree",
    "clock.database": "the database's clock agrees",
    "journal.file": "the journal can be written",
    "journal.filesystem": "its file system suits SQLite and lasts",
    "journal.space": "room for what is to be kept",
    "journal.speed": "commits are fast enough",
    "window.batch": "the receive window holds a batch",
    "broker.connect": "reached, certificate and password accepted",
    "broker.subscribe": "subscriptions are granted with QoS 1",
    "broker.read": "readings may be received",
    "broker.session": "how long the broker keeps the session",
    "broker.dropped": "Mosquitto's own count of what it dropped",
    "broker.qos": "QoS 1 may be used",
    "broker.retain": "retained messages are kept",
    "broker.wildcards": "subscriptions may have wildcards",
    "broker.message_size": "the largest message of a node passes",
    "broker.ack_window": "acks on their way to nodes",
    "broker.keepalive": "the keepalive is accepted",
    "broker.write_ack": "acks may be published",
    "broker.write_command": "commands may be published",
    "broker.write_chunk": "pieces of updates may be published",
    "broker.write_config": "settings may be published",
    "broker.lease": "gateways that share a shard can agree who works",
    "broker.queue": "a 10-minute outage fits into the session's queue",
    "broker.window": "messages under way at a time, as the broker really sends them",
    "broker.anonymous": "nobody connects without a password; with enrolment only",
    "enrol.kit": "kit codes can be made",
    "enrol.canary": "a node is enrolled, kept to its own topics, and revoked",
    "broker.tls": "passwords do not go over a network in clear",
    "broker_file": "the broker's own configuration was read",
    "broker_file.persistence": "sessions and queues survive a restart of the broker",
    "broker_file.autosave": "how much a crash of the broker loses",
    "broker_file.queue": "max_queued_messages and max_queued_bytes",
    "broker_file.inflight": "max_inflight_messages and max_inflight_bytes",
    "broker_file.expiry": "persistent_client_expiration",
    "broker_file.message_size": "message_size_limit and max_packet_size",
    "broker_file.retain": "retain_available",
    "broker_file.qos": "max_qos",
    "broker_file.connections": "max_connections",
    "broker_file.memory": "memory_limit",
    "broker_file.anonymous": "allow_anonymous",
    "broker_file.tls": "the listener's certificate",
    "broker_file.acl": "the rules let this user do its part",
    "influx.connect": "the database answers",
    "influx.tls": "credentials do not go over a network in clear",
    "influx.write": "target exists and may be written",
    "influx.retention": "late readings are not refused",
}
# A node's outbox holds what it measured for so long: such a reading still arrives.
OUTBOX_DAYS = 14
OUTAGE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Finding:
    """`fail` loses data or stalls; `warn` is a risk, or not to be seen. `change`: the lines to write."""

    name: str
    level: Level
    text: str
    change: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"{self.name} is not listed")


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str, *change: str) -> Finding:
    return Finding(name, "warn", text, change)


def fail(name: str, text: str, *change: str) -> Finding:
    return Finding(name, "fail", text, change)


def toml(section: str, line: str) -> str:
    """A line of the gateway's configuration."""
    return f"gateway.toml, [{section}]: {line}"
