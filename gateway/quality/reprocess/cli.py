"""`dustline reprocess`: judge the past anew; list, use and drop what came of it."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.cli_options import SHARD_HELP, Unusable, of_shard, when, with_shard
from gateway.config import ConfigError, JournalSettings, Settings, load, load_journal
from gateway.journal.schema import JournalError, advice, open_reader
from gateway.quality.calibration.record import CalibrationError
from gateway.quality.corrected.corrector import CALIBRATION
from gateway.quality.reprocess import runs, switch
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.carry_out import RefusedError, Wanted, reprocess, said
from gateway.quality.reprocess.runs import COMING, GOING, IN_USE, JUDGING, Run

_STEPS = 1000


class Mistake(click.ClickException):
    """A wrong command line, or what cannot be done as asked."""

    exit_code = 2


@contextmanager
def _bar(what: str) -> Generator[Callable[[float], None]]:
    """Gives a function that takes the share done, 0 to 1. It shows nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=_STEPS)
        yield lambda share: progress.update(task, completed=int(share * _STEPS))


@click.group("reprocess", invoke_without_command=True)
@click.option("--since", callback=when, help="From that time on: a date, a date and time (UTC), UTC seconds.")
@click.option("--until", callback=when, help="Up to that time; by default now.")
@click.option("--node", default="", help="Only what is said of this node.")
@click.option("--aside", is_flag=True, help="Do not bring it into use; `use` does so later.")
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="Configuration file, as of `gateway run`."
)
@click.option("--shard", metavar="I/N", help=SHARD_HELP)
@click.pass_context
def reprocess_command(context: click.Context, file: Path | None, shard: str | None, **options: Any) -> None:
    """Judge and correct the past anew, by the checks and calibrations of now.

    \b
    dustline reprocess --since 2026-01-05
    dustline reprocess --since 2026-01-05 --until 2026-02-01 --node n1 --aside
    dustline reprocess list | use NUMBER | use stream | drop NUMBER

    Makes a version of its own, from what the journal has, and brings it into use; what was in use before is
    kept. Readings are never changed. It works beside a running gateway. After a kill the same command goes
    on. Exit code 1 when a check failed on some readings, 2 when it cannot be done as asked.
    """
    if context.invoked_subcommand is None:
        with _plain_errors():
            settings = of_shard(load, file, shard)
            assert isinstance(settings, Settings)
            _reprocess(settings, **options)
        return
    for name in context.params:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"write options behind {context.invoked_subcommand!r}")


def _reprocess(settings: Settings, since: int | None, until: int | None, node: str, aside: bool) -> None:
    if since is None:
        raise Mistake("from when on? --since 2026-01-05; `dustline reprocess list` shows what there is")
    began = time.monotonic()
    with Beside(settings.journal.path) as beside:
        with _bar("judging") as tell:
            done = reprocess(beside, settings, Wanted(since, until, node, aside), tell)
        run = done.run
        if done.resumed is not None:
            click.echo(f"version {run.id} was cut off; it went on from {said(done.resumed)}")
        if not aside:
            with _bar("into use") as tell:
                switch.use(beside, run, tell)
    where = f"aside; `dustline reprocess use {run.id}` brings it into use" if aside else "in use now"
    click.echo(
        f"version {run.id}: {run.readings} readings from {said(run.since)} to {said(run.until)}"
        f"{' of ' + run.node if run.node else ''}, {where} ({time.monotonic() - began:.0f} s)"
    )
    if done.errors:
        told = ", ".join(f"{name} {count}" for name, count in done.errors.items())
        click.echo(f"checks failed on some readings, which are marked `unjudged`: {told}", err=True)
        sys.exit(1)


@reprocess_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_shard(load_journal, Unusable)
def list_command(settings: JournalSettings, as_json: bool) -> None:
    """The versions: of what, by what, and whether they are in use."""
    with _plain_errors():
        db = open_reader(settings.path)
        found, used = runs.all_runs(db), runs.count_in_use(db)
        by = dict(db.execute("SELECT id, checks FROM quality_versions").fetchall())
        db.close()
    if as_json:
        made = [
            {**asdict(run), "in_use": used.get(run.id, 0), "by": json.loads(by[run.version])} for run in found
        ]
        click.echo(json.dumps({"versions": made}))
        return
    if not found:
        click.echo("there are none; what the gateway says as readings come is in use")
        return
    table = [("version", "made", "since", "until", "node", "readings", "in use", "state", "corrected by")]
    table += [
        (
            str(run.id),
            said(run.made_ms // 1000),
            said(run.since),
            said(run.until),
            run.node or "all",
            str(run.readings),
            str(used.get(run.id, 0)),
            _state(run, used.get(run.id, 0)),
            _corrected(by[run.version]),
        )
        for run in found
    ]
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@reprocess_command.command("use")
@click.argument("which", metavar="NUMBER|stream")
@with_shard(load_journal, Unusable)
def use_command(settings: JournalSettings, which: str) -> None:
    """Bring a version into use, or with `stream` again what the gateway said as readings came."""
    with _plain_errors(), Beside(settings.path) as beside, _bar("into use") as tell:
        if which == "stream":
            done = switch.use_stream(beside, tell)
            told = ", ".join(str(run.id) for run in done) or "none"
            click.echo(f"what the gateway said is in use again; versions that were: {told}")
            return
        run = _find(beside, which)
        if run.state == JUDGING:
            raise Mistake(
                f"version {run.id} is judged up to {said(run.upto)} only: give the command that made it once "
                "more, or drop it"
            )
        switch.use(beside, run, tell)
        click.echo(f"version {run.id} is in use")


@reprocess_command.command("drop")
@click.argument("number")
@with_shard(load_journal, Unusable)
def drop_command(settings: JournalSettings, number: str) -> None:
    """Delete a version that is nowhere in use."""
    with _plain_errors(), Beside(settings.path) as beside, _bar("deleting") as tell:
        run = _find(beside, number)
        with beside.writing() as db:
            used = runs.count_in_use(db).get(run.id, 0)
        if used:
            raise Mistake(
                f"version {run.id} is in use for {used} readings: first bring another one into use, or "
                "`dustline reprocess use stream`"
            )
        switch.drop(beside, run, tell)
        click.echo(f"version {run.id} is deleted")


@contextmanager
def _plain_errors() -> Generator[None]:
    try:
        yield
    except (ConfigError, JournalError) as error:
        raise Unusable(str(error)) from error
    except sqlite3.Error as error:
        raise Unusable(f"the journal cannot be read ({error}); {advice(error)}") from error
    except (RefusedError, CalibrationError) as error:
        raise Mistake(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command goes on from there") from None


def _find(beside: Beside, number: str) -> Run:
    with beside.writing() as db:
        run = (
            runs.find(db, int(number)) if number.isascii() and number.isdigit() and len(number) < 18 else None
        )
    if run is None:
        raise Mistake(f"there is no version {number[:40]!r}; `dustline reprocess list` names them")
    return run


def _state(run: Run, used: int) -> str:
    if run.state == JUDGING:
        return f"cut off at {said(run.upto)}"
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
