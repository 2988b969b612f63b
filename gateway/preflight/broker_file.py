"""What Mosquitto's own configuration would lose, with file and line. A client cannot ask for any of it.

Defaults are those of mosquitto.conf(5). It says what the file has; a broker that was not restarted since may
run with something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gateway import topics
from gateway.broker_settings import BrokerSettings
from gateway.config import Settings
from gateway.contract import MAX_MESSAGE_BYTES
from gateway.preflight.acl_file import allowed, rules_for
from gateway.preflight.broker import PACKET_ROOM, probe_node
from gateway.preflight.finding import Finding, fail, ok, warn
from gateway.preflight.load import MESSAGE_BYTES
from gateway.preflight.mosquitto_conf import ConfError, Entry, MosquittoConf
from gateway.preflight.rate import Rate
from gateway.service import most_in_a_batch

_QUEUED_DEFAULT, _INFLIGHT_DEFAULT, _AUTOSAVE_DEFAULT = 1000, 20, 1800
# A crash of the broker loses what came since the last snapshot: so much is well, more is a warning, and
# beyond the second it is called a loss.
_SNAPSHOT_SECONDS, _SNAPSHOT_MOST = 60, 300
_SECONDS_OF = {"h": 3600, "d": 86400, "w": 7 * 86400, "m": 30 * 86400, "y": 365 * 86400}
_QUEUE_BYTES = 500_000_000
_LEAST_MESSAGE = MAX_MESSAGE_BYTES + PACKET_ROOM


class BrokerFile:
    """Raises ConfError when the file cannot be read."""

    def __init__(self, file: Path, settings: Settings, rate: Rate) -> None:
        self._conf = MosquittoConf(file)
        self._settings = settings
        self._broker: BrokerSettings = settings.broker
        self._rate = rate

    @property
    def queue_suffices(self) -> bool:
        return self._queue().level != "fail"

    def check(self) -> Iterator[Finding]:
        yield ok("broker_file", f"{self._conf.file}: read, as the file stands now")
        yield from self._persistence()
        yield self._queue()
        yield self._inflight()
        yield from self._expiry()
        yield from self._sizes()
        yield from self._switches()
        yield self._connections()
        yield from self._security()
        yield self._rules()

    def _persistence(self) -> Iterator[Finding]:
        conf, name = self._conf, "broker_file.persistence"
        persistence = conf.last("persistence")
        if not _is_true(persistence):
            yield fail(
                name,
                f"{_at(persistence, 'persistence false')}: a restart of the broker forgets the gateway's "
                "session and all that waits for it",
                conf.change(persistence, "persistence true"),
            )
            return
        yield ok(name, _at(persistence, ""))
        yield self._autosave()

    def _autosave(self) -> Finding:
        conf, name = self._conf, "broker_file.autosave"
        interval, by_changes = conf.last("autosave_interval"), conf.last("autosave_on_changes")
        change = conf.change(interval, f"autosave_interval {_SNAPSHOT_SECONDS}")
        value = _number(interval, _AUTOSAVE_DEFAULT)
        told = _at(interval, f"autosave_interval {_AUTOSAVE_DEFAULT}")
        if value == 0:
            return fail(name, f"{told}: saved at the broker's end only, a crash loses all that waits", change)
        seconds = float(value)
        changes = (change,)
        if _is_true(by_changes):
            # Each message is queued and taken out again: two changes at least.
            seconds = value / (2 * self._rate.per_s)
            told += f" changes, some {seconds:,.0f} s at this rate"
            changes = (conf.change(by_changes, "autosave_on_changes false"), change)
        if seconds <= _SNAPSHOT_SECONDS:
            return ok(name, told)
        text = (
            f"{told}: a crash of the broker loses what waited up to {seconds:,.0f} s; "
            "nodes of Dustline send it again"
        )
        return (fail if seconds > _SNAPSHOT_MOST else warn)(name, text, *changes)

    def _queue(self) -> Finding:
        """Messages and bytes for a gateway that is away for 10 minutes."""
        conf, name = self._conf, "broker_file.queue"
        messages, size = conf.last("max_queued_messages"), conf.last("max_queued_bytes")
        most, most_bytes = _number(messages, _QUEUED_DEFAULT), _number(size, 0)
        outage = self._rate.outage
        wanted_bytes = max(_QUEUE_BYTES, 2 * outage * MESSAGE_BYTES)
        told = f"{_at(messages, f'max_queued_messages {_QUEUED_DEFAULT}')}, {_at(size, 'max_queued_bytes 0')}"
        unlimited = conf.change(messages, "max_queued_messages 0")
        bound = conf.change(size, f"max_queued_bytes {wanted_bytes}")
        if 0 < most < outage:
            full = most / self._rate.per_s
            text = f"{told}: full after {full:,.0f} s, then messages are dropped without a word"
            return fail(name, f"{text}; a 10-minute outage has {outage:,}", unlimited, bound)
        if 0 < most_bytes < outage * MESSAGE_BYTES:
            text = f"{told}: a 10-minute outage has some {outage * MESSAGE_BYTES:,} bytes"
            return fail(name, f"{text}, what is beyond is dropped without a word", bound)
        if most == 0 and most_bytes == 0:
            return warn(
                name, f"{told}: no bound, a gateway that is away for long fills the broker's memory", bound
            )
        return ok(name, f"{told}; a 10-minute outage has {outage:,} messages")

    def _inflight(self) -> Finding:
        """MQTT 5's Receive Maximum stands in its place there."""
        conf, name = self._conf, "broker_file.inflight"
        entry = conf.last("max_inflight_messages")
        told = _at(entry, f"max_inflight_messages {_INFLIGHT_DEFAULT}")
        most = most_in_a_batch(self._settings)
        if self._broker.protocol == 5:
            return ok(name, f"{told}; with MQTT 5 receive_maximum {self._broker.receive_maximum} counts")
        if 0 < _number(entry, _INFLIGHT_DEFAULT) < self._broker.window:
            line = f"max_inflight_messages {_INFLIGHT_DEFAULT}"
            return fail(name, f"{told}, and commits of {most} wait for more", conf.change(entry, line))
        size = conf.last("max_inflight_bytes")
        if 0 < _number(size, 0) < self._broker.window * MESSAGE_BYTES:
            return fail(
                name, f"{_at(size, '')}, less than {most} messages", conf.change(size, "max_inflight_bytes 0")
            )
        return ok(name, told)

    def _expiry(self) -> Iterator[Finding]:
        name, entry = "broker_file.expiry", self._conf.last("persistent_client_expiration")
        if entry is None:
            yield ok(name, "sessions are kept as long as asked")
            return
        match = re.fullmatch(r"(\d+)([hdwmy])", entry.value)
        asked = self._broker.session_expiry_s
        if match is not None and int(match[1]) * _SECONDS_OF[match[2]] >= asked:
            yield ok(name, _at(entry, ""))
            return
        days = -(-asked // 86400)
        yield fail(
            name,
            f"{_at(entry, '')}: the session of a gateway that is away is thrown away with its queue before "
            f"the {asked:,} s of broker.session_expiry_s",
            self._conf.change(entry, f"persistent_client_expiration {days}d"),
        )

    def _sizes(self) -> Iterator[Finding]:
        for key, least in (("message_size_limit", MAX_MESSAGE_BYTES), ("max_packet_size", _LEAST_MESSAGE)):
            entry = self._conf.last(key)
            if 0 < _number(entry, 0) < least:
                yield fail(
                    "broker_file.message_size",
                    f"{_at(entry, '')}: a node's message may have {MAX_MESSAGE_BYTES:,} bytes",
                    self._conf.change(entry, f"{key} {0 if key == 'message_size_limit' else 20000}"),
                )
        memory = self._conf.last("memory_limit")
        wanted = self._rate.outage * MESSAGE_BYTES * 2
        if 0 < _number(memory, 0) < wanted:
            yield fail(
                "broker_file.memory",
                f"{_at(memory, '')}: a 10-minute outage takes some {wanted:,}; then clients are thrown out",
                self._conf.change(memory, f"memory_limit {max(2 * wanted, 100_000_000)}"),
            )

    def _switches(self) -> Iterator[Finding]:
        retain = self._conf.last("retain_available")
        if retain is not None and not _is_true(retain):
            yield fail(
                "broker_file.retain",
                f"{_at(retain, '')}: a node that says its status is thrown out",
                self._conf.change(retain, "retain_available true"),
            )
        for qos in (each for each in self._conf.entries if each.key == "max_qos"):
            if _number(qos, 2) < 1:
                change = self._conf.change(qos, "max_qos 2")
                yield fail("broker_file.qos", f"{_at(qos, '')}: messages are lost on every fault", change)

    def _connections(self) -> Finding:
        name = "broker_file.connections"
        nodes = len(self._settings.public_places)
        for entry in (each for each in self._conf.entries if each.key == "max_connections"):
            most = _number(entry, -1)
            # A gateway, a check or two, and a node that comes back before its old connection is noticed.
            if 0 <= most < nodes + 10:
                change = self._conf.change(entry, f"max_connections {2 * nodes + 100}")
                return fail(name, f"{_at(entry, '')}, and nodes_file has {nodes} nodes", change)
        return ok(name, f"enough for the {nodes} nodes of nodes_file")

    def _security(self) -> Iterator[Finding]:
        conf, port = self._conf, self._broker.port
        anonymous = conf.security("allow_anonymous", port)
        if _is_true(anonymous):
            change = conf.change(anonymous, "allow_anonymous false")
            yield warn("broker_file.anonymous", f"{_at(anonymous, '')}: anyone may send readings", change)
        if conf.of_listener("certfile", port) is None:
            listener = next(
                (each for each in conf.entries if each.key == "listener" and each.port == port), None
            )
            if listener is not None and not _is_here(listener.value):
                yield warn(
                    "broker_file.tls",
                    f"{_at(listener, '')}: without TLS, passwords go over the network in clear",
                    conf.change(None, f"in the section `listener {port}`: certfile, keyfile"),
                )

    def _rules(self) -> Finding:
        name, conf = "broker_file.acl", self._conf
        entry = conf.security("acl_file", self._broker.port)
        if entry is None:
            plugin = conf.security("plugin", self._broker.port) or conf.security(
                "auth_plugin", self._broker.port
            )
            if plugin is None:
                return warn(
                    name,
                    "no acl_file: every node may write another's readings",
                    conf.change(None, "acl_file /etc/mosquitto/acl"),
                )
            return warn(name, f"{_at(plugin, '')}: the rules are a plugin's and cannot be read here")
        settings, file = self._settings, Path(entry.value)
        try:
            rules = rules_for(file, self._broker.username, self._broker.id_for(settings.network))
        except ConfError as error:
            return warn(name, f"{entry.place}: {error}; run the check as a user who may")
        node = probe_node()
        wanted = [("read", kind) for kind in topics.KINDS_UP] + [("write", "ack")]
        absent = [
            f"topic {access} dl/1/{settings.network}/+/+/{kind}"
            for access, kind in wanted
            if not allowed(rules, access, topics.build(settings.network, node, kind))
        ]
        user = self._broker.username or "(anonymous)"
        if absent:
            return fail(
                name,
                f"{file}: {user} may not do its part",
                *(f"{file}, user {user}: {line}" for line in absent),
            )
        deaf = [
            f"{file}, user {user}: topic read dl/1/{settings.network}/+/+/{kind}"
            for kind in topics.KINDS_OF_UPDATES
            if not allowed(rules, "read", topics.build(settings.network, node, kind))
        ]
        if deaf:
            return warn(name, f"{file}: {user} may not read what updates and commands need", *deaf)
        return ok(name, f"{file}: {user} may read what nodes send, and write acks")


def _at(entry: Entry | None, default: str) -> str:
    return f"{entry.place}: {entry.key} {entry.value}" if entry else f"{default} by default"


def _is_true(entry: Entry | None) -> bool:
    return entry is not None and entry.value == "true"


def _number(entry: Entry | None, default: int) -> int:
    if entry is None or not re.fullmatch(r"-?\d{1,18}", entry.value):
        return default
    return int(entry.value)


def _is_here(listener: str) -> bool:
    return listener.split(" ")[-1] in ("127.0.0.1", "::1", "localhost")
