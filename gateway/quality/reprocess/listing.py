"""`dustline reprocess list`: the versions of the journal, and of the side file beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.journal.schema import open_reader
from gateway.quality.corrected.corrector import CALIBRATION
from gateway.quality.reprocess import runs
from gateway.quality.reprocess.carry_out import said
from gateway.quality.reprocess.past import file
from gateway.quality.reprocess.past.command import NUMBER
from gateway.quality.reprocess.runs import COMING, GOING, IN_USE, JUDGING, Run


@dataclass(frozen=True, slots=True)
class Listed:
    """A version, of how many readings it is in use, and by what it judged, as JSON."""

    name: str
    source: str
    run: Run
    used: int
    by: str


def listed(journal: Path) -> list[Listed]:
    """Raises JournalError."""
    past = file.path_beside(journal)
    found = _of(open_reader(journal), "", "journal")
    return found + (_of(file.reader(past), NUMBER, "influxdb") if file.is_there(past) else [])


def as_json(found: Sequence[Listed]) -> str:
    made = [
        {**asdict(each.run), "name": each.name, "source": each.source, "in_use": each.used}
        | {"by": json.loads(each.by)}
        for each in found
    ]
    return json.dumps({"versions": made})


def as_table(found: Sequence[Listed]) -> str:
    if not found:
        return "there are none; what the gateway says as readings come is in use"
    table = [("version", "made", "since", "until", "node", "readings", "in use", "state", "corrected by")]
    table += [
        (
            each.name,
            said(each.run.made_ms // 1000),
            said(each.run.since),
            said(each.run.until),
            each.run.node or "all",
            str(each.run.readings),
            str(each.used),
            _state(each.run, each.used),
            _corrected(each.by),
        )
        for each in found
    ]
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    return "\n".join(lines)


def _of(db: sqlite3.Connection, prefix: str, source: str) -> list[Listed]:
    """Of one file, whose connection is closed then."""
    try:
        used, by = runs.count_in_use(db), dict(db.execute("SELECT id, checks FROM quality_versions"))
        return [
            Listed(f"{prefix}{run.id}", source, run, used.get(run.id, 0), by[run.version])
            for run in runs.all_runs(db)
        ]
    finally:
        db.close()


def _state(run: Run, used: int) -> str:
    if run.state == JUDGING:
        return f"cut off at {said(max(run.since, run.upto))}"
    if run.state in (COMING, GOING):
        return "cut off while coming into use" if run.state == COMING else "cut off while going out of use"
    if run.state == IN_USE and used < run.readings:
        return "replaced" if not used else "in use in part"
    return run.state


def _corrected(checks: str) -> str:
    about = next((each for each in json.loads(checks) if each["name"] == "corrected"), None)
    if about is None:
        return "-"
    settings = about["settings"]
    if settings["by"] != CALIBRATION:
        return str(settings["by"])
    shared = f", {len(settings['stations'])} stations" if settings["stations"] else ""
    return f"{settings['calibrations']} calibrations{shared}"
