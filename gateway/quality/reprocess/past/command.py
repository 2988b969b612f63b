"""The commands' part that has to do with InfluxDB: `dustline reprocess` over both sources, and `use` of what
is in the side file."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from gateway.config import Settings
from gateway.destinations.sink import make_sink
from gateway.journal.schema import open_reader
from gateway.quality.follow import store
from gateway.quality.reprocess import runs, switch
from gateway.quality.reprocess.beside import Beside
from gateway.quality.reprocess.carry_out import RefusedError, Wanted, by_settings, pruned_upto, said
from gateway.quality.reprocess.carry_out import reprocess as reprocess_journal
from gateway.quality.reprocess.past import carry_out, file
from gateway.quality.reprocess.past.carry_out import Task
from gateway.quality.reprocess.past.deliver import Carried, carry
from gateway.quality.reprocess.past.edge import Edge
from gateway.quality.reprocess.past.fetch import Fetched
from gateway.quality.reprocess.past.influxql import Influx
from gateway.quality.reprocess.past.plan import From, Plan, plan
from gateway.quality.reprocess.runs import Run

NUMBER = "p"
_NAMED = 5
Say = Callable[[str], None]
Tell = Callable[[float], None]
# Progress bars for some steps, one beneath the other.
Bars = Callable[..., AbstractContextManager[list[Tell]]]


def reprocess(
    beside: Beside, settings: Settings, wanted: Wanted, source: From, history_s: int, bars: Bars, say: Say
) -> dict[str, int]:
    """Do what was asked for, each part from where it is; bugs met, by check. Raises RefusedError, PastError,
    JournalError, CalibrationError."""
    reader = open_reader(beside.path)
    try:
        how = plan(reader, settings, wanted, source, int(time.time()))
    finally:
        reader.close()
    if how.past is None:
        return _journal(beside, settings, wanted, bars, say)
    say(how.told)
    task = Task(wanted, source, how.past, history_s)
    with opened(beside.path, settings) as past:
        return _both(beside, past, settings, task, how, bars, say)


def _both(
    beside: Beside, past: Beside, settings: Settings, task: Task, how: Plan, bars: Bars, say: Say
) -> dict[str, int]:
    began = time.monotonic()
    by = by_settings(settings)
    influx = Influx(settings.influx)
    try:
        with bars("reading InfluxDB", "judging") as (reading, judging):
            done = carry_out.reprocess(past, influx, settings, task, by, (reading, judging))
    finally:
        influx.close()
    run, wanted = done.run, task.wanted
    if done.resumed is not None:
        say(f"version {NUMBER}{run.id} was cut off; it went on from {said(done.resumed)}")
    for line in [*_about(done.fetched), *_strangers(beside.path, past.path)]:
        say(line)
    if run.state == runs.COMING:
        use(past, settings, run, bars, say)
    say(_result(run, f"{NUMBER}{run.id}", wanted.aside, began))
    errors = dict(done.errors)
    if how.journal:
        for name, count in _journal_behind(beside, past, settings, done, wanted, bars, say).items():
            errors[name] = errors.get(name, 0) + count
    with past.writing() as db:
        file.note_done(db, done.asked.id)
    return errors


def _journal_behind(
    beside: Beside,
    past: Beside,
    settings: Settings,
    done: carry_out.Done,
    wanted: Wanted,
    bars: Bars,
    say: Say,
) -> dict[str, int]:
    """The journal's part: from where it has all now on."""
    reader, before = open_reader(beside.path), file.reader(past.path)
    try:
        since = done.asked.journal_since
        pruned = pruned_upto(reader) or 0
        if since is None:
            since = pruned
            with past.writing() as db:
                file.note_journal(db, done.asked.id, since)
        if pruned > done.run.until:
            say(
                f"meanwhile the journal was pruned up to {said(pruned)}: what was taken out after "
                f"{said(done.run.until)} keeps what it had; give the command once more for that time"
            )
        if wanted.until is not None and since >= wanted.until:
            return {}
        edge = Edge(before, reader, done.run.id, min(since, done.run.until))
        rest = Wanted(since, wanted.until, wanted.node, wanted.aside)
        return _journal(beside, settings, rest, bars, say, edge)
    finally:
        before.close()
        reader.close()


