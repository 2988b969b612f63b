"""`dustline reprocess`: judge the past anew; list, use and drop what came of it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.cli_options import SHARD_HELP, Unusable, of_shard, when, with_shard
from gateway.config import ConfigError, JournalSettings, Settings, load, load_journal
from gateway.journal.schema import JournalError, advice
from gateway.quality.calibration.record import CalibrationError
from gateway.quality.checks.network import HISTORY_DAYS
from gateway.quality.reprocess import listing, runs, switch
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.carry_out import RefusedError, Wanted, said
from gateway.quality.reprocess.past import command, file
from gateway.quality.reprocess.past.command import NUMBER
from gateway.quality.reprocess.past.influxql import AwayError, PastError
from gateway.quality.reprocess.past.plan import From
from gateway.quality.reprocess.runs import COMING, GOING, IN_USE, JUDGING, Run

_STEPS = 1000
_DAY_S = 86400


class Mistake(click.ClickException):
    """A wrong command line, or what cannot be done as asked."""

    exit_code = 2


@contextmanager
def _bars(*steps: str) -> Generator[list[Callable[[float], None]]]:
    """Gives for each step a function that takes the share done, 0 to 1. It shows nothing where there is no
    terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def told(step: str) -> Callable[[float], None]:
            task = progress.add_task(step, total=_STEPS)
            return lambda share: progress.update(task, completed=int(share * _STEPS))

        yield [told(step) for step in steps]


def _with_file(call: Callable[..., None]) -> Callable[..., None]:
    """Add --config and --shard as they are written, with plain errors: what is needed of the file differs."""

    @click.option(
        "--config", "path", type=click.Path(path_type=Path), help="Configuration file, as of `gateway run`."
    )
    @click.option("--shard", metavar="I/N", help=SHARD_HELP)
    @wraps(call)
    def plain(**options: Any) -> None:
        with _plain_errors():
            call(**options)

    return plain


@click.group("reprocess", invoke_without_command=True)
@click.option("--since", callback=when, help="From that time on: a date, a date and time (UTC), UTC seconds.")
@click.option("--until", callback=when, help="Up to that time; by default now.")
@click.option("--node", default="", help="Only what is said of this node.")
@click.option("--aside", is_flag=True, help="Do not bring it into use; `use` does so later.")
@click.option(
    "--from",
    "source",
    type=click.Choice(("auto", "journal", "influxdb")),
    default="auto",
    show_default=True,
    help="auto: from the journal, and what that has pruned from InfluxDB.",
)
@click.option(
    "--history",
    type=click.IntRange(0, 60),
    default=HISTORY_DAYS,
    show_default=True,
    help="From InfluxDB: so many days before are read too, to know what is usual.",
)
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

    Makes a version of its own and brings it into use; what was in use before is kept. What the journal has
    pruned is read back from InfluxDB, and makes a version p1, p2 and so on. Readings are never changed. It
    works beside a running gateway. After a kill the same command goes on. Exit code 1 when a check failed on
    some readings, 2 when it cannot be done as asked.
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


def _reprocess(
    settings: Settings,
    since: int | None,
    until: int | None,
    node: str,
    aside: bool,
    source: From,
    history: int,
) -> None:
    if since is None:
        raise Mistake("from when on? --since 2026-01-05; `dustline reprocess list` shows what there is")
    wanted = Wanted(since, until, node, aside)
    with Beside(settings.journal.path) as beside:
        errors = command.reprocess(beside, settings, wanted, source, history * _DAY_S, _bars, click.echo)
    if errors:
        told = ", ".join(f"{name} {count}" for name, count in errors.items())
        click.echo(f"checks failed on some readings, which are marked `unjudged`: {told}", err=True)
        sys.exit(1)


@reprocess_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_shard(load_journal, Unusable)
def list_command(settings: JournalSettings, as_json: bool) -> None:
    """The versions: of what, by what, and whether they are in use."""
    with _plain_errors():
        found = listing.listed(settings.path)
    click.echo(listing.as_json(found) if as_json else listing.as_table(found))


