"""Have something done to the journal by whoever may write it: a running gateway, or else this very program.

A request is a row in the journal's table `requests`; the gateway's keeper takes it up and writes the answer.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gateway.check import Limits
from gateway.config import Settings
from gateway.destinations.sink import make_sink
from gateway.journal import Journal, JournalBusyError, JournalError, bounds, rows
from gateway.journal.schema import BUSY_SECONDS
from gateway.journal.writer import NotReplayedError
from gateway.quarantine.replay import replay

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.quarantine")

# A delivery to a slow server takes its time.
ANSWER_SECONDS = 60.0
_POLL_SECONDS = 0.05
# Of one request; who asked asks again for the rest.
_REPLAY_SECONDS = 5.0
# An unanswered request of a program that is long gone is not carried out.
_STALE_MS = 120_000
_KEPT_MS = 3_600_000


@dataclass(slots=True, frozen=True)
class Answer:
    ok: bool
    text: str


def carry_out(journal: Journal, request: dict[str, Any], settings: Settings) -> Answer:
    """Do it, with the journal open for writing. Raises sqlite3.Error when the journal cannot be written."""
    what = request["what"]
    if what == "fix":
        with journal.writing() as db:
            kept = rows.keep_fix(db, request["id"], request["topic"], request["message"])
        return Answer(kept, "kept beside the original" if kept else "there is no such entry that waits")
    if what == "replay":
        return Answer(True, json.dumps(_replay_these(journal, request, settings)))
    if what == "forget":
        name = request["destination"]
        if name in _destinations(settings):
            return Answer(False, f"{name} is configured: it would begin anew")
        found = bounds.forget(journal, name)
        return Answer(
            found, f"nothing is kept for {name} any more" if found else f"there is no cursor of {name}"
        )
    return Answer(False, f"this gateway knows no request {what!r}: is it older than the command?")


def _replay(journal: Journal, id: int, by_now: bool, settings: Settings) -> Answer:
    limits = Limits.of(settings.checks)
    try:
        return Answer(True, replay(journal, id, settings.network, limits, settings.influx, by_now=by_now))
    except NotReplayedError as error:
        return Answer(False, str(error))


def _replay_these(
    journal: Journal, request: dict[str, Any], settings: Settings
) -> list[tuple[int, bool, str]]:
    """As many of `ids` as fit into a fair time, in their order: id, whether it was replayed, and words."""
    told: list[tuple[int, bool, str]] = []
    until = time.monotonic() + _REPLAY_SECONDS
    for id in request["ids"]:
        answer = _replay(journal, id, bool(request["by_now"]), settings)
        told.append((id, answer.ok, answer.text))
        if time.monotonic() > until:
            break
    return told


def _destinations(settings: Settings) -> list[str]:
    """Names of those that are configured."""
    if not settings.influx.enabled:
        return []
    sink = make_sink(settings.influx)
    sink.close()
    return [sink.name]


def ask(path: Path, request: dict[str, Any], settings: Settings) -> Answer:
    """Let a running gateway do it; without one, do it here. Raises JournalError."""
    try:
        with Journal(path) as journal:
            return carry_out(journal, request, settings)
    except JournalBusyError:
        return _ask_gateway(path, request)
    except sqlite3.Error as error:
        raise JournalError(f"journal {path}: {error}") from error


def _ask_gateway(path: Path, request: dict[str, Any]) -> Answer:
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    except sqlite3.Error as error:
        raise JournalError(
            f"journal {path}: cannot be opened ({error}); run as the gateway's user"
        ) from error
    try:
        asked = db.execute(
            "INSERT INTO requests (asked_ms, request) VALUES (?, ?)", (rows.now_ms(), json.dumps(request))
        )
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            row = db.execute("SELECT answer FROM requests WHERE id = ?", (asked.lastrowid,)).fetchone()
            if row is None:
                return Answer(False, "the gateway has passed the request over; ask again")
            if row[0] is not None:
                return Answer(**json.loads(row[0]))
            time.sleep(_POLL_SECONDS)
        db.execute("DELETE FROM requests WHERE id = ? AND answer IS NULL", (asked.lastrowid,))
        return Answer(
            False,
            f"the gateway that has the journal open gave no answer in {ANSWER_SECONDS:.0f} s; see its log",
        )
    except sqlite3.Error as error:
        raise JournalError(f"journal {path}: cannot be asked ({error}); run as the gateway's user") from error
    finally:
        db.close()


def serve(
    journal: Journal, reader: sqlite3.Connection, do: Callable[[Journal, dict[str, Any]], Answer]
) -> None:
    """Carry out what waits; the keeper's part. Raises sqlite3.Error when the journal cannot be written."""
    waiting = reader.execute(
        "SELECT id, asked_ms, request FROM requests WHERE answer IS NULL ORDER BY id"
    ).fetchall()
    for id, asked_ms, text in waiting:
        stale = rows.now_ms() - asked_ms > _STALE_MS
        answer = None if stale else _do_safely(journal, text, do)
        with journal.writing() as db:
            if answer is None:
                db.execute("DELETE FROM requests WHERE id = ?", (id,))
            else:
                told = json.dumps({"ok": answer.ok, "text": answer.text})
                db.execute("UPDATE requests SET answer = ? WHERE id = ?", (told, id))
            db.execute("DELETE FROM requests WHERE asked_ms < ?", (rows.now_ms() - _KEPT_MS,))


def _do_safely(journal: Journal, text: str, do: Callable[[Journal, dict[str, Any]], Answer]) -> Answer:
    try:
        request: dict[str, Any] = json.loads(text)
        answer = do(journal, request)
    except (sqlite3.Error, JournalError):
        raise
    except Exception as error:
        log.exception("a bug in a request", request=text[:200])
        return Answer(False, f"the gateway failed on it: {type(error).__name__}; please report this")
    log.info("a request was carried out", request=text[:200], ok=answer.ok, result=answer.text[:500])
    return answer
