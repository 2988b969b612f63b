"""`dustline sim fleet`: the nodes of a scenario, at one of three depths. `sim stations`: what stands beside.

numpy is imported when the command is called: the other commands of `dustline sim` do without.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from simulator.runtime import SimulatorError

HERE = "127.0.0.1:1883"
DEPTHS = ("firmware", "days", "light")


def _pace(_: click.Context, __: click.Parameter, value: str | None) -> float | str | None:
    """Times real time, or max."""
    if value is None or value == "max":
        return value
    try:
        pace = float(value)
    except ValueError:
        pace = 0.0
    if not 0 < pace < float("inf"):
        raise click.BadParameter(f"{value!r}: write 1 for real time, 60 for an hour a minute, or max")
    return pace


@click.command()
@click.option(
    "--depth",
    type=click.Choice(DEPTHS),
    default="firmware",
    show_default=True,
    help="firmware: the real one, in real time, a process for each node. days: the real one, in simulated "
    "time. light: no firmware, only its messages, by the thousand.",
)
@click.option(
    "--nodes",
    metavar="N",
    help="How many, or fit: as many as this machine bears. Default: the scenario's, or 6.",
)
@click.option(
    "--scenario",
    metavar="FILE|NAME",
    help="See `dustline sim scenarios`. Default: a plain city, begun this hour.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Same seed, same city. Default: the scenario's.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), help="How long. Default: the scenario's length."
)
@click.option("--start", metavar="now|TIME", help="Begin the scenario, with all in it, this hour or then.")
@click.option(
    "--pace", metavar="X", callback=_pace, help="Times real time, or max. Default: 1 to a broker, else max."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl.gz",
    help="Write all messages, and the truth beside.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl.gz",
    help="Where the truth goes; also without --record.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl.gz",
    help="Send a recording in place of a fleet.",
)
@click.option(
    "--broker", metavar="HOST:PORT", help=f"Default: {HERE}; days: one of its own; light with --record: none."
)
@click.option("--user", help="MQTT user name of all nodes.")
@click.option("--password", envvar="DUSTLINE_NODE_PASSWORD", help="MQTT password.")
@click.option("--network", help="Of the topics. Default: the scenario's.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Of the nodes' files, kept. Default: a temporary one.",
)
@click.option(
    "--ntp", multiple=True, metavar="HOST:PORT", help="firmware: default is a time server of our own."
)
@click.option(
    "--warmup", type=click.IntRange(0, 600), help="Seconds of warm-up; not for light nodes. Default: 30."
)
@click.option(
    "--window", type=click.IntRange(1, 3600), help="Seconds of a reading, without pause; not for light nodes."
)
@click.option(
    "--health", type=click.IntRange(1, 86400), help="Seconds between health messages; not for light nodes."
)
def fleet(depth: str, replay: Path | None, **given: Any) -> None:
    """Run a fleet of simulated nodes.

    Ctrl-C ends it and closes what is recorded. docs/simulated-city.md says what the depths leave out.
    """
    try:
        import_module("simulator.city")  # tells before all else that numpy is missing
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    from simulator.city.publish import PublishError
    from simulator.city.record import RecordingError
    from simulator.city.scenario import ScenarioError
    from simulator.depths import runs

    try:
        if replay is not None:
            runs.replay(replay, given)
        else:
            runs.run(depth, given)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from error
    except (PublishError, RecordingError, SimulatorError) as error:
        raise click.ClickException(str(error)) from error


@click.command()
def scenarios() -> None:
    """List the scenarios that come along."""
    try:
        from simulator.city.scenario import load, shipped
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    for name in shipped():
        one = load(name)
        what = ", ".join(
            dict.fromkeys([event.kind for event in one.event] + [f"{f.kind}" for f in one.fault])
        )
        click.echo(f"{name:14} {one.start:%Y-%m-%d}  {one.days:g} days  {one.fleet.nodes} nodes  {what}")


@click.command()
@click.option("--scenario", metavar="FILE|NAME", required=True, help="See `dustline sim scenarios`.")
@click.option("--nodes", type=click.IntRange(min=1), help="How many. Default: the scenario's.")
@click.option("--seed", type=click.IntRange(min=0), help="Same seed, same city. Default: the scenario's.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), help="How long. Default: the scenario's length."
)
@click.option("--start", metavar="now|TIME", help="Begin the scenario, with all in it, this hour or then.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def stations(scenario: str, folder: Path, **given: Any) -> None:
    """Write what a scenario's reference stations report into FOLDER, for `dustline calibrate`.

    NAME.csv of each station, stations.toml, and nodes.toml with the places of the fleet's nodes. Give the
    options of the fleet's run, so that it is the same city.
    """
    try:
        from simulator.city.scenario import ScenarioError
        from simulator.depths.plan import scenario_of
        from simulator.depths.stations import write
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    try:
        for path in write(scenario_of(scenario, **given), folder):
            click.echo(path)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{folder}: cannot be written ({error.strerror})") from error


def host_port(text: str, option: str = "--broker") -> tuple[str, int]:
    """Raises BadParameter."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 < int(port) < 65536:
        usual = HERE if option == "--broker" else "127.0.0.1:123"
        raise click.BadParameter(f"{text!r} is not HOST:PORT, for instance {usual}", param_hint=option)
    return host, int(port)


@contextmanager
def folder(given: Path | None) -> Generator[Path, None, None]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="dustline-sim-") as temporary:
        yield Path(temporary)


def warn_of_no_broker(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        click.echo(
            f"nothing answers at {host}:{port} yet ({error}); nodes keep their readings and try on", err=True
        )
