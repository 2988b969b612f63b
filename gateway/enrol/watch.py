"""A running gateway takes up the places of who was enrolled, by its page or by a command beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.config import ConfigError

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.enrol")


class EnrolledPlaces:
    """look() calls `changed`, which may raise ConfigError, when the store's file is another than before."""

    def __init__(self, store: Path, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._seen: tuple[int, int] | None = None  # the first look takes up what came since the start

    def look(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._changed()
        except ConfigError as error:
            log.error("the places of the enrolled nodes stay as they were", reason=str(error))

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._store.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
