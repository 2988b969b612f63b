"""The command line: `dustline` and its subcommands, each imported when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

# Name -> (module, attribute). Imported late: the gateway needs no simulator and the other way round.
COMMANDS = {
    "calibrate": ("gateway.quality.calibration.cli", "calibrate"),
    "correct": ("gateway.quality.cli", "correct"),
    "decode": ("dustline.decode", "decode"),
    "demo": ("dustline.demo", "demo"),
    "gateway": ("gateway.cli", "gateway"),
    "index": ("gateway.quality.cli", "index"),
    "ledger": ("gateway.cli", "ledger"),
    "means": ("gateway.quality.means_cli", "means"),
    "node": ("dustline.kit.command", "node"),
    "reprocess": ("gateway.quality.reprocess.cli", "reprocess_command"),
    "sim": ("simulator.cli", "sim"),
    "stations": ("gateway.stations.cli", "stations"),
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        try:
            found: Any = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            return _unavailable(cmd_name, error)
        return found if isinstance(found, click.Command) else None


def _unavailable(name: str, error: ModuleNotFoundError) -> click.Command:
    """A stand-in, so that one part that is not installed leaves the others and the help usable."""

    @click.command(name, help=f"Not available: {error}.", context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def stand_in(words: tuple[str, ...]) -> None:
        raise click.ClickException(
            f"dustline {name}: {error}; install what is missing (demo and sim need `dustline[sim]`)"
        )

    return stand_in


@click.command(cls=LazyGroup)
@click.version_option(package_name="dustline")
def main() -> None:
    """Dustline: an open PM2.5 sensor network."""


if __name__ == "__main__":
    sys.exit(main())
