"""The gateway's log: for people on a terminal, one JSON object a line elsewhere. To standard error."""

from __future__ import annotations

import io
import logging
import sys
from typing import TextIO, cast

import structlog

from gateway.config import LogSettings


class _Stream(io.TextIOBase):
    """Standard error, which may be a file on a full disk or a pipe that nobody reads any more: that must cost
    a line of the log, and not the thread that wrote it."""

    def __init__(self) -> None:
        self.lost = 0

    def write(self, text: str) -> int:
        try:
            sys.stderr.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self.lost += 1
        return len(text)

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except (OSError, ValueError):
            self.lost += 1


_stream = _Stream()


def lines_lost() -> int:
    """How often a line of the log, or a part of one, could not be written."""
    return _stream.lost


def set_up(settings: LogSettings) -> None:
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if console:
        # Plain: the default shows the local variables of every frame, and one may be a password.
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _stream)),
        cache_logger_on_first_use=False,
    )
