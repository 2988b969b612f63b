"""Keep the journal within its bounds: the oldest readings go first, and none that a destination waits for.

In steps so small that a commit never waits long for one. What goes is accounted for in `gone`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.journal import gone, rows, spans
from gateway.journal.writer import Journal

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.journal")

# Readings per step: some 10 ms.
STEP = 200
# So long a destination that is no longer configured holds what it has not got.
GRACE_DAYS = 30
_DAY_MS = 86_400_000
_HOUR_S = 3600


@dataclass(slots=True, frozen=True)
class Bounds:
    """0 is no bound. `max_bytes` counts the file's pages in use; the file itself does not shrink."""

    keep_days: int = 0
    max_bytes: int = 0


@dataclass(slots=True, frozen=True)
class State:
    """For readiness and metrics. `held_by`: the destination, or "" for no more readings to take, because of
    which the journal is beyond its bounds; None while it is within. `pruned` counts since the start.
    """

    used_bytes: int = 0
    pruned: int = 0
    held_by: str | None = None


@dataclass(slots=True, frozen=True)
class _Hold:
    upto: int
    by: str | None


class Pruner:
    """One thread uses it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bounds = Bounds()
        self._destinations: tuple[str, ...] = ()
        self._let_go: set[str] = set()
        self.state = State()

    def begin(self, bounds: Bounds, destinations: Sequence[str]) -> None:
        """At the start and when settings change. `destinations` are the names of those that are configured.

        Notes them as such, and tells of those in the journal that are not.
        """
        self._bounds, self._destinations = bounds, tuple(destinations)
        now_ms = rows.now_ms()
        with self._journal.writing() as db:
            pruned_upto = _pruned_upto(db)
            for name in self._destinations:
                cursor = db.execute(
                    "SELECT reading_id FROM cursors WHERE destination = ?", (name,)
                ).fetchone()
                at = int(cursor[0]) if cursor else 0
                rows.set_cursor(db, name, at)
                if at < pruned_upto:
                    log.warning(
                        "a destination begins behind readings that are no longer in the journal",
                        destination=name,
                        delivered_upto=at,
                        pruned_upto=pruned_upto,
                    )
            # From before the time was noted: its grace begins now.
            db.execute("UPDATE cursors SET seen_ms = ? WHERE seen_ms = 0", (now_ms,))
            strangers = [
                row for row in db.execute("SELECT * FROM cursors") if row[0] not in self._destinations
            ]
            newest = db.execute("SELECT max(id) FROM readings").fetchone()[0] or 0
        for name, at, seen_ms in strangers:
            days = GRACE_DAYS - (now_ms - seen_ms) // _DAY_MS
            if days > 0 and at < newest:
                log.warning(
                    "a destination is no longer configured; what it has not got is kept for it",
                    destination=name,
                    readings=newest - at,
                    days=days,
                    advice=f"to let go at once: dustline gateway journal forget {name!r}",
                )

    def step(self) -> bool:
        """Take out one step's worth of readings if the bounds ask for it; whether there may be more."""
        with self._journal.writing() as db:
            used = _used_bytes(db)
            hold = self._hold(db)
            due = self._due(db, used)
            taken = [each for each in due if each[0] <= hold.upto]
            if taken:
                _take_out(db, taken)
        too_large = 0 < self._bounds.max_bytes < used
        if len(taken) < len(due):
            held_by = hold.by or ""
        elif due:
            held_by = self.state.held_by  # known at the last step only
        else:
            held_by = "" if too_large else None
        self._tell(held_by, used)
        self.state = State(used, self.state.pruned + len(taken), held_by)
        return bool(taken)

    def _due(self, db: sqlite3.Connection, used: int) -> list[tuple[int, int, int, int, int | None]]:
        """The oldest readings beyond a bound: (id, node_id, boot, seq, t). A slot's newest one stays."""
        too_large = 0 < self._bounds.max_bytes < used
        if not (too_large or self._bounds.keep_days):
            return []
        # By the newest reading, too: a clock that jumps ahead must not empty the journal.
        newest_ms = db.execute("SELECT received_ms FROM readings ORDER BY id DESC LIMIT 1").fetchone()
        now_ms = min(rows.now_ms(), newest_ms[0] if newest_ms else 0)
        cutoff_ms = now_ms - self._bounds.keep_days * _DAY_MS if self._bounds.keep_days else None
        oldest = db.execute(
            "SELECT id, node_id, boot, seq, t, received_ms FROM readings"
            " WHERE NOT EXISTS (SELECT 1 FROM latest WHERE latest.node_id = readings.node_id"
            " AND latest.slot = readings.slot AND latest.reading_id = readings.id) ORDER BY id LIMIT ?",
            (STEP,),
        ).fetchall()
        due: list[tuple[int, int, int, int, int | None]] = []
        for *reading, received_ms in oldest:
            if not (too_large or (cutoff_ms is not None and received_ms < cutoff_ms)):
                break
            id, node_id, boot, seq, t = reading
            due.append((id, node_id, boot, seq, t))
        return due

    def _hold(self, db: sqlite3.Connection) -> _Hold:
        """Up to which id every destination has what it must get, and which one is the last."""
        now_ms = rows.now_ms()
        hold = _Hold(1 << 62, None)
        for name, at, seen_ms in db.execute(
            "SELECT destination, reading_id, seen_ms FROM cursors"
        ).fetchall():
            if name not in self._destinations and now_ms - seen_ms > GRACE_DAYS * _DAY_MS:
                if name not in self._let_go:
                    self._let_go.add(name)
                    log.warning(
                        "nothing is kept any longer for a destination that is not configured",
                        destination=name,
                        delivered_upto=at,
                    )
                continue
            if at < hold.upto:
                hold = _Hold(at, name)
        return hold

    def _tell(self, held_by: str | None, used: int) -> None:
        """Log a change of state, not each step in it."""
        if held_by == self.state.held_by:
            return
        facts = {
            "path": str(self._journal.path),
            "used_mb": used // 1_000_000,
            "max_mb": self._bounds.max_bytes // 1_000_000,
            "keep_days": self._bounds.keep_days,
        }
        if held_by is None:
            log.info("the journal is within its bounds again", **facts)
        elif held_by:
            log.error(
                "the journal grows beyond its bounds: a destination has not got the oldest readings",
                destination=held_by,
                advice="they are kept; bring the destination back, and mind the disk",
                **facts,
            )
        else:
            log.error(
                "the journal is beyond its bounds and has no more readings to take out",
                advice="raise journal.max_mb, or lower quarantine.max_mb",
                **facts,
            )


