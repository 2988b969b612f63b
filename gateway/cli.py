"""The commands `dustline gateway ...` and `dustline ledger`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.cli_options import Unusable, node_name, when, with_config, with_shard
from gateway.command_cli import command_command, configure_command
from gateway.config import JournalSettings, Settings, load, load_journal
from gateway.downsample.cli import downsample
from gateway.enrol.cli import COMMANDS as ENROL_COMMANDS
from gateway.journal.cli import journal
from gateway.journal.together import ledger_of
from gateway.preflight.options import check_options
from gateway.quarantine.cli import quarantine
from gateway.records import LedgerRow
from gateway.releases.cli import channel_command, release
from gateway.releases.rollout_cli import rollout


@click.group()
def gateway() -> None:
    """Receive readings, keep them, pass them on."""


gateway.add_command(command_command)
gateway.add_command(configure_command)
gateway.add_command(downsample)
gateway.add_command(journal)
gateway.add_command(quarantine)
gateway.add_command(release)
gateway.add_command(rollout)
gateway.add_command(channel_command)
for _each in ENROL_COMMANDS:
    gateway.add_command(_each)


@gateway.command()
@click.option("--shard", metavar="I/N", help="Be gateway I of N that share the nodes: docs/operation.md.")
@with_config(lambda file: file)
def run(file: Path | None, shard: str | None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. SIGHUP reads the configuration again."""
    from gateway.operate.process import run as run_process
    from gateway.operate.shard import take_shard

    def read() -> Settings:
        return load(file) if shard is None else take_shard(load(file), shard)

    run_process(read)


@gateway.command("check")
@check_options
@with_shard(load, Unusable)
def check_command(settings: Settings, **wanted: Any) -> None:
    """Connect to broker and database, and tell what would lose data or stall, with the line to change.

    Exit code 0 when nothing would, 1 when something would, 2 when the configuration cannot be used.
    """
    from gateway.preflight.report import report

    sys.exit(report(settings, **wanted))


@gateway.group()
def config() -> None:
    """The configuration file."""


@config.command("sample")
def sample_command() -> None:
    """Print a commented configuration file with every key and its default."""
    from gateway.sample import sample

    click.echo(sample(), nl=False)


@click.command()
@click.argument("journals", metavar="[JOURNAL]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--node", callback=node_name, help="Of this node only.")
@click.option(
    "--since", callback=when, help="From that time on: a date, a date and time (UTC), or UTC seconds."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document with all boots.")
@with_shard(load_journal)
def ledger(
    settings: JournalSettings, journals: tuple[Path, ...], node: str | None, since: int | None, as_json: bool
) -> None:
    """Born, stored, quarantined, missing: exact counts for each node and boot.

    Of the configured journal, or of the files named, taken together: what two of them hold counts once.
    """
    if journals and click.get_current_context().params.get("shard") is not None:
        raise click.UsageError("name journals, or a shard, not both")
    rows = ledger_of(journals or (settings.path,), node, since)
    if not rows and node is not None and since is None:
        raise click.ClickException(f"nothing is known of node {node}; `dustline ledger` names all nodes")
    if as_json:
        click.echo(json.dumps({"rows": [asdict(row) for row in rows]}))
        return
    if not rows:
        click.echo(
            "nothing is known" + (f" of node {node}" if node else "") + (" since then" if since else "")
        )
        return
    table = [("node", "boot", "born", "stored", "quarantined", "missing", "missing seqs")]
    table += [_ledger_line(row) for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(6)]
    for line in table:
        left = line[0].ljust(widths[0])
        numbers = (text.rjust(width) for text, width in zip(line[1:6], widths[1:], strict=True))
        click.echo("  ".join([left, *numbers, line[6]]).rstrip())


def _ledger_line(row: LedgerRow) -> tuple[str, ...]:
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in row.missing_ranges[:8]]
    more = len(row.missing_ranges) - len(shown)
    seqs = ",".join(shown) + (f" and {more} more ranges" if more else "")
    return (row.node, *map(str, (row.boot, row.born, row.stored, row.quarantined, row.missing)), seqs)
