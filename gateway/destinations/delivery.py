"""Carry readings from the journal to one destination, in order, for as long as it takes."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from gateway.aside import Aside
from gateway.destinations.load import Load, load_of
from gateway.destinations.sink import RetryLaterError, Sink, let_go
from gateway.destinations.split import StoppedError, write_in_parts
from gateway.journal import Journal, JournalReader
from gateway.journal.schema import advice
from gateway.operate.heartbeat import Heartbeat
from gateway.reading import from_row

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# The bell wakes us; this is for what changes the journal without ringing it, such as a restored file.
IDLE_SECONDS = 30.0
# A server's Retry-After beyond this is not believed.
MOST_RETRY_AFTER = 3600.0
# Longest wait for a server that is away or starts: asking costs nothing, and its map is to be fresh soon.
AWAY_SECONDS = 3.0
# So many batches behind, the newest readings go ahead of the others.
FAR_BEHIND = 2
# So many are tried with after a failure.
FEW = 500
_ANY_ID = (1 << 63) - 1
# No single write takes so long: twice the longest influx.timeout_s, and half as much again.
STALL_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Counters:
    """Since the start of the gateway. `lag`: ids in the journal beyond the cursor, at the last look."""

    delivered: int = 0
    no_time: int = 0
    refused: int = 0
    failures: int = 0
    last_error: str | None = None
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """How much is delivered once more to a server that may have crashed: what came in the last `seconds`, and
    at least `readings`.

    A server can lose what it has acknowledged. InfluxDB 1.6.7, killed twice, was seen to lose all that it had
    taken in between; a torn entry in its WAL is the likely reason.
    """

    seconds: float = 3600.0
    readings: int = 100_000


@dataclass(slots=True)
class Ahead:
    """Readings that were carried ahead of a backlog: ids above `start`, delivered up to `upto`.

    In memory only: after a restart they are delivered once more, and overwrite themselves.
    """

    start: int
    upto: int


class Delivery(threading.Thread):
    """One destination's thread. It owns the sink and closes it at its end.

    The cursor moves only after the sink said yes, and a line that is written twice overwrites itself, so
    stopping or dying at any point loses nothing. `backoff_s` is the first and the longest wait between tries.
    With `again`, a server that answers after a start or a lost connection gets the latest readings once more.
    """

    def __init__(
        self,
        journal: Journal,
        sink: Sink,
        *,
        batch: int = 5000,
        backoff_s: tuple[float, float] = (0.5, 60.0),
        again: Again | None = None,
    ) -> None:
        super().__init__(name=f"delivery to {sink.name}", daemon=True)
        self._journal = journal
        self._sink = sink
        self._batch = batch
        self._backoff_s = backoff_s
        self._stopping = threading.Event()
        self._tries_in_vain = 0
        self._trouble: str | None = None
        # Ascending; the newest readings go behind the last of them.
        self._ahead: list[Ahead] = []
        # The batch behind the last one, if it is ready.
        self._next: Load | None = None
        self._aside = Aside[None](f"{self.name}, writing")
        self._again = again
        # Whether the server may have crashed since its last answer: at the start nobody knows.
        self._doubted = True
        self._counters = Counters()
        self.heart = Heartbeat()

    @property
    def destination(self) -> str:
        """The destination's name, as in the journal's cursors. No secrets."""
        return self._sink.name

    @property
    def counters(self) -> Counters:
        """A consistent copy; any thread may ask."""
        return self._counters

    @property
    def waits(self) -> bool:
        """Whether the last try failed, and it waits for the next."""
        return self._trouble is not None

    def stop(self, timeout: float = 5.0) -> bool:
        """Ask the thread to end and wait for it. True when it has.

        A backoff ends at once; a write under way ends at the latest with the sink's own timeout.
        """
        self._stopping.set()
        self._journal.bell.ring()  # one ring too many wakes the others for nothing, which is harmless
        if self.ident is not None:
            self.join(timeout)
        return not self.is_alive()

    def run(self) -> None:
        reader: JournalReader | None = None
        try:
            while True:
                # Counted before the journal is read: what is committed after that has rung again.
                heard = self._journal.bell.wait(-1, 0)
                if self._stopping.is_set():
                    return
                self.heart.back_within(STALL_SECONDS)
                try:
                    if reader is None:
                        reader = JournalReader(self._journal.path)
                    moved = self._deliver_batch(reader)
                except StoppedError:
                    return
                except RetryLaterError as error:
                    let_go(error)
                    self._failed(error.state, str(error))
                    self._doubted = self._doubted or error.state == "connection"
                    away = error.state == "connection" or error.state.startswith("http 5")
                    self._back_off(error.retry_after, AWAY_SECONDS if away else None)
                except sqlite3.Error as error:
                    path = self._journal.path
                    self._failed("journal", f"journal {path} cannot be used ({error}); {advice(error)}")
                    self._back_off(None)
                except Exception as error:  # noqa: BLE001  # a bug must not end deliveries for good
                    self._failed(f"bug {type(error).__name__}", f"{type(error).__name__}: {error}", bug=error)
                    if reader is not None:
                        reader.close()
                        reader = None
                    self._back_off(None)
                else:
                    self._worked()
                    if moved and self._doubted:
                        self._go_back(reader)
                    if not moved:
                        self.heart.back_within(STALL_SECONDS + IDLE_SECONDS)
                        self._journal.bell.wait(heard, IDLE_SECONDS)
        finally:
            if reader is not None:
                reader.close()
            self._aside.close()
            self._sink.close()

    def _deliver_batch(self, reader: JournalReader) -> bool:
        """Carry one batch, and when far behind one of the newest before it; False when all is done."""
        cursor, newest = self._journal.cursor(self._sink.name), reader.newest_id()
        self._look_ahead(cursor, newest)
        ahead = self._ahead
        if ahead:
            fresh = self._load(reader, ahead[-1].upto)
            if fresh.upto > ahead[-1].upto:
                self._write(fresh)
                self._keep(cursor, cursor, fresh)
                ahead[-1].upto = fresh.upto
        self._count(lag=_lag(cursor, newest, ahead))
        most = ahead[0].start if ahead else _ANY_ID
        load = self._made_ready(cursor, most) or self._load(reader, cursor, most)
        if load.full and not self.waits:
            self._write_and_look_on(load, reader, most)
        else:
            self._write(load)
        upto = load.upto
        if ahead and upto in (cursor, ahead[0].start):
            # The backlog up to there is carried: go on behind what went ahead of it.
            upto = ahead.pop(0).upto
        if upto > cursor:
            self._keep(cursor, upto, load)
        self._count(lag=_lag(upto, newest, self._ahead))
        return upto > cursor

    def _go_back(self, reader: JournalReader) -> None:
        """The server answers again: deliver the latest once more. That overwrites what is still there."""
        self._doubted = False
        if self._again is None:
            return
        cursor, newest = self._journal.cursor(self._sink.name), reader.newest_id()
        since_ms = int((time.time() - self._again.seconds) * 1000)
        upto = max(0, min(cursor, newest - self._again.readings, reader.id_since(since_ms) - 1))
        if upto < cursor:
            self._journal.delivered(self._sink.name, upto)
            self._ahead.clear()
            log.info(
                "the latest readings are delivered once more",
                destination=self._sink.name,
                count=cursor - upto,
            )

    def _look_ahead(self, cursor: int, newest: int) -> None:
        """Let the newest readings go ahead, when there is a backlog before them."""
        carried = self._ahead[-1].upto if self._ahead else cursor
        if newest - carried > FAR_BEHIND * self._batch:
            start = newest - self._batch
            self._ahead.append(Ahead(start, start))

    def _load(self, reader: JournalReader, after: int, most: int = _ANY_ID) -> Load:
        """The next batch behind an id, up to another one."""
        batch = min(self._batch, FEW) if self.waits else self._batch
        return load_of(reader.rows_after(after, batch, most), after, batch)

    def _made_ready(self, after: int, most: int) -> Load | None:
        """The batch that was made ready, if it is still the one to carry and holds anything."""
        load, self._next = self._next, None
        fits = load is not None and load.after == after < load.upto <= most and len(load.lines) <= self._batch
        return load if fits else None

    def _write(self, load: Load) -> None:
        """Have the batch written, but for what is refused."""
        written = write_in_parts(self._send, load.lines, self._stopping.is_set)
        if written.too_large:
            self._batch = max(1, len(load.lines) // 2)
        load.refused += [(from_row(load.sent[i]), reason) for i, reason in sorted(written.refused.items())]
        load.delivered = len(load.lines) - len(written.refused)

    def _write_and_look_on(self, load: Load, reader: JournalReader, most: int) -> None:
        """Have the batch written, and make the next one ready while the server works on it."""
        writing = self._aside.begin(lambda: self._write(load))
        try:
            self._next = self._load(reader, load.upto, most)
        finally:
            try:
                writing.result()
            finally:
                del writing  # what it raised leads to this frame, and this frame would lead to it

    def _keep(self, cursor: int, upto: int, load: Load) -> None:
        """Move the cursor, with what was refused into the quarantine; then count."""
        refused = load.refused
        if upto > cursor or refused:
            self._journal.delivered(self._sink.name, upto, refused)
        if refused:
            log.warning(
                "destination refused readings; they are quarantined",
                destination=self._sink.name,
                readings=len(refused),
                reason=refused[0][1],
            )
        so_far = self._counters
        self._count(
            delivered=so_far.delivered + load.delivered,
            no_time=so_far.no_time + load.no_time,
            refused=so_far.refused + len(refused),
        )

    def _send(self, lines: Sequence[str]) -> None:
        self.heart.back_within(STALL_SECONDS)
        self._sink.write(lines)

    def _failed(self, trouble: str, message: str, bug: Exception | None = None) -> None:
        """Count each failure, log each kind once until it is over."""
        self._count(failures=self._counters.failures + 1, last_error=message)
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if bug is not None:
            log.error("delivery hit a bug; will try again", destination=self._sink.name, exc_info=bug)
        else:
            log.warning("delivery waits; nothing is lost", destination=self._sink.name, problem=message)

    def _worked(self) -> None:
        self._tries_in_vain = 0
        if self._trouble is not None:
            self._trouble = None
            log.info("delivery goes on", destination=self._sink.name, lag=self._counters.lag)

    def _back_off(self, retry_after: float | None, most: float | None = None) -> None:
        first, longest = self._backoff_s
        longest = longest if most is None else min(most, longest)
        delay = min(longest, first * 2.0 ** min(self._tries_in_vain, 30))
        self._tries_in_vain += 1
        # Jitter, so that gateways that lost the same server do not come back in step.
        delay *= random.uniform(0.5, 1.0)  # noqa: S311
        delay = max(delay, min(retry_after or 0.0, MOST_RETRY_AFTER))
        self.heart.back_within(STALL_SECONDS + delay)
        self._stopping.wait(delay)

    def _count(self, **changes: int | str | None) -> None:
        # Only this thread writes; readers see the old object or the new one.
        self._counters = replace(self._counters, **changes)  # pyright: ignore[reportArgumentType]


def _lag(cursor: int, newest: int, ahead: Sequence[Ahead]) -> int:
    """Ids that are still to be carried."""
    return max(0, newest - cursor - sum(each.upto - each.start for each in ahead))