def _journal(
    beside: Beside, settings: Settings, wanted: Wanted, bars: Bars, say: Say, before: Edge | None = None
) -> dict[str, int]:
    began = time.monotonic()
    with bars("judging") as (tell,):
        done = reprocess_journal(beside, settings, wanted, tell, before)
    run = done.run
    if done.resumed is not None:
        say(f"version {run.id} was cut off; it went on from {said(done.resumed)}")
    if not wanted.aside:
        with bars("into use") as (tell,):
            switch.use(beside, run, tell)
    say(_result(run, str(run.id), wanted.aside, began))
    return done.errors


def use(past: Beside, settings: Settings, run: Run | None, bars: Bars, say: Say) -> list[Run]:
    """Bring a version of the side file into use in InfluxDB, or with None what the stream said; those that
    were in use then. Raises PastError, JournalError."""
    sink = make_sink(settings.influx)
    carried: list[Carried] = []
    try:
        with bars("into use", "to InfluxDB") as (changing, writing):
            if run is not None and run.state == runs.IN_USE:
                # Once more, all of it: InfluxDB may have lost some.
                with past.writing() as db:
                    store.set_cursor(db, sink.name, 0)

            def carry_on() -> None:
                carried.append(carry(past, sink, settings.influx.batch, writing))

            if run is None:
                going = switch.use_stream(past, changing, carry_on)
            else:
                going = []
                switch.use(past, run, changing, carry_on)
    finally:
        sink.close()
    refused = sum(each.refused for each in carried)
    if refused:
        why = next(each.reason for each in carried if each.refused)
        say(f"InfluxDB refused {refused} of the judgements: {why}")
    return going


@contextmanager
def opened(journal: Path, settings: Settings) -> Generator[Beside]:
    """The side file, made if need be, of the InfluxDB of the settings."""
    if not settings.influx.enabled:
        raise RefusedError("influx.enabled is false: there is no InfluxDB to bring it into use in")
    path = file.path_beside(journal)
    influx = settings.influx
    target = influx.database if influx.api == "v1" else f"{influx.org}/{influx.bucket}"
    file.prepare(path, f"{influx.url} {target}, network {settings.network}")
    with Beside(path, rest=0.0) as past:
        yield past


def _strangers(journal: Path, past: Path) -> list[str]:
    """Nodes that InfluxDB has and the journal has never heard of."""
    names: list[set[str]] = []
    for db in (open_reader(journal), file.reader(past)):
        names.append({str(name) for (name,) in db.execute("SELECT name FROM nodes")})
        db.close()
    unknown = sorted(names[1] - names[0])
    if not unknown:
        return []
    some = ", ".join(unknown[:_NAMED]) + (", ..." if len(unknown) > _NAMED else "")
    return [f"unknown to the journal, and judged like any other: {len(unknown)} nodes ({some})"]


def _result(run: Run, name: str, aside: bool, began: float) -> str:
    where = f"aside; `dustline reprocess use {name}` brings it into use" if aside else "in use now"
    return (
        f"version {name}: {run.readings} readings from {said(run.since)} to {said(run.until)}"
        f"{' of ' + run.node if run.node else ''}, {where} ({time.monotonic() - began:.0f} s)"
    )


def _about(found: Fetched) -> list[str]:
    """What came from InfluxDB, and what of it was no reading, or can be judged by less."""
    told = [
        f"InfluxDB gave {found.readings} readings with those before that are needed, {found.read} read now"
    ]
    left_out = {
        "points without a reading, with a judgement only": found.only_judged,
        "points that Dustline did not write": found.foreign,
        "of nodes of other gateways": found.of_others,
    }
    told += [f"left out: {count} {what}" for what, count in left_out.items() if count]
    if found.no_arrival:
        told.append(
            f"{found.no_arrival} readings are without `delay`, from which their arrival is known: `clock` "
            "cannot say of them that they were ahead of it"
        )
    return told
