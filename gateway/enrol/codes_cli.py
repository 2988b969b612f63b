"""`dustline gateway codes`: one-time codes, by which volunteers enrol a node at the page."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli_options import Unusable, with_config
from gateway.config import Settings, load
from gateway.enrol.codes import hash_of, new_code
from gateway.enrol.errors import EnrolError
from gateway.enrol.kits_file import open_new
from gateway.enrol.store import CodeRow, Store, StoreError

_SECONDS = {"h": 3600, "d": 86400, "w": 604800}
_LONGEST = 366 * 86400


def _span(_context: click.Context, _parameter: click.Parameter, value: str) -> int:
    """Seconds of `30d`, `12h`, `2w`."""
    found = re.fullmatch(r"([1-9]\d{0,3})([hdw])", value, re.ASCII)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter("write hours, days or weeks, such as 12h, 30d or 2w; a year at most")
    return seconds


@click.group()
def codes() -> None:
    """One-time codes for volunteers, who enrol a node with one at the page's /join."""


@codes.command("new")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.option(
    "--expires", default="30d", show_default=True, callback=_span, help="Valid so long: 12h, 30d, 2w."
)
@click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    help="File for the codes, which must not exist; else dustline-codes-TIME.csv.",
)
@with_config(load, Unusable)
def new_command(settings: Settings, count: int, expires: int, out: Path | None) -> None:
    """Make codes, and write them to a file that only you can read. The gateway keeps their hashes."""
    file = out or Path(time.strftime("dustline-codes-%Y%m%d-%H%M%S.csv"))
    until = int(time.time()) + expires
    try:
        # The file's lines are on the disk before the store says that the codes are good.
        with open_new(file) as opened, Store(settings.enrol.store) as store:
            writer = csv.writer(opened)
            writer.writerow(("id", "code", "expires"))
            for _ in range(count):
                code = new_code()
                hashed = hash_of(code)
                assert hashed is not None
                writer.writerow((store.add_code(hashed, until), code, _day(until)))
            opened.flush()
            os.fsync(opened.fileno())
    except (EnrolError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written ({error.strerror})") from error
    click.echo(f"{count} code{'' if count == 1 else 's'} in {file}, good until {_day(until)}", err=True)
    if not settings.enrol.page:
        click.echo("enrol.page is false: the page does not take codes yet", err=True)


@codes.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@with_config(load, Unusable)
def list_command(settings: Settings, as_json: bool) -> None:
    """Which codes were made, used, or have expired. Not the codes themselves: nobody has them."""
    try:
        found: list[CodeRow] = []
        if settings.enrol.store.exists():  # else it would be made
            with Store(settings.enrol.store) as store:
                found = store.codes()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"codes": [asdict(each) for each in found]}))
        return
    for each in found:
        click.echo(f"{each.id:5}  made {_day(each.made)}  {_state(each)}")
    if not found:
        click.echo("no codes were made")


@codes.command("drop")
@click.argument("ids", nargs=-1, required=True, type=int, metavar="ID...")
@with_config(load, Unusable)
def drop_command(settings: Settings, ids: tuple[int, ...]) -> None:
    """Make codes invalid that nobody has used, such as lost ones."""
    try:
        with Store(settings.enrol.store) as store:
            missing = [id for id in ids if not store.drop_code(id)]
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    if missing:
        gone = ", ".join(map(str, missing))
        raise click.ClickException(
            f"no unused code has the number {gone}; `dustline gateway codes list` shows them"
            + ("; the others are dropped" if len(missing) < len(ids) else "")
        )
    click.echo(f"{len(ids)} dropped")


def _state(code: CodeRow) -> str:
    if code.used is not None:
        return f"used {_day(code.used)} for {code.node}"
    return ("good until " if code.expires > time.time() else "expired ") + _day(code.expires)


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
