"""Carry judgements to an InfluxDB, behind the readings and apart from them: fields of the same points.

    reading,network=waw,node=a1,slot=pm qc=256i 1700000000

Measurement, tags and time are the reading's own (destinations/lines.py), so the server adds the fields to its
point, whichever comes first, and a second write overwrites itself. `qc` is always an integer, `pm25_cor` and
`pm10_cor` are always floats and there only where a correction was applied.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from gateway.bell import Bell
from gateway.destinations.lines import MEASUREMENT
from gateway.destinations.sink import RetryLaterError, Sink, let_go
from gateway.destinations.split import StoppedError, write_in_parts
from gateway.journal import Journal, JournalError
from gateway.journal.schema import advice, open_reader
from gateway.operate.heartbeat import Heartbeat
from gateway.quality.follow import store

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quality")

IDLE_SECONDS = 30.0
# As for the readings: no single write takes so long.
STALL_SECONDS = 900.0
LONGEST_RETRY_S = 60.0
# Delivered once more to a server that may have crashed, as the readings are: it can lose what it took.
AGAIN = 100_000
# Names that need no escaping; the contract allows no others.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SELECT = (
    "SELECT change, network, name, slot, t, qc, quality.pm25, quality.pm10 FROM quality"
    " JOIN readings ON readings.id = reading_id JOIN nodes ON nodes.id = node_id"
    " WHERE change > ? ORDER BY change LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Since the start. `lag`: changes that are still to be carried, at the last look."""

    delivered: int = 0
    refused: int = 0
    failures: int = 0
    lag: int = 0
    last_error: str | None = None


class QualityDelivery(threading.Thread):
    """One destination's thread. It owns the sink and closes it at its end. Its cursor counts changes."""

    def __init__(self, journal: Journal, sink: Sink, bell: Bell, *, batch: int = 5000) -> None:
        super().__init__(name=f"quality to {sink.name}", daemon=True)
        self._journal, self._sink, self._bell, self._batch = journal, sink, bell, batch
        self._stopping = threading.Event()
        self._doubted = True
        self._trouble: str | None = None
        self._tries_in_vain = 0
        self._figures = Figures()
        self.heart = Heartbeat()

    @property
    def destination(self) -> str:
        """The sink's name. No secrets."""
        return self._sink.name

    @property
    def figures(self) -> Figures:
        """A consistent copy; any thread may ask."""
        return self._figures

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask the thread to end and wait for it. True when it has."""
        self._stopping.set()
        self._bell.ring()
        if self.ident is not None:
            self.join(timeout)
        return not self.is_alive()

    def run(self) -> None:
        reader: sqlite3.Connection | None = None
        try:
            while not self._stopping.is_set():
                heard = self._bell.wait(-1, 0)
                self.heart.back_within(STALL_SECONDS)
                try:
                    if reader is None:
                        reader = open_reader(self._journal.path)
                    moved = self._deliver(reader)
                except StoppedError:
                    return
                except RetryLaterError as error:
                    let_go(error)
                    self._doubted = self._doubted or error.state == "connection"
                    self._failed(error.state, str(error), error.retry_after)
                except (sqlite3.Error, JournalError) as error:
                    told = advice(error) if isinstance(error, sqlite3.Error) else ""
                    self._failed("journal", f"{self._journal.path}: {error}; {told}")
                except Exception as error:
                    log.exception("a bug in the delivery of judgements; will try again")
                    self._failed(type(error).__name__, f"{type(error).__name__}: {error}", told=True)
                else:
                    self._worked()
                    if not moved:
                        self.heart.back_within(STALL_SECONDS + IDLE_SECONDS)
                        self._bell.wait(heard, IDLE_SECONDS)
        finally:
            if reader is not None:
                reader.close()
            self._sink.close()

    def _deliver(self, reader: sqlite3.Connection) -> bool:
        """Carry one batch; whether there was one."""
        at = store.cursor(reader, self._sink.name) or 0
        upto, lines = lines_after(reader, at, self._batch)
        if upto == at:
            self._count(lag=0)
            return False
        written = write_in_parts(self._send, lines, self._stopping.is_set)
        if self._doubted:
            # The server answers after a start or a lost connection.
            self._doubted = False
            upto = max(0, min(upto, at - AGAIN)) if at else upto
        with self._journal.writing() as db:
            store.set_cursor(db, self._sink.name, upto)
        if written.refused:
            reason = next(iter(written.refused.values()))
            log.warning(
                "destination refused judgements; the journal has them",
                destination=self._sink.name,
                count=len(written.refused),
                reason=reason,
            )
        so_far = self._figures
        newest = reader.execute("SELECT max(change) FROM quality").fetchone()[0] or 0
        self._count(
            delivered=so_far.delivered + len(lines) - len(written.refused),
            refused=so_far.refused + len(written.refused),
            lag=max(0, newest - upto),
        )
        return True

    def _send(self, lines: Sequence[str]) -> None:
        self.heart.back_within(STALL_SECONDS)
        self._sink.write(lines)

    def _failed(
        self, trouble: str, message: str, retry_after: float | None = None, told: bool = False
    ) -> None:
        """Count each failure, log each kind once until it is over; then rest, longer each time."""
        self._count(failures=self._figures.failures + 1, last_error=message)
        if trouble != self._trouble:
            self._trouble = trouble
            if not told:
                log.warning("delivery of judgements waits", destination=self._sink.name, problem=message)
        delay = min(LONGEST_RETRY_S, 0.5 * 2.0 ** min(self._tries_in_vain, 10))
        self._tries_in_vain += 1
        delay = max(delay, min(retry_after or 0.0, 3600.0))
        self.heart.back_within(STALL_SECONDS + delay)
        self._stopping.wait(delay)

    def _worked(self) -> None:
        self._tries_in_vain = 0
        if self._trouble is not None:
            self._trouble = None
            log.info("delivery of judgements goes on", destination=self._sink.name)

    def _count(self, **changes: int | str | None) -> None:
        # Only this thread writes; readers see the old object or the new one.
        self._figures = replace(self._figures, **changes)  # pyright: ignore[reportArgumentType]


def lines_after(reader: sqlite3.Connection, change: int, limit: int) -> tuple[int, list[str]]:
    """The next judgements in use behind that number of change: up to which number, and their lines."""
    rows = reader.execute(_SELECT, (change, limit)).fetchall()
    lines = [line for row in rows if (line := _line(row)) is not None]
    return (rows[-1][0] if rows else change), lines


def _line(row: tuple[int, str, str, str, int | None, int, float | None, float | None]) -> str | None:
    """None for a reading without a time, or with a name that no contract allows."""
    _, network, node, slot, t, qc, pm25, pm10 = row
    if t is None or not all(map(_PLAIN.fullmatch, (network, node, slot))):
        return None
    fields = f"qc={qc}i"
    if pm25 is not None:
        fields += f",pm25_cor={float(pm25)!r}"
    if pm10 is not None:
        fields += f",pm10_cor={float(pm10)!r}"
    return f"{MEASUREMENT},network={network},node={node},slot={slot} {fields} {t}"
