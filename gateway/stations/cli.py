"""The command `dustline stations`: which nodes need a visit, why, since when, what to do."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli_options import SHARD_HELP, Unusable, harmless, when, with_config
from gateway.config import load_sites
from gateway.operate.shard import take_journal
from gateway.stations.gather import USUAL_DAYS, span_of
from gateway.stations.view import StationsView, stations_view
from gateway.stations.words import LANGUAGES

_HEAD = {
    "en": "{visits} of {nodes} nodes need a visit.",
    "pl": "Węzły, które trzeba odwiedzić: {visits} z {nodes}.",
}
_LATER = {"en": "These can wait:", "pl": "Te mogą poczekać:"}
_HEALTHY = {"en": "nothing to remark", "pl": "bez uwag"}
_MANY = {
    "en": "{silent} of {nodes} nodes are silent at once: look at the broker and the gateway's network first.",
    "pl": "Naraz milczy {silent} z {nodes} węzłów: najpierw sprawdź brokera i sieć tej bramki.",
}
_UNJUDGED = {
    "en": "The checks have not judged since {time}: what they would find is not in this list.",
    "pl": "Pomiary nie są oceniane od {time}: na liście nie ma tego, co znalazłyby testy.",
}

_NEVER_JUDGED = {
    "en": "The checks have judged nothing yet: what they would find is not in this list.",
    "pl": "Pomiary nie były jeszcze oceniane: na liście nie ma tego, co znalazłyby testy.",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with the sentences in en and pl.")
@click.option("--all", "everyone", is_flag=True, help="Healthy nodes too.")
@click.option(
    "--since",
    callback=when,
    help=f"Look no further back: a date, a time (UTC) or UTC seconds; {USUAL_DAYS} days if not told.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--shard", metavar="I/N", help=SHARD_HELP)
@with_config(lambda file: file, Unusable)
def stations(
    file: Path | None, as_json: bool, everyone: bool, since: int | None, lang: str, shard: str | None
) -> None:
    """Nodes that need a visit, the most urgent first, each with its reasons in a sentence.

    Reads the journal, beside a running gateway or without one. Exit code 1 when a node needs a visit,
    2 when that cannot be told.
    """
    journal, places = load_sites(file)
    if shard is not None:
        journal = take_journal(journal, shard)
    now = int(time.time())
    if since is not None and since > now:
        raise click.BadParameter("is in the future", param_hint="--since")
    found = stations_view(journal.path, places, span_of(now, since), everyone=everyone)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found, lang)
    sys.exit(1 if found["visits"] else 0)


def _print(found: StationsView, lang: str) -> None:
    counts = {"visits": found["visits"], "nodes": found["nodes"], "silent": found["silent"]}
    click.echo(_HEAD[lang].format(**counts))
    if found["many_silent"]:
        click.echo(_MANY[lang].format(**counts))
    if found["unjudged_since"] == 0:
        click.echo(_NEVER_JUDGED[lang])
    elif found["unjudged_since"] is not None:
        at = datetime.fromtimestamp(found["unjudged_since"], UTC)
        click.echo(_UNJUDGED[lang].format(time=f"{at:%Y-%m-%d %H:%M} UTC"))
    waiting = False
    for one in found["stations"]:
        if not one["visit"] and one["reasons"] and not waiting:
            waiting = True
            click.echo("\n" + _LATER[lang])
        label = f", {harmless(one['label'])}" if one["label"] != one["node"] else ""
        click.echo(f"\n{one['score']:5.1f}  {one['node']}{label}")
        for reason in one["reasons"]:
            click.echo(f"       {harmless(reason['words'][lang]['text'])}")
        if not one["reasons"]:
            click.echo(f"       {_HEALTHY[lang]}")
