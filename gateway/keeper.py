"""The journal's housekeeping: the bounds of journal and quarantine, and what the command line asks for."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence

import structlog

from gateway.config import JournalSettings, Settings
from gateway.journal import Journal, JournalError
from gateway.journal.bounds import Bounds, Pruner, State
from gateway.journal.schema import open_reader
from gateway.operate.heartbeat import Heartbeat
from gateway.quarantine.bound import QuarantineBounds, Trimmer
from gateway.quarantine.requests import carry_out, serve

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.keeper")

REQUESTS_SECONDS = 0.25
LOOK_SECONDS = 10.0
# At most this part of the time goes into steps, so that commits find the journal free.
_SHARE = 0.25
# A replay may wait for a destination's server, a step for a disk that stalls.
STALL_SECONDS = 120.0


def bounds_of(journal: JournalSettings, destinations: Sequence[str]) -> Bounds:
    """Without a destination the journal is the only store: then a default deletes nothing."""
    chosen = set(JournalSettings.model_fields) if destinations else journal.model_fields_set
    return Bounds(
        journal.keep_days if "keep_days" in chosen else 0,
        journal.max_mb * 1_000_000 if "max_mb" in chosen else 0,
    )


class Keeper(threading.Thread):
    """One thread. A step takes some milliseconds of the journal; then it rests for longer than that.

    `destinations` are the names of those that are configured.
    """

    def __init__(self, journal: Journal, settings: Settings, destinations: Sequence[str]) -> None:
        super().__init__(name="keeper", daemon=True)
        self._journal = journal
        self._wanted = settings, tuple(destinations)
        self._current: tuple[Settings, tuple[str, ...]] | None = None
        self._pruner = Pruner(journal)
        self._trimmer = Trimmer(journal)
        self._next_look = 0.0
        self._stopping = threading.Event()
        self._failing = False
        self.heart = Heartbeat()

    @property
    def state(self) -> State:
        """How the journal stands to its bounds."""
        return self._pruner.state

    @property
    def dropped(self) -> int:
        """Entries that the quarantine's bound has pushed out since the start."""
        return self._trimmer.dropped

    def adjust(self, settings: Settings, destinations: Sequence[str]) -> None:
        """Go on by other settings; any thread may say so."""
        self._wanted = settings, tuple(destinations)

    def run(self) -> None:
        reader: sqlite3.Connection | None = None
        while not self._stopping.is_set():
            self.heart.back_within(STALL_SECONDS + LOOK_SECONDS)
            try:
                if reader is None:
                    reader = open_reader(self._journal.path)
                pause = self._turn(reader)
            except (sqlite3.Error, JournalError) as error:
                self._failed(error)
                pause = LOOK_SECONDS
            except Exception:
                log.exception("a bug in the journal's housekeeping; will try again")
                pause = LOOK_SECONDS
            else:
                self._failing = False
            self._stopping.wait(pause)
        if reader is not None:
            reader.close()

    def _turn(self, reader: sqlite3.Connection) -> float:
        """Do what is to be done now, at most one step of each kind; how long to rest, s."""
        settings, destinations = wanted = self._wanted
        if wanted is not self._current:
            quarantine = settings.quarantine
            self._trimmer.begin(QuarantineBounds(quarantine.max_entries, quarantine.max_mb * 1_000_000))
            self._pruner.begin(bounds_of(settings.journal, destinations), destinations)
            self._current, self._next_look = wanted, 0.0
        serve(self._journal, reader, lambda its, request: carry_out(its, request, settings))
        began = time.monotonic()
        if began < self._next_look:
            return REQUESTS_SECONDS
        self._trimmer.look(reader)
        if any([self._trimmer.step(), self._pruner.step()]):
            return (time.monotonic() - began) / _SHARE
        self._next_look = began + LOOK_SECONDS
        return REQUESTS_SECONDS

    def _failed(self, error: Exception) -> None:
        """Once per trouble: the pipeline meets the same one and says more."""
        if not self._failing:
            self._failing = True
            log.warning("the journal cannot be kept in order; will try again", problem=str(error))

    def stop(self, seconds: float = 2.0) -> bool:
        """End after the step under way. True when it has."""
        self._stopping.set()
        if self.ident is not None:
            self.join(seconds)
        return not self.is_alive()
