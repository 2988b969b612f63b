"""Make a corrected message of an entry; what came stays as it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from gateway import topics
from gateway.decode import UnreadableError, decode
from gateway.journal.writer import NotReplayedError
from gateway.quarantine.replay import message_of
from gateway.records import Quarantined


class FixError(Exception):
    """The entry cannot be corrected in this way; the message says what to do."""


def corrected(
    entry: Quarantined,
    network: str,
    *,
    changes: Sequence[str] = (),
    payload: bytes | None = None,
    boot: int | None = None,
    node: str | None = None,
) -> tuple[str, str]:
    """Topic and message. `changes` are KEY=VALUE for its one reading, on top of an earlier fix.

    `payload` is a whole message, or the one reading alone. Raises FixError.
    """
    if entry.destination is not None:
        raise FixError(
            f"the reading itself is good and stored; change over there what {entry.destination} refused, "
            "then replay"
        )
    topic, message = _begin(entry, network, payload)
    if node is not None:
        if not topics.valid_name(node):
            raise FixError(f"--node {node!r}: a node's name is 1 to 32 of a-z, 0-9 and -")
        topic = topics.build(network, node, topic.rsplit("/", 1)[-1] or "readings")
    if boot is not None:
        message["boot"] = boot
    if changes:
        reading = _only_reading(message)
        for change in changes:
            key, value = _parse(change)
            reading[key] = value
    return topic, _text(message)


def _text(message: dict[str, Any]) -> str:
    """As it is kept. One that cannot be read would shut out every later `--set`."""
    try:
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        decode(text.encode())
    except UnicodeEncodeError as error:
        raise FixError("a value holds a character that no text has; nothing is kept") from error
    except UnreadableError as error:
        raise FixError(f"the message could not be read any more ({error}); nothing is kept") from error
    return text


def _begin(entry: Quarantined, network: str, payload: bytes | None) -> tuple[str, dict[str, Any]]:
    """What to change: the given payload, or the entry's message."""
    try:
        if payload is None:
            topic, raw = message_of(entry, network)
            return topic, decode(raw)
        given = decode(payload)
        topic = entry.fixed_topic or entry.topic
        if not topic and entry.node is not None:
            topic = topics.build(network, entry.node, "readings")
    except (UnreadableError, NotReplayedError) as error:
        whose = "the file" if payload is not None else "the entry's payload"
        more = "" if payload is not None else "; give a corrected one by --payload FILE"
        raise FixError(f"{whose}: {error}{more}") from error
    if "v" not in given and entry.boot is not None:
        given = {"v": 1, "boot": entry.boot, "readings": [given]}
    return topic, given


def _only_reading(message: dict[str, Any]) -> dict[str, Any]:
    readings = message.get("readings")
    if not isinstance(readings, list) or len(cast("list[Any]", readings)) != 1:
        raise FixError(
            "--set is for one reading, and this is not a message with just one; use --payload FILE"
        )
    (reading,) = cast("list[Any]", readings)
    if not isinstance(reading, dict):
        raise FixError("the reading is no JSON object; use --payload FILE")
    return cast("dict[str, Any]", reading)


def _parse(change: str) -> tuple[str, Any]:
    """`pm25=12.3`: the value is JSON, or else text."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise FixError(f"--set {change!r}: write KEY=VALUE, such as pm25=12.3, t=null or slot=a")
    try:
        return key, json.loads(text)
    except (ValueError, RecursionError):
        return key, text
