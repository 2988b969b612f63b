"""The command: options, work folder, Ctrl-C, exit code."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import IO

import click

from simulator.runtime import SimulatorError

WORK = Path("build/demo")
LEDGER = Path("build/demo-ledger.json")


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@click.command()
@click.option(
    "--seconds", type=click.IntRange(1, 86400), help="End by itself after so long; else Ctrl-C ends it."
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=WORK,
    show_default=True,
    help="Where the demo keeps its files; emptied at the start.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    default=LEDGER,
    show_default=True,
    help="Where the ledger is written at the end.",
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Wished port of the page.",
)
def demo(seconds: int | None, directory: Path, ledger: Path, web_port: int) -> None:
    """Run the whole network on this machine: broker, gateway, six simulated nodes and the page.

    On the way the broker is restarted and a node loses its power. At the end the ledger tells whether a
    reading is missing. Exit code 0: none is, and every node has delivered.
    """
    from dustline.demo.run import Demo

    mark = _make_empty(directory)
    ledger.unlink(missing_ok=True)  # one of an earlier run must not pass for this one's
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        wrong = Demo(directory, ledger, seconds, web_port).run()
    except SimulatorError as error:
        raise click.ClickException(str(error)) from error
    finally:
        mark.close()
    if wrong:
        click.echo(f"demo: {wrong}", err=True)
        sys.exit(1)


def _make_empty(directory: Path) -> IO[bytes]:
    """Only a folder that a demo made, or an empty one, is emptied. Returns the open mark, which is locked for
    as long as the demo runs."""
    mark = directory / ".dustline-demo"
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise click.UsageError(
            f"{directory} has files that are not a demo's. Name another folder with --directory, or empty it."
        )
    directory.mkdir(parents=True, exist_ok=True)
    held = mark.open("wb")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise click.UsageError(
            f"another demo runs in {directory}. Name another folder with --directory, or end that one."
        ) from None
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry != mark:
            entry.unlink()
    return held
