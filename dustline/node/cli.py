"""`dustline node bundle|keygen|keys|sign|verify`: a version of the firmware for boards, and its signature."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dustline import firmware_path
from dustline.node.build import build
from dustline.node.bundle import BOARDS, Bundle, BundleError, read
from simulator.runtime import SimulatorError

FILE = click.Path(path_type=Path, dir_okay=False)
NO = 1


@click.group()
def node() -> None:
    """Boards and their firmware: docs/node/flash.md, docs/node/update.md."""


@node.command()
@click.option("-o", "--out", type=FILE, help="Where to; dustline-VERSION.fw if not said.")
@click.option(
    "--firmware", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Its sources."
)
@click.option("--floor", default="0.0.0", show_default=True, help="Nothing older can be installed after it.")
@click.option("--board", "boards", multiple=True, type=click.Choice(BOARDS), help="For these only.")
def bundle(out: Path | None, firmware: Path | None, floor: str, boards: tuple[str, ...]) -> None:
    """Compile the firmware into one file, without a signature. The same sources give the same bytes."""
    try:
        made = build(firmware or firmware_path.folder(), floor, boards or BOARDS)
    except (BundleError, SimulatorError) as error:
        raise click.ClickException(str(error)) from error
    _write(out or Path(f"dustline-{made.version}.fw"), made.whole)
    _tell(made)


@node.command()
@click.argument("key", type=FILE)
def keygen(key: Path) -> None:
    """Make a key to sign with: KEY, to be kept secret and safe, and KEY.pub beside it."""
    from dustline.node import signing

    try:
        made = signing.new_key(key)
    except FileExistsError as error:
        raise click.ClickException(f"{key} is there already, and is left as it is") from error
    except OSError as error:
        raise click.ClickException(f"{key} cannot be written: {error.strerror}") from error
    public = key.with_name(key.name + ".pub")
    _write(public, signing.public_text(made.public_key()).encode())
    click.echo(f"{key}: the private key. Whoever has it can change all nodes; without it nobody can.")


@node.command()
@click.argument("keys", type=FILE, nargs=-1, required=True)
@click.option("--board", type=click.Choice(BOARDS), required=True)
@click.option("-o", "--out", type=FILE, default=Path("keys.json"), show_default=True)
def keys(keys: tuple[Path, ...], board: str, out: Path) -> None:
    """Write keys.json for a board: the public KEYS that it trusts, the present one and perhaps the next."""
    from dustline.node import signing

    try:
        text = signing.keys_json(board, [signing.public_key(path) for path in keys])
    except signing.KeyFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise _unread(error) from error
    _write(out, text.encode())


@node.command()
@click.argument("file", type=FILE)
@click.argument("key", type=FILE)
@click.option("-o", "--out", type=FILE, help="Where to; FILE itself if not said.")
def sign(file: Path, key: Path, out: Path | None) -> None:
    """Sign the bundle FILE with the private KEY."""
    from dustline.node import signing

    unsigned = _read(file)
    try:
        signed = signing.sign(unsigned, signing.private_key(key))
    except signing.KeyFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise _unread(error) from error
    _write(out or file, signed.whole)
    _tell(signed)


@node.command()
@click.argument("file", type=FILE)
@click.option("--keys", "known", type=FILE, help="keys.json of a board: must it take the bundle?")
@click.option("--key", type=FILE, help="A public key.")
def verify(file: Path, known: Path | None, key: Path | None) -> None:
    """Tell whether the bundle FILE is signed. Exit code 0 when it is, 1 when it is not."""
    from dustline.node import signing

    if (known is None) == (key is None):
        raise click.UsageError("say --keys or --key")
    found = _read(file)
    try:
        board, trusted = signing.known_keys(known) if known else ("", [signing.public_key(key or file)])
    except signing.KeyFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise _unread(error) from error
    _tell(found)
    if not signing.is_signed(found, trusted):
        click.echo("NOT signed with this key" if key else "NOT signed with a key of this board")
        sys.exit(NO)
    if board and board not in found.boards:
        click.echo(f"signed, but NOT for {board}")
        sys.exit(NO)
    click.echo("signed")


def _unread(error: OSError) -> click.ClickException:
    return click.ClickException(f"{error.filename} cannot be read: {error.strerror}")


def _read(path: Path) -> Bundle:
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise _unread(error) from error
    except BundleError as error:
        raise click.ClickException(f"{path}: {error}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path}: {len(data)} bytes")


def _tell(found: Bundle) -> None:
    click.echo(
        f"version {found.version}, floor {found.floor}, for {', '.join(found.boards)}: "
        f"{len(found.files)} files, {len(found.whole)} bytes, "
        f"{'with' if found.signature else 'without'} a signature"
    )
    click.echo(f"SHA-256 {found.sha256}")
