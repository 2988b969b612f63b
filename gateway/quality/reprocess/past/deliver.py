"""Carry judgements of the side file to InfluxDB: lines as the gateway's own delivery has, another cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.destinations.sink import RetryLaterError, Sink
from gateway.destinations.split import Written, write_in_parts
from gateway.quality.follow import store
from gateway.quality.follow.deliver import lines_after
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.past import file
from gateway.quality.reprocess.past.influxql import AwayError, PastError, with_patience

Tell = Callable[[float], None]


@dataclass(slots=True)
class Carried:
    lines: int = 0
    refused: int = 0
    reason: str = ""


def carry(past: Beside, sink: Sink, batch: int, tell: Tell = lambda _: None) -> Carried:
    """Write all that came into use and is not there yet. The cursor moves after the server's yes: a kill in
    between repeats a batch, which overwrites itself. Raises PastError, JournalError."""
    done = Carried()
    reader = file.reader(past.path)
    try:
        at = begin = store.cursor(reader, sink.name) or 0
        whole = max(1, (store.cursor(reader, store.CHANGE) or 0) - begin)
        while True:
            upto, lines = lines_after(reader, at, batch)
            if upto == at:
                return done
            written = with_patience(lambda lines=lines: _write(sink, lines))
            with past.writing() as db:
                store.set_cursor(db, sink.name, upto)
            done.lines += len(lines) - len(written.refused)
            done.refused += len(written.refused)
            done.reason = done.reason or next(iter(written.refused.values()), "")
            at = upto
            tell(min(1.0, (at - begin) / whole))
    finally:
        reader.close()


def _write(sink: Sink, lines: list[str]) -> Written:
    try:
        return write_in_parts(sink.write, lines, lambda: False)
    except RetryLaterError as error:
        away = error.state in ("connection", "http 429") or error.state.startswith("http 5")
        raise (AwayError if away else PastError)(f"judgements cannot be written: {error}") from error