@reprocess_command.command("use")
@click.argument("which", metavar="NUMBER|stream")
@_with_file
def use_command(path: Path | None, shard: str | None, which: str) -> None:
    """Bring a version into use, or with `stream` again what the gateway said as readings came."""
    journal = _journal_of(path, shard)
    past = file.path_beside(journal)
    with Beside(journal) as beside:
        if which == "stream":
            with _bars("into use") as (tell,):
                done = [str(run.id) for run in switch.use_stream(beside, tell)]
            if file.is_there(past) and _any_in_use(past):
                settings = _all_of(path, shard)
                with command.opened(journal, settings) as side:
                    going = command.use(side, settings, None, _bars, click.echo)
                done += [f"{NUMBER}{run.id}" for run in going]
            told = ", ".join(done) or "none"
            click.echo(f"what the gateway said is in use again; versions that were: {told}")
            return
        if which.startswith(NUMBER) and file.is_there(past):
            settings = _all_of(path, shard)
            with command.opened(journal, settings) as side:
                run = _judged(_find(side, which), which)
                command.use(side, settings, run, _bars, click.echo)
        else:
            run = _judged(_find(beside, which), which)
            with _bars("into use") as (tell,):
                switch.use(beside, run, tell)
        click.echo(f"version {which} is in use")


@reprocess_command.command("drop")
@click.argument("number")
@_with_file
def drop_command(path: Path | None, shard: str | None, number: str) -> None:
    """Delete a version that is nowhere in use."""
    journal = _journal_of(path, shard)
    past = file.path_beside(journal)
    of = past if number.startswith(NUMBER) and file.is_there(past) else journal
    with Beside(of) as beside, _bars("deleting") as (tell,):
        run = _find(beside, number)
        with beside.writing() as db:
            used = runs.count_in_use(db).get(run.id, 0)
        if used:
            raise Mistake(
                f"version {number} is in use for {used} readings: first bring another one into use, or "
                "`dustline reprocess use stream`"
            )
        switch.drop(beside, run, tell)
        click.echo(f"version {number} is deleted")


def _journal_of(path: Path | None, shard: str | None) -> Path:
    settings = of_shard(load_journal, path, shard)
    assert isinstance(settings, JournalSettings)
    return settings.path


def _all_of(path: Path | None, shard: str | None) -> Settings:
    settings = of_shard(load, path, shard)
    assert isinstance(settings, Settings)
    return settings


def _any_in_use(past: Path) -> bool:
    db = file.reader(past)
    try:
        return any(run.state in (COMING, IN_USE, GOING) for run in runs.all_runs(db))
    finally:
        db.close()


def _judged(run: Run, name: str) -> Run:
    if run.state == JUDGING:
        raise Mistake(
            f"version {name} is judged up to {said(run.upto)} only: give the command that made it once more, "
            "or drop it"
        )
    return run


@contextmanager
def _plain_errors() -> Generator[None]:
    try:
        yield
    except (ConfigError, JournalError) as error:
        raise Unusable(str(error)) from error
    except sqlite3.Error as error:
        raise Unusable(f"the journal cannot be read ({error}); {advice(error)}") from error
    except AwayError as error:
        raise Mistake(f"{error}; what is done stays, the same command goes on from there") from error
    except (RefusedError, CalibrationError, PastError) as error:
        raise Mistake(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command goes on from there") from None


def _find(beside: Beside, name: str) -> Run:
    number = name.removeprefix(NUMBER) if beside.path.name.endswith(file.ENDING) else name
    with beside.writing() as db:
        run = (
            runs.find(db, int(number)) if number.isascii() and number.isdigit() and len(number) < 18 else None
        )
    if run is None:
        raise Mistake(f"there is no version {name[:40]!r}; `dustline reprocess list` names them")
    return run
