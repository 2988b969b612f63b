"""`dustline node`: what is done with a board at a computer."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from dustline.kit import contents, flash_page, image, official, partitions
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from dustline.kit.flash_command import flash, set_up
from dustline.node.cli import node
from gateway.topics import valid_name

node.add_command(flash)
node.add_command(set_up)


class _Failure(click.ClickException):
    exit_code = 1


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dustline"


@node.command("image")
@click.option("--board", type=click.Choice(sorted(BOARDS)), required=True)
@click.option(
    "--micropython",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="MicroPython's own .bin file for the board. Without it, it is downloaded once.",
)
@click.option(
    "--bundle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A signed version of the firmware, as `dustline node sign` leaves it. Without it the image has this "
    "checkout's firmware, for developers: it takes no updates.",
)
@click.option(
    "--key",
    "keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Public key that the node trusts updates of; again for the next one. Goes with --bundle.",
)
@click.option("--network", help="Name of the network that the node belongs to.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate of the authority that signed the broker's, PEM or DER.",
)
@click.option(
    "--name",
    help="The node's name: its set-up network has the label's name then. Such an image is for one node.",
)
@click.option(
    "--portal-password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="File (or -) with the password of the node's own set-up network; else it comes with the kit code.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def image_command(
    board: str,
    micropython: Path | None,
    bundle: Path | None,
    keys: tuple[Path, ...],
    network: str | None,
    ca: Path | None,
    name: str | None,
    portal_password_file: str | None,
    output: Path,
) -> None:
    """Build the one file that is flashed onto a new board, at address 0."""
    wanted = BOARDS[board]
    if (bundle is None) != (not keys):
        raise click.UsageError("--bundle and --key go together")
    if name is not None and not valid_name(name):
        raise click.UsageError("--name: a node's name has 1 to 32 of a-z, 0-9 and -")
    try:
        source = micropython or official.fetch(wanted, _cache())
        given = source.read_bytes()
        password = None if portal_password_file is None else _password(portal_password_file)
        files = contents.unsigned() if bundle is None else contents.signed(board, bundle, keys)
        authority = None if ca is None else contents.der(ca.read_bytes(), str(ca))
        files |= contents.settings(network, authority, password, name)
        data = image.build(wanted, given, files)
        found = image.read(data)
        output.write_bytes(data)
    except KitError as error:
        raise _Failure(str(error)) from error
    except OSError as error:
        raise _Failure(f"{error.filename}: {error.strerror}") from error
    if wanted.sha256 is not None and hashlib.sha256(given).hexdigest() != wanted.sha256:
        click.echo(f"note: {source} is not the {wanted.file} that Dustline was tried with", err=True)
    _tell(output, data, found)


def _password(file: str) -> str:
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            text = str(opened.read(200)).strip()
    except UnicodeDecodeError as error:
        raise KitError(f"{file}: is no text; write the portal's password into it, in UTF-8") from error
    if not 8 <= len(text.encode()) <= 63:
        raise KitError("the portal's password must have 8 to 63 bytes, as WPA2 asks for")
    return text


@node.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show(file: Path) -> None:
    """Read an image back and say what is in it."""
    data = file.read_bytes()
    try:
        found = image.read(data)
    except KitError as error:
        raise _Failure(f"{file}: {error}") from error
    _tell(file, data, found)
    for name, content in sorted(found.files.items()):
        click.echo(f"  {len(content):7} {name}")


@node.command("flash-page")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--image",
    "images",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    required=True,
    help="An image for a board; again for each further board.",
)
def flash_page_command(folder: Path, images: tuple[Path, ...]) -> None:
    """Write the page that flashes boards from a browser, with images, to be put on any web server.

    Its folder `firmware` is what the gateway's setting web.firmware wants.
    """
    try:
        lines = flash_page.make(folder, images)
    except KitError as error:
        raise _Failure(str(error)) from error
    except OSError as error:
        raise _Failure(f"{error.filename}: {error.strerror}") from error
    for line in lines:
        click.echo(line)
    click.echo(f"{folder}/index.html is the page; browsers reach USB from https or localhost only")


def _tell(file: Path, data: bytes, found: image.Contents) -> None:
    updates = "updates are signed" if found.updatable else "takes no updates"
    click.echo(f"{file}: for {found.board.name}, {len(data)} bytes, to be written at 0x0")
    click.echo(f"  Dustline {found.version}, {updates}")
    click.echo(f"  {found.runtime}, {len(found.app)} of {partitions.APP.size} bytes")
    size = sum(len(content) for content in found.files.values())
    click.echo(f"  {len(found.files)} files, {size} bytes, in {partitions.VFS.size}")
    click.echo(f"  SHA-256 {hashlib.sha256(data).hexdigest()}")
