"""The command line of `dustline gateway check`; light to import, since every command loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def check_options(command: Any) -> Any:
    """The options of `dustline gateway check`."""
    for option in reversed(
        [
            click.option(
                "--rate",
                type=click.FloatRange(0.001, 100_000),
                metavar="R",
                help="Messages a second of the network; else from the journal's last day and nodes_file.",
            ),
            click.option(
                "--broker-config",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Mosquitto's own file, such as /etc/mosquitto/mosquitto.conf, on its machine.",
            ),
            click.option(
                "--no-load",
                is_flag=True,
                help="Leave out what writes: up to 20,000 messages through the broker, and trial commits.",
            ),
            click.option("--strict", is_flag=True, help="Exit code 1 for warnings, too."),
            click.option("--json", "as_json", is_flag=True, help="One JSON document."),
        ]
    ):
        command = option(command)
    return command
