"""`dustline gateway quarantine ...`: see what could not be taken as a reading, correct it, replay it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gateway.check import Limits
from gateway.cli_options import SHARD_HELP, harmless, node_name, with_shard
from gateway.config import JournalSettings, Settings, load, load_journal
from gateway.journal import JournalReader
from gateway.journal.writer import NotReplayedError
from gateway.quarantine.fix import FixError, corrected
from gateway.quarantine.replay import judge
from gateway.quarantine.requests import ask
from gateway.records import Quarantined

_ID = click.IntRange(1, 2**62)
# Entries of one request.
_AT_ONCE = 500


def _listing(command: Any) -> Any:
    """The options of the list, for the group as well: `quarantine` alone lists."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the payload."),
        click.option("--open", "only_open", is_flag=True, help="Only what has not been replayed."),
        click.option("--node", callback=node_name, help="Of this node only."),
        click.option(
            "--limit", default=50, show_default=True, type=click.IntRange(1, 10**9), help="Newest so many."
        ),
    ):
        command = option(command)
    return command


def _list(settings: JournalSettings, limit: int, node: str | None, only_open: bool, as_json: bool) -> None:
    with JournalReader(settings.path) as reader:
        entries = reader.quarantined(limit, node, open=only_open)
        dropped = reader.dropped()
    for entry in entries:
        click.echo(_entry_json(entry) if as_json else _entry_line(entry))
    if as_json:
        return
    if not entries:
        click.echo("the quarantine is empty" if not (node or only_open) else "there is no such entry")
    if dropped:
        counts = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        click.echo(f"older entries were dropped, the quarantine is bounded: {counts}")


@click.group(invoke_without_command=True)
@_listing
@click.option("--config", "file", type=click.Path(path_type=Path), help="Configuration file, as of `list`.")
@click.option("--shard", metavar="I/N", help=SHARD_HELP)
@click.pass_context
def quarantine(context: click.Context, file: Path | None, **options: Any) -> None:
    """What was received and could not be taken as a reading; without a command, `list`."""
    if context.invoked_subcommand is None:
        context.invoke(list_command, file=file, **options)
        return
    for name in context.params:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"write options behind {context.invoked_subcommand!r}")


@quarantine.command("list")
@_listing
@with_shard(load_journal)
def list_command(
    settings: JournalSettings, limit: int, node: str | None, only_open: bool, as_json: bool
) -> None:
    """List the entries, newest first."""
    _list(settings, limit, node, only_open, as_json)


@quarantine.command("show")
@click.argument("id", type=_ID)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@with_shard(load_journal)
def show_command(settings: JournalSettings, id: int, as_json: bool) -> None:
    """Show all of one entry."""
    entry = _entry(settings, id)
    if as_json:
        click.echo(_entry_json(entry))
        return
    click.echo(_entry_line(entry))
    click.echo(f"topic    {harmless(entry.topic) or '-'}")
    cut = (
        f"  (the first {len(entry.payload)} of {entry.size} bytes)" if len(entry.payload) < entry.size else ""
    )
    click.echo(f"payload  {harmless(entry.payload.decode('utf-8', 'backslashreplace'))}{cut}")
    if entry.fixed is not None:
        click.echo(f"fixed    {harmless(entry.fixed_topic or '')}  {harmless(entry.fixed)}")


