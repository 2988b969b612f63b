"""Take an entry of the quarantine through the stages again, as if it came now, with the time it came then."""

from __future__ import annotations

import json
from typing import Any, cast

from gateway import topics
from gateway.check import Limits, Origin, check
from gateway.contract import Health, ReadingsEnvelope
from gateway.decode import UnreadableError, decode
from gateway.destinations.lines import NotWritableError, line
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import LinesRefusedError, SinkError, make_sink
from gateway.identify import identify, locate
from gateway.journal import Journal, JournalReader, rows
from gateway.journal.writer import NotReplayedError
from gateway.records import Batch, Claim, NewReading, Quarantined, Rejected

_AS_IT_IS = "the entry stays as it is"


def message_of(entry: Quarantined, network: str) -> tuple[str, bytes]:
    """Topic and payload to take through the stages: the corrected message, or else what came.

    An entry about one reading becomes a message with that reading alone. Raises NotReplayedError.
    """
    topic = entry.fixed_topic or entry.topic
    if not topic and entry.node is not None:
        topic = topics.build(network, entry.node, "readings")
    if entry.fixed is not None:
        return topic, entry.fixed.encode()
    if len(entry.payload) < entry.size:
        raise NotReplayedError(
            f"only {len(entry.payload)} of {entry.size} bytes were kept; give the message by fix --payload"
        )
    if entry.boot is None:
        return topic, entry.payload
    try:
        item: Any = json.loads(entry.payload)
    except ValueError as error:
        raise NotReplayedError(f"its payload is no JSON ({error}); correct it with fix --payload") from error
    if isinstance(item, dict) and entry.seq is not None:
        item = {"seq": entry.seq, **cast("dict[str, Any]", item)}
    return topic, json.dumps({"v": 1, "boot": entry.boot, "readings": [item]}).encode()


def judge(topic: str, payload: bytes, received_ms: int, network: str, limits: Limits) -> Batch:
    """Decode, identify, check: what the message gives. Raises NotReplayedError when it gives nothing."""
    batch = Batch(network)
    try:
        address = locate(topic, network)
        said = identify(address, decode(payload)).message
    except UnreadableError as fault:
        raise NotReplayedError(f"{fault.reason}: {fault}") from fault
    if isinstance(said, ReadingsEnvelope):
        origin = Origin(received_ms, topic, address.node, said.boot)
        verdicts = [check(item, origin, limits) for item in said.readings]
        batch.readings = [each for each in verdicts if isinstance(each, NewReading)]
        batch.rejected = [each for each in verdicts if isinstance(each, Rejected)]
        if not batch.readings:
            raise NotReplayedError(f"{batch.rejected[0].reason}: {batch.rejected[0].detail}")
    elif isinstance(said, Health):
        # What it says of the node's state is over; what it says was born stays true.
        batch.claims = [Claim(received_ms, address.node, boot, last) for boot, last in said.born]
    if not (batch.readings or batch.claims):
        raise NotReplayedError(f"a {address.kind} message tells of its moment only, which is over")
    return batch


def replay(
    journal: Journal,
    id: int,
    network: str,
    limits: Limits,
    influx: InfluxSettings,
    *,
    by_now: bool = False,
) -> str:
    """Replay one entry, and say what became of it. Raises NotReplayedError, and then nothing has changed.

    `by_now`: as if it came now, because the clock that said when it came was wrong.
    """
    with JournalReader(journal.path) as reader:
        entry = reader.entry(id)
        if entry is None:
            raise NotReplayedError("there is no such entry; it may have been dropped since")
        if entry.replayed_ms is not None:
            raise NotReplayedError("it has been replayed already")
        if entry.destination is not None:
            _deliver(entry, reader, influx)
            with journal.writing() as db:
                rows.mark_replayed(db, id)
            return f"delivered to {entry.destination}"
    topic, payload = message_of(entry, network)
    came_ms = rows.now_ms() if by_now else entry.received_ms
    done = journal.replay(id, judge(topic, payload, came_ms, network, limits))
    told = [f"{done.stored} stored"] if done.stored else []
    told += [f"{done.duplicates} stored before"] if done.duplicates else []
    told += [f"{count} quarantined anew ({reason})" for reason, count in done.quarantined.items()]
    return ", ".join(told) or "what it says was born is noted"


def _deliver(entry: Quarantined, reader: JournalReader, influx: InfluxSettings) -> None:
    """Write the stored reading to the destination that refused it."""
    if not influx.enabled:
        raise NotReplayedError(f"destination {entry.destination} is not configured; {_AS_IT_IS}")
    sink = make_sink(influx)
    try:
        if sink.name != entry.destination:
            raise NotReplayedError(
                f"it was refused by {entry.destination}, and the configured destination is {sink.name}"
            )
        stored = reader.identified(entry.node or "", entry.boot or 0, entry.seq or 0)
        lines = [each for each in map(line, stored) if each is not None]
        if not lines:
            raise NotReplayedError("the reading is no longer in the journal, or has no time")
        sink.write(lines)
    except (LinesRefusedError, NotWritableError) as error:
        raise NotReplayedError(f"refused again: {error}") from error
    except SinkError as error:
        raise NotReplayedError(f"not delivered: {error}; {_AS_IT_IS}, try again") from error
    finally:
        sink.close()
