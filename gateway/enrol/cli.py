"""`dustline gateway enrol`, `replace`, `revoke`, `enrolled`, `place`, `labels`, `codes`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.cli_options import Unusable, with_config
from gateway.config import Settings, load
from gateway.enrol.codes_cli import codes
from gateway.enrol.enroller import Enroller
from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import Kit, new_name
from gateway.enrol.kits_file import open_new, read_labels, write_kits
from gateway.enrol.labels import GRIDS, label_sheet
from gateway.enrol.plan import place_by, read_plan
from gateway.enrol.store import Enrolled, Store, StoreError
from gateway.places import AnyPlace

_OUT = click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    help="File for the kit codes, which must not exist; else dustline-kits-TIME.csv.",
)


def told(command: Callable[..., None]) -> Callable[..., None]:
    """What went wrong, as a message; exit code 1."""

    @wraps(command)
    def call(*words: Any, **options: Any) -> None:
        try:
            command(*words, **options)
        except (EnrolError, StoreError) as error:
            raise click.ClickException(str(error)) from error

    return call


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """--at, --label, --precision, --district."""
    for option in (
        click.option(
            "--at", metavar="LAT,LON", help="Where it stands, degrees north and east; kept private."
        ),
        click.option("--label", default="", help="Its name for people; public."),
        click.option(
            "--precision",
            type=click.Choice(["exact", "grid", "district"]),
            default="grid",
            show_default=True,
            help="How exact the public sees its place.",
        ),
        click.option("--district", default="", help="Its district; --at is not needed then."),
    ):
        command = option(command)
    return command


@click.command("enrol")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--count", type=click.IntRange(1, 1000), help="Enrol so many, under random names.")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path),
    help="Enrol those of a CSV file: columns name, label, lat, lon, precision, district.",
)
@place_options
@_OUT
@with_config(load, Unusable)
@told
def enrol_command(
    settings: Settings,
    names: tuple[str, ...],
    count: int | None,
    table: Path | None,
    out: Path | None,
    **place: Any,
) -> None:
    """Give nodes their credentials: a secret, a user at the broker, rights for their own topics.

    The kit codes are written to a file that only you can read, once; nobody keeps another copy.
    """
    if sum((bool(names), count is not None, table is not None)) != 1:
        raise click.UsageError("give names, or --count, or --csv")
    if len(names) != len(set(names)):
        raise click.UsageError("a name is given twice")
    where = place_by(**place)
    if where is not None and len(names) != 1:
        raise click.UsageError("a place is for one NAME; for several use --csv")
    wanted: dict[str, AnyPlace | None] = dict.fromkeys(names, where)
    if table is not None:
        wanted = read_plan(table)
    while count is not None and len(wanted) < count:
        wanted[new_name(settings)] = None
    _hand_out(out, lambda: Enroller(settings).enrol(wanted))


@click.command("replace")
@click.argument("name")
@_OUT
@with_config(load, Unusable)
@told
def replace_command(settings: Settings, name: str, out: Path | None) -> None:
    """Give a node another secret. The old one is dead at once, and so is a connection that used it."""
    _hand_out(out, lambda: [Enroller(settings).replace(name)])


def _hand_out(out: Path | None, make: Callable[[], list[Kit]]) -> None:
    file = out or Path(time.strftime("dustline-kits-%Y%m%d-%H%M%S.csv"))
    with open_new(file) as opened:
        try:
            kits = make()
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        try:
            write_kits(opened, kits)
        except OSError as error:
            names = " ".join(kit.node for kit in kits)
            raise EnrolError(
                f"{file} cannot be written ({error.strerror}), and the kit codes are lost: "
                f"use `dustline gateway replace` for {names}"
            ) from error
    for kit in kits:
        click.echo(kit.node)
    click.echo(
        f"{len(kits)} kit code{'' if len(kits) == 1 else 's'} in {file}, readable for you alone; "
        f"labels: dustline gateway labels --kits {file} -o labels.pdf",
        err=True,
    )


@click.command("revoke")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@with_config(load, Unusable)
@told
def revoke_command(settings: Settings, names: tuple[str, ...]) -> None:
    """End nodes' access, at once, without a restart of the broker. Their readings stay, their places go."""
    enroller = Enroller(settings)
    for name in names:
        left = enroller.revoke(name)
        click.echo(f"{name}: revoked")
        if left is not None:
            click.echo(left, err=True)


@click.command("place")
@click.argument("name")
@place_options
@click.option("--none", "no_place", is_flag=True, help="Take it off the map.")
@with_config(load, Unusable)
@told
def place_command(settings: Settings, name: str, no_place: bool, **place: Any) -> None:
    """Give an enrolled node another place, or another exactness of what the public sees."""
    where = place_by(**place)
    if (where is None) != no_place:
        raise click.UsageError("give --at or --district, or --none")
    Enroller(settings).move(name, where)
    click.echo(f"{name}: {'no place' if where is None else 'shown as ' + where.precision}")


@click.command("enrolled")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@with_config(load, Unusable)
@told
def enrolled_command(settings: Settings, as_json: bool) -> None:
    """List the nodes that were enrolled here. No secrets: the gateway has none."""
    nodes: list[Enrolled] = []
    if settings.enrol.store.exists():  # else it would be made
        with Store(settings.enrol.store) as store:
            nodes = store.nodes()
    if as_json:
        click.echo(json.dumps({"nodes": [asdict(node) for node in nodes]}))
        return
    for node in nodes:
        day = time.strftime("%Y-%m-%d", time.gmtime(node.changed))
        by = "by a command" if node.code is None else f"by code {node.code}"
        click.echo(f"{node.name:32}  {node.state:8}  {day}  {by:14}  place: {node.precision or 'none'}")
    if not nodes:
        click.echo("nobody is enrolled here yet")


@click.command("labels")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--kits", type=click.Path(path_type=Path), required=True, help="File of `dustline gateway enrol`."
)
@click.option("-o", "out", type=click.Path(path_type=Path), required=True, help="The PDF, a new file.")
@click.option("--grid", type=click.Choice(list(GRIDS)), default="3x7", show_default=True)
@click.option(
    "--skip", type=click.IntRange(0, 100), default=0, help="Labels of the first sheet that are used."
)
@told
def labels_command(names: tuple[str, ...], kits: Path, out: Path, grid: str, skip: int) -> None:
    """Write a sheet of labels: name, portal and its password, as text and QR code. All, or those named."""
    found = {label.node: label for label in read_labels(kits)}
    strange = [name for name in names if name not in found]
    if strange:
        raise EnrolError(f"{strange[0]} is not in {kits}")
    sheet = label_sheet([found[name] for name in names or found], GRIDS[grid], skip)
    with open_new(out) as opened:
        opened.buffer.write(sheet)
    click.echo(f"{len(names or found)} labels in {out}")


COMMANDS: tuple[click.Command, ...] = (
    enrol_command,
    replace_command,
    revoke_command,
    enrolled_command,
    place_command,
    labels_command,
    codes,
)