def forget(journal: Journal, destination: str) -> bool:
    """Let go of a destination's cursor; whether there was one."""
    with journal.writing() as db:
        return db.execute("DELETE FROM cursors WHERE destination = ?", (destination,)).rowcount > 0


def _take_out(db: sqlite3.Connection, taken: Sequence[tuple[int, int, int, int, int | None]]) -> None:
    by_boot: dict[tuple[int, int], list[tuple[int, int | None]]] = {}
    last = 0
    for id, node_id, boot, seq, t in taken:
        db.execute("DELETE FROM readings WHERE id = ?", (id,))
        db.execute("DELETE FROM quality WHERE reading_id = ?", (id,))
        db.execute("DELETE FROM quality_aside WHERE reading_id = ?", (id,))
        by_boot.setdefault((node_id, boot), []).append((seq, t))
        last = max(last, id)
    spans.forget_empty(db, (id for id, *_ in taken), rows.last_id(db))
    for (node_id, boot), seqs in by_boot.items():
        gone.note_gone(db, node_id, boot, "stored", seqs)
        newest = max([t for _, t in seqs if t is not None], default=0)
        # Hours of which no reading is left; those between them go with the next.
        for table in ("quality_hours", "quality_hours_aside"):
            db.execute(
                f"DELETE FROM {table} WHERE node_id = ? AND hour < ?",  # noqa: S608
                (node_id, newest // _HOUR_S - 1),
            )
    db.execute("INSERT OR REPLACE INTO meta VALUES ('pruned_upto', ?)", (str(max(last, _pruned_upto(db))),))


def _pruned_upto(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM meta WHERE key = 'pruned_upto'").fetchone()
    return int(row[0]) if row else 0


def _used_bytes(db: sqlite3.Connection) -> int:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return (pages - free) * size
