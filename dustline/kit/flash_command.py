"""`dustline node flash` and `dustline node set-up`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dustline.kit import image, ports, provision, write
from dustline.kit.errors import KitError
from dustline.kit.words import say

_PORT = click.option("--port", help="The board's serial port; looked for when it is the only one.")
_CODE = click.option(
    "--code",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File with the node's kit code, or - for standard input. Never an argument, which others could see.",
)
_WIFI = click.option("--wifi", "ssid", metavar="SSID", help="Network to join; asked for if not given.")


class _Failure(click.ClickException):
    exit_code = 1


@click.command("flash")
@_PORT
@click.option(
    "--image", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
    help="Image to write, as `dustline node image` makes it.",
)  # fmt: skip
@_CODE
@_WIFI
@click.option("--only-write", is_flag=True, help="Leave the set-up to the browser or the node's own network.")
def flash(port: str | None, file: Path, code: str | None, ssid: str | None, only_write: bool) -> None:
    """Write an image onto the board at this computer, then set it up over the same cable.

    The Wi-Fi password is asked for and not shown. What goes wrong is told with what to do, in Polish when
    LANG says so.
    """
    text = _code(code, ssid, only_write)
    try:
        found = ports.find(port)
        click.echo(say("found", port=found.device, name=found.name))
        _write(found.device, file)
        if not only_write:
            with provision.open_line(found.device) as line:
                provision.set_up(line, text, ssid)
    except KitError as error:
        raise _Failure(str(error)) from error
    except OSError as error:
        raise _Failure(f"{error.filename or file}: {error.strerror or error}") from error


@click.command("set-up")
@_PORT
@_CODE
@_WIFI
def set_up(port: str | None, code: str | None, ssid: str | None) -> None:
    """Set up a node that has its program already, over its cable: kit code and Wi-Fi."""
    text = _code(code, ssid, False)
    try:
        found = ports.find(port)
        click.echo(say("found", port=found.device, name=found.name))
        with provision.open_line(found.device) as line:
            provision.set_up(line, text, ssid)
    except KitError as error:
        raise _Failure(str(error)) from error


def _code(file: str | None, ssid: str | None, only_write: bool) -> str | None:
    """The kit code's text. Read first, so that a wrong name is told before minutes of writing."""
    if file is None:
        return None
    if only_write:
        raise click.UsageError("--code has no use with --only-write")
    if file == "-" and ssid is None:
        raise click.UsageError("--code - takes standard input: name the network with --wifi")
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            text = opened.read(20000)
    except (OSError, UnicodeDecodeError) as error:
        raise _Failure(f"{file}: {getattr(error, 'strerror', None) or 'is no text'}") from error
    try:
        provision.kit_code.read(text)
    except KitError as error:
        raise _Failure(f"{file}: {error}") from error
    return text


def _write(port: str, file: Path) -> None:
    data = file.read_bytes()
    try:
        found = image.read(data)
    except KitError as error:
        raise KitError(f"{file}: {error}") from error
    click.echo(say("writing", image=file, board=found.board.name, version=found.version))
    bar = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    # A copy: what is written is what was looked at, whatever happens to the file meanwhile.
    with tempfile.TemporaryDirectory(prefix="dustline-flash-") as folder:
        copy = Path(folder) / "image.bin"
        copy.write_bytes(data)
        os.chmod(copy, 0o600)
        with bar:
            task = bar.add_task("", total=1.0)
            write.write(
                port,
                copy,
                found.board,
                lambda chip: bar.console.print(say("chip", chip=chip), highlight=False),
                lambda part: bar.update(task, completed=part),
            )
    click.echo(say("written"))
