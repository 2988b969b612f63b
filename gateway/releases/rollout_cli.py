"""`dustline gateway rollout start|status|pause|resume|stop`."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import click

from gateway.cli_options import Unusable, harmless, with_config
from gateway.config import load_releases
from gateway.releases.cli import Where, as_json_option, told
from gateway.releases.rollouts import STATES, Rollout, begin, change_state, newest
from gateway.releases.store import CHANNELS, STABLE, Store

FINE, STOPPED = 0, 1
_NAMED = 20  # of each state
_TOLD_BY_NAME = ("fell_back", "silent", "refused")
_channel = click.option("--channel", type=click.Choice(CHANNELS), default=STABLE, show_default=True)


def _stages(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(each) for each in text.split(","))
    except ValueError as error:
        raise click.BadParameter("write percents, such as 1,10,100") from error
    if list(found) != sorted(set(found)) or not found[0] > 0 or found[-1] != 100 or len(found) > 10:
        raise click.BadParameter("write at most 10 growing percents above 0, the last one 100")
    return found


@click.group()
def rollout() -> None:
    """Give a release to the nodes of a channel, a few of them first: docs/updates.md."""


@rollout.command("start")
@click.argument("version")
@_channel
@click.option(
    "--stages", callback=_stages, default="1,10,100", show_default=True, help="Percent of the nodes, in all."
)
@click.option(
    "--settle-s",
    type=click.FloatRange(0, 604800),
    default=3600,
    show_default=True,
    help="All is to be well for so long before the next stage, s.",
)
@click.option(
    "--silent-s",
    type=click.FloatRange(1, 604800),
    default=1800,
    show_default=True,
    help="A node that is not heard for so long after its update counts as failed, s.",
)
@click.option(
    "--tolerate",
    type=click.FloatRange(0, 50),
    default=2,
    show_default=True,
    help="So many percent of a stage may fail.",
)
@with_config(load_releases, Unusable)
@told
def start_command(where: Where, version: str, channel: str, **wanted: Any) -> None:
    """Begin; running gateways go on by themselves. It takes the place of the channel's present one."""
    with Store(where[1]) as store:
        begin(store, version, time.time(), channel=channel, **wanted)
    stages = ", ".join(f"{each:g} %" for each in wanted["stages"])
    click.echo(f"{harmless(version)} is being rolled out to channel {channel}: {stages}")


@rollout.command("status")
@as_json_option
@with_config(load_releases, Unusable)
@told
def status_command(where: Where, as_json: bool) -> None:
    """How the newest roll-out of each channel stands. Exit code 1 when one has stopped by itself."""
    with Store(where[1]) as store:
        found = newest(store.db)
    if as_json:
        click.echo(json.dumps({"rollouts": [_document(each) for each in found]}))
    else:
        for each in found:
            _show(each)
        if not found:
            click.echo("no roll-outs")
    sys.exit(STOPPED if any(each.by_itself for each in found) else FINE)


def _document(it: Rollout) -> dict[str, Any]:
    members = [
        {
            "node": each.node,
            "stage": each.stage + 1,
            "state": each.state,
            "why": each.why,
            "since": int(each.since),
        }
        for each in sorted(it.members.values(), key=lambda one: (one.stage, one.node))
    ]
    return {
        "version": it.version,
        "channel": it.channel,
        "state": it.state,
        "by_itself": it.by_itself,
        "why": it.why,
        "stage": it.stage + 1,
        "stages": list(it.stages),
        "started": int(it.started),
        "changed": int(it.changed),
        "nodes": dict(Counter(each.state for each in it.members.values())),
        "members": members,
    }


def _show(it: Rollout) -> None:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(it.changed))
    stage = f"stage {it.stage + 1} of {len(it.stages)} ({it.stages[it.stage]:g} %)"
    state = "STOPPED BY ITSELF" if it.by_itself else it.state
    click.echo(f"{it.version} to channel {it.channel}: {state}, {stage}, since {when}")
    if it.why:
        click.echo(f"  why: {harmless(it.why)}")
    counts = Counter(each.state for each in it.members.values())
    shown = [f"{state.replace('_', ' ')} {counts[state]}" for state in STATES if counts[state]]
    click.echo(f"  nodes: {', '.join(shown) or 'none yet'}")
    for state in _TOLD_BY_NAME:
        those = sorted(
            (each for each in it.members.values() if each.state == state), key=lambda one: one.since
        )
        for each in those[:_NAMED]:
            click.echo(f"  {each.node}: {state.replace('_', ' ')}: {harmless(each.why) or '-'}")
        if len(those) > _NAMED:
            click.echo(f"  and {len(those) - _NAMED} more {state.replace('_', ' ')}; --json has all")


def _change(where: Where, channel: str, to: str, words: str) -> None:
    with Store(where[1]) as store:
        version = change_state(store, channel, to, time.time())
    click.echo(f"{version} to channel {channel}: {words}")


@rollout.command("pause")
@_channel
@with_config(load_releases, Unusable)
@told
def pause_command(where: Where, channel: str) -> None:
    """Tell no more nodes; those that were told go on."""
    _change(where, channel, "paused", "paused; nodes that were told go on")


@rollout.command("resume")
@_channel
@with_config(load_releases, Unusable)
@told
def resume_command(where: Where, channel: str) -> None:
    """Go on after a pause."""
    _change(where, channel, "running", "goes on")


@rollout.command("stop")
@_channel
@with_config(load_releases, Unusable)
@told
def stop_command(where: Where, channel: str) -> None:
    """End it: nodes that are loading the version give it up, those that run it keep it."""
    _change(where, channel, "stopped", "stopped")
