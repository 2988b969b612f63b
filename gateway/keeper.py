"""The journal's housekeeping: the bounds of journal and quarantine, and what the command line asks for."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from gateway.journal import Journal, JournalError
from gateway.journal.bounds import Pruner, State
from gateway.journal.schema import open_reader
from gateway.quarantine.bound import Trimmer
from gateway.quarantine.requests import Answer, serve

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.keeper")

REQUESTS_SECONDS = 0.25
LOOK_SECONDS = 10.0
# At most this part of the time goes into steps, so that commits find the journal free.
_SHARE = 0.25


class Keeper(threading.Thread):
    """One thread. A step takes some milliseconds of the journal; then it rests for longer than that."""

    def __init__(
        self,
        journal: Journal,
        pruner: Pruner,
        trimmer: Trimmer,
        carry_out: Callable[[Journal, dict[str, Any]], Answer],
        *,
        look_s: float = LOOK_SECONDS,
    ) -> None:
        super().__init__(name="keeper", daemon=True)
        self._journal = journal
        self._pruner = pruner
        self._trimmer = trimmer
        self._carry_out = carry_out
        self._look_s = look_s
        self._stopping = threading.Event()
        self._failing = False

    @property
    def state(self) -> State:
        """How the journal stands to its bounds."""
        return self._pruner.state

    @property
    def dropped(self) -> int:
        """Entries that the quarantine's bound has pushed out since the start."""
        return self._trimmer.dropped

    def run(self) -> None:
        reader: sqlite3.Connection | None = None
        begun, next_look = False, 0.0
        while not self._stopping.is_set():
            pause = REQUESTS_SECONDS
            try:
                if reader is None:
                    reader = open_reader(self._journal.path)
                if not begun:
                    self._pruner.begin()
                    begun = True
                serve(self._journal, reader, self._carry_out)
                if time.monotonic() >= next_look:
                    began = time.monotonic()
                    self._trimmer.look(reader)
                    more = [self._trimmer.step(), self._pruner.step()]
                    if any(more):
                        pause = (time.monotonic() - began) / _SHARE
                    else:
                        next_look = time.monotonic() + self._look_s
            except (sqlite3.Error, JournalError) as error:
                self._failed(error)
                pause = self._look_s
            except Exception:
                log.exception("a bug in the journal's housekeeping; will try again")
                pause = self._look_s
            else:
                self._failing = False
            self._stopping.wait(pause)
        if reader is not None:
            reader.close()

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