@quarantine.command("fix")
@click.argument("id", type=_ID)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a value of the reading.")
@click.option(
    "--payload",
    "source",
    type=click.File("rb"),
    help="Take the reading, or the whole message, from this file; - is standard input.",
)
@click.option("--boot", type=click.IntRange(1, 4294967295), help="Give it this boot.")
@click.option("--node", help="Take it as sent by this node.")
@with_shard(load)
def fix_command(
    settings: Settings, id: int, changes: tuple[str, ...], source: Any, boot: int | None, node: str | None
) -> None:
    """Keep a corrected message beside what came, for replay. What came is never changed."""
    if not (changes or source or boot or node):
        raise click.UsageError("say what to change: --set, --payload, --boot or --node")
    entry = _entry(settings.journal, id)
    payload = source.read() if source else None
    try:
        topic, message = corrected(
            entry, settings.network, changes=changes, payload=payload, boot=boot, node=node
        )
    except FixError as error:
        raise click.ClickException(f"entry {id}: {error}") from error
    request = {"what": "fix", "id": id, "topic": topic, "message": message}
    answer = ask(settings.journal.path, request, settings)
    if not answer.ok:
        raise click.ClickException(f"entry {id}: {answer.text}")
    click.echo(harmless(f"entry {id}: {answer.text}: {message}"))
    try:
        judge(topic, message.encode(), entry.received_ms, settings.network, Limits.of(settings.checks))
    except NotReplayedError as error:
        click.echo(harmless(f"a replay would still refuse it: {error}"))


@quarantine.command("replay")
@click.argument("ids", type=_ID, nargs=-1)
@click.option("--reason", help="All entries of this reason that have not been replayed, such as time_future.")
@click.option("--node", callback=node_name, help="With --reason: of this node only.")
@click.option(
    "--by-now",
    is_flag=True,
    help="Judge times by the clock of now: the gateway's own was wrong when these came.",
)
@with_shard(load)
def replay_command(
    settings: Settings, ids: tuple[int, ...], reason: str | None, node: str | None, by_now: bool
) -> None:
    """Take entries through the gateway's stages again, with the time they came.

    A running gateway does it; without one, this command. Exit code 1 when one stays in the quarantine.
    """
    if bool(ids) == (reason is not None) or (ids and node):
        raise click.UsageError("name entries, or give --reason, with --node if you like")
    with JournalReader(settings.journal.path) as reader:
        chosen = list(ids) if reason is None else reader.waiting_in_quarantine(reason, node)
    failed = 0
    for id, done, text in _replayed(settings, chosen, by_now):
        if ids or not done:
            click.echo(harmless(f"entry {id}: {'' if done else 'not replayed: '}{text}"))
        failed += not done
    if not ids:
        click.echo(f"{len(chosen) - failed} of {len(chosen)} entries replayed")
    if failed:
        sys.exit(1)


def _replayed(settings: Settings, ids: list[int], by_now: bool) -> Iterator[tuple[int, bool, str]]:
    """Have them replayed, and what became of each."""
    while ids:
        request = {"what": "replay", "ids": ids[:_AT_ONCE], "by_now": by_now}
        answer = ask(settings.journal.path, request, settings)
        if not answer.ok:
            raise click.ClickException(f"from entry {ids[0]} on nothing is replayed: {answer.text}")
        told = json.loads(answer.text)
        yield from told
        ids = ids[len(told) :]


def _entry(settings: JournalSettings, id: int) -> Quarantined:
    with JournalReader(settings.path) as reader:
        entry = reader.entry(id)
    if entry is None:
        raise click.ClickException(f"there is no entry {id}; `dustline gateway quarantine` lists them")
    return entry


def _entry_json(entry: Quarantined) -> str:
    values = asdict(entry)
    values["received"] = _when(entry.received_ms)
    values["payload"] = entry.payload.decode("utf-8", "backslashreplace")
    return json.dumps(values, ensure_ascii=False)


def _entry_line(entry: Quarantined) -> str:
    who = entry.node or entry.topic or "unknown"
    if entry.seq is not None:
        who += f" boot {entry.boot} seq {entry.seq}"
    by = f" by {entry.destination}" if entry.destination else ""
    state = ""
    if entry.replayed_ms is not None:
        state = f", replayed {_when(entry.replayed_ms)}"
    elif entry.fixed is not None:
        state = ", fixed"
    return harmless(
        f"#{entry.id}  {_when(entry.received_ms)}  {who}  {entry.reason}{by}: {entry.detail}"
        f" ({entry.size} bytes{state})"
    )


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
