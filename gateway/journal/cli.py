"""`dustline gateway journal ...`: look after the journal's file."""

from __future__ import annotations

import sqlite3
import sys

import click

from gateway.cli_options import with_shard
from gateway.config import JournalSettings, Settings, load, load_journal
from gateway.journal.integrity import check_fully
from gateway.journal.reader import JournalReader
from gateway.journal.salvage import Report, salvage
from gateway.journal.schema import SALVAGE, JournalError, lock_for_writing, open_reader, open_writer

_MOST_RANGES = 20


@click.group()
def journal() -> None:
    """The journal's file: check it, repair it, shrink it."""


@journal.command("check")
@with_shard(load_journal)
def check_command(settings: JournalSettings) -> None:
    """Read the whole file and tell whether it is sound. Exit code 1 if not.

    A gateway may run meanwhile. 10 million readings take some minutes.
    """
    db = open_reader(settings.path)
    try:
        wrong = check_fully(db)
    finally:
        db.close()
    if not wrong:
        click.echo(f"journal {settings.path}: sound")
        return
    for text in wrong:
        click.echo(f"BAD  {text}")
    click.echo(f"journal {settings.path} is damaged: {SALVAGE}")
    sys.exit(1)


@journal.command("salvage")
@with_shard(load_journal)
def salvage_command(settings: JournalSettings) -> None:
    """Make a sound journal of a damaged one, and keep the damaged file beside it.

    The gateway must not run. Exit code 1 when something was lost: the ledger counts it as missing.
    """
    report = salvage(settings.path)
    for line in _told(report):
        click.echo(line)
    click.echo(f"the damaged file is kept as {report.aside}")
    if report.damaged or report.lost or report.oddities:
        sys.exit(1)


def _told(report: Report) -> list[str]:
    lines: list[str] = []
    for table in sorted(report.kept.keys() | report.damaged.keys()):
        places = report.damaged.get(table, 0)
        failed = f", and {places} places that do not read" if places else ""
        rows = f"{report.kept[table]} rows kept" if table in report.kept else "made anew"
        lines.append(f"{table}: {rows}{failed}")
    if report.oddities:
        lines.append(f"{report.oddities} rows read, but not as readings: they are in the quarantine")
    lines.append(f"{report.lost_readings} acknowledged readings lost")
    for node, boot, ranges in report.lost[:_MOST_RANGES]:
        shown = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges[:_MOST_RANGES])
        more = f" and {len(ranges) - _MOST_RANGES} more ranges" if len(ranges) > _MOST_RANGES else ""
        lines.append(f"  node {node} boot {boot}: seq {shown}{more}")
    if len(report.lost) > _MOST_RANGES:
        lines.append(f"  and of {len(report.lost) - _MOST_RANGES} more boots: dustline ledger has all")
    return lines


@journal.command("compact")
@with_shard(load_journal)
def compact_command(settings: JournalSettings) -> None:
    """Give the room that pruning has freed back to the disk. The gateway must not run.

    Needs as much free disk as the readings take.
    """
    JournalReader(settings.path).close()
    before = settings.path.stat().st_size
    with lock_for_writing(settings.path):
        db = open_writer(settings.path, "FULL")
        try:
            db.execute("VACUUM")
        except sqlite3.Error as error:
            raise JournalError(
                f"journal {settings.path}: cannot be compacted ({error}); it is as it was"
            ) from error
        finally:
            db.close()
    after = settings.path.stat().st_size
    click.echo(f"journal {settings.path}: {before // 1_000_000} MB before, {after // 1_000_000} MB now")


@journal.command("forget")
@click.argument("destination")
@with_shard(load)
def forget_command(settings: Settings, destination: str) -> None:
    """Keep nothing any longer for a destination that is not configured; the gateway's log names it."""
    from gateway.quarantine.requests import ask

    JournalReader(settings.journal.path).close()
    answer = ask(settings.journal.path, {"what": "forget", "destination": destination}, settings)
    click.echo(answer.text)
    if not answer.ok:
        sys.exit(1)
