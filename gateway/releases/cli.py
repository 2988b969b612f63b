"""`dustline gateway release add|list|remove` and `dustline gateway channel`."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway import topics
from gateway.cli_options import Unusable, harmless, with_config
from gateway.config import load_releases
from gateway.contract import MAX_BUNDLE_BYTES
from gateway.releases.bundle import BundleError, order_of, read_release
from gateway.releases.keys import KeyFileError, read_keys
from gateway.releases.settings import ReleasesSettings
from gateway.releases.store import CHANNELS, STABLE, Store, StoreError

Where = tuple[ReleasesSettings, Path]
as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


def told(command: Callable[..., None]) -> Callable[..., None]:
    """What went wrong, as a message; exit code 1."""

    @wraps(command)
    def call(*words: Any, **options: Any) -> None:
        try:
            command(*words, **options)
        except (StoreError, KeyFileError) as error:
            raise click.ClickException(str(error)) from error
        except sqlite3.Error as error:
            raise click.ClickException(f"the releases' file cannot be used ({error}); try again") from error

    return call


@click.group()
def release() -> None:
    """Versions of the firmware that nodes may get: docs/updates.md."""


@release.command("add")
@click.argument("bundle", metavar="FILE.fw", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="PEM file with the public key, in place of releases.public_keys.",
)
@with_config(load_releases, Unusable)
@told
def add_command(where: Where, bundle: Path, key: Path | None) -> None:
    """Keep a signed bundle, after a look at its signature. No node gets it before a roll-out."""
    settings, path = where
    key = key or settings.public_keys
    if key is None:
        raise click.UsageError(
            "by what key? Set releases.public_keys in the configuration, or give --key public.pem"
        )
    keys = read_keys(key)
    try:
        with bundle.open("rb") as file:
            data = file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{bundle}: cannot be read ({error.strerror})") from error
    try:
        new = read_release(data, keys)
    except BundleError as error:
        raise click.ClickException(f"{bundle}: {harmless(str(error))}") from error
    with Store(path, create=True) as store:
        added = store.add(new)
    state = "is kept" if added else "was there already"
    click.echo(f"{new.version} {state}: {len(data)} bytes for {', '.join(new.boards)}, floor {new.floor}")


@release.command("list")
@as_json_option
@with_config(load_releases, Unusable)
@told
def list_command(where: Where, as_json: bool) -> None:
    """Which releases there are."""
    with Store(where[1]) as store:
        found, offered = store.releases(), store.offered()
    if as_json:
        rows = [{**asdict(each), "offered": each.version in offered} for each in found]
        click.echo(json.dumps({"releases": rows}))
        return
    for each in sorted(found, key=lambda one: order_of(one.version)):
        when = time.strftime("%Y-%m-%d", time.gmtime(each.added))
        mark = ", offered to nodes" if each.version in offered else ""
        click.echo(
            f"{each.version:11} floor {each.floor:11} {each.size:7} bytes  {','.join(each.boards)}  "
            f"added {when}{mark}"
        )
    if not found:
        click.echo("no releases")


@release.command("remove")
@click.argument("version")
@with_config(load_releases, Unusable)
@told
def remove_command(where: Where, version: str) -> None:
    """Throw a release away. One that is being rolled out stays."""
    with Store(where[1]) as store:
        store.remove(version)
    click.echo(f"{harmless(version)} is removed")


@click.command("channel")
@click.argument("words", nargs=-1, metavar="[NODE]... [CHANNEL]")
@with_config(load_releases, Unusable)
@told
def channel_command(where: Where, words: tuple[str, ...]) -> None:
    """Which releases a node gets: `channel praga-1 wola-2 test`. Without words, the nodes that get others.

    Channels are stable, which each node has until told otherwise, and test.
    """
    if not words:
        if where[1].exists():  # else it would be made
            with Store(where[1]) as store:
                for node, channel in store.channels().items():
                    click.echo(f"{node}: {channel}")
        click.echo(f"all others: {STABLE}")
        return
    *nodes, channel = words
    if channel not in CHANNELS or not nodes:
        raise click.UsageError(f"write nodes, and then one of {', '.join(CHANNELS)}")
    strange = [node for node in nodes if not topics.valid_name(node)]
    if strange:
        raise click.UsageError(f"{harmless(strange[0])}: a node's name is 1 to 32 of a-z, 0-9 and -")
    with Store(where[1], create=True) as store:
        store.set_channel(nodes, channel)
    click.echo(f"{len(nodes)} node{'s' if len(nodes) > 1 else ''}: {channel}")
