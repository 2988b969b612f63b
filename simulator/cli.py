"""`dustline sim`: simulated nodes against a broker of your choice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from simulator import capture as captures
from simulator.air import CityAir
from simulator.bytecode import explained
from simulator.depths.cli import fleet, folder, host_port, scenarios, stations, warn_of_no_broker
from simulator.node import SimNode
from simulator.ntp import NtpServer
from simulator.options import Fitted, NodeOptions, heap_for
from simulator.places import PLACES, find_place
from simulator.power_cli import power
from simulator.runtime import SimulatorError
from simulator.sensor_words import Fault, fault_names, fit_all, models_text, parse_fault
from simulator.weather import CityWeather

LOOK_S = 0.2


@click.group()
def sim() -> None:
    """Simulated nodes: real firmware, emulated sensors, stand-in chip."""


sim.add_command(power)
sim.add_command(fleet)
sim.add_command(scenarios)
sim.add_command(stations)


@sim.command()
def places() -> None:
    """List the places where simulated nodes can hang."""
    for place in PLACES:
        click.echo(f"{place.name:14} {place.lat:.4f} {place.lon:.4f}  {place.label}")


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a node and of where it sends."""
    options = (
        click.option("--broker", default="127.0.0.1:1883", show_default=True, metavar="HOST:PORT"),
        click.option("--user", help="MQTT user name; the contract wants the node's name."),
        click.option("--password", envvar="DUSTLINE_NODE_PASSWORD", help="MQTT password."),
        click.option("--network", default="warsaw", show_default=True),
        click.option("--ntp", multiple=True, metavar="HOST:PORT", help="Default: a time server of our own."),
        click.option(
            "--directory",
            type=click.Path(path_type=Path, file_okay=False),
            help="Kept; default: a temporary one.",
        ),
        click.option(
            "--warmup",
            default=30,
            type=click.IntRange(0, 600),
            show_default=True,
            help="Seconds of the sensor's warm-up.",
        ),
        click.option(
            "--window",
            default=60,
            type=click.IntRange(1, 3600),
            show_default=True,
            help="Seconds that one reading averages.",
        ),
        click.option(
            "--sleep",
            default=0,
            type=click.IntRange(0, 86400),
            show_default=True,
            help="Seconds of sleep between windows.",
        ),
        click.option(
            "--health",
            default=600,
            type=click.IntRange(1, 86400),
            show_default=True,
            help="Seconds between health messages.",
        ),
        click.option("--seed", default=0, show_default=True, help="Same seed, same air and same sensors."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _options(stack: ExitStack, settings: dict[str, Any]) -> NodeOptions:
    """What all nodes of this run share; starts a time server when none was named."""
    host, port = host_port(settings["broker"], "--broker")
    warn_of_no_broker(host, port)
    ntp: tuple[str, ...] = settings["ntp"]
    for server in ntp:
        host_port(server, "--ntp")
    if not ntp:
        server = NtpServer().start()
        stack.callback(server.stop)
        ntp = (server.address,)
    return NodeOptions(
        name="",
        network=settings["network"],
        broker_host=host,
        broker_port=port,
        user=settings["user"],
        password=settings["password"],
        ntp=ntp,
        warmup_s=settings["warmup"],
        window_s=settings["window"],
        sleep_s=settings["sleep"],
        health_s=settings["health"],
        seed=settings["seed"],
    )


@sim.command()
@click.option("--name", help="The node's name; default: the place's.")
@click.option(
    "--sensor",
    "sensors",
    multiple=True,
    metavar="MODEL[@WHERE]",
    help="One on the board; may be repeated, the slots are then a, b, c. WHERE: the number of a UART or an "
    "I2C bus, or a data pin, or a bus's name: pms5003@2, sps30@i2c, dht22@4. Default: sds011. "
    f"Models: {models_text()}.",
)
@click.option("--model", "sensors", multiple=True, hidden=True, help="As --sensor.")
@click.option("--auto", is_flag=True, help="The node is not told the models: it finds out.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SLOT:NAME[=VALUE]",
    help="From the start; may be repeated. A fault of the device with its probability, or how it is wired: "
    f"a:bit_flip=0.01, a:clogged, b:nack=0.2, a:swapped, a:baud=19200. Names: {', '.join(fault_names())}.",
)
@click.option(
    "--capture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What was really measured, in place of the model: readings as CSV (time, pm25, ...) for all "
    "sensors, or bytes as `dustline decode` takes them for the first, on its UART.",
)
@click.option(
    "--place", "place_name", default=PLACES[0].name, show_default=True, help="See `dustline sim places`."
)
@click.option(
    "--heap",
    type=click.IntRange(64, 4096),
    metavar="KIB",
    help="MicroPython's. Default: 128; 192 with several sensors or --auto.",
)
@_common
def node(
    name: str | None,
    sensors: tuple[str, ...],
    auto: bool,
    faults: tuple[str, ...],
    heap: int | None,
    capture: Path | None,
    place_name: str,
    **settings: Any,
) -> None:
    """Run one simulated node until Ctrl-C and print its serial console."""
    for option, word in (("--name", name), ("--network", settings["network"])):
        if word is not None and not re.fullmatch("[a-z0-9-]{1,32}", word):
            raise click.BadParameter(f"{word!r}: 1 to 32 of a-z, 0-9 and -", param_hint=option)
    fitted, trouble = _fitted(sensors or ("sds011",), auto, faults)
    try:
        place = find_place(place_name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--place") from error
    try:
        driven = captures.devices(capture, fitted) if capture else None
    except captures.CaptureError as error:
        raise click.BadParameter(str(error), param_hint="--capture") from error
    with ExitStack() as stack:
        room = f"{heap}k" if heap else heap_for(fitted)
        options = replace(_options(stack, settings), name=name or place.name, sensors=fitted, heap=room)
        directory = stack.enter_context(folder(settings["directory"])) / options.name
        try:
            air, weather = CityAir(options.seed).over(place), CityWeather(options.seed).at
            one = SimNode(directory, options, air, weather=weather, devices=driven)
        except SimulatorError as error:
            raise click.ClickException(str(error)) from error
        on_board = ", ".join(f"{each.slot} {each.model}" for each in fitted)
        click.echo(
            f"node {options.name}: {on_board}; {place.label}; {one.micropython}; files in {directory}",
            err=True,
        )
        stack.callback(_stop, one)
        with suppress(KeyboardInterrupt):
            _start(one)
            for fault in trouble:
                one.change(fault.slot, fault.strike)
            _follow(one)


def _fitted(
    sensors: tuple[str, ...], auto: bool, faults: tuple[str, ...]
) -> tuple[tuple[Fitted, ...], list[Fault]]:
    """The sensors with what is wrong in their wiring, and all faults."""
    try:
        fitted = fit_all(sensors, auto)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sensor") from error
    try:
        trouble = [parse_fault(fault, fitted) for fault in faults]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    for fault in trouble:
        fitted = fault.wired(fitted)
    return fitted, trouble


def _stop(what: SimNode) -> None:
    try:
        what.stop()
    except SimulatorError as error:
        raise click.ClickException(str(error)) from error


def _start(what: SimNode) -> None:
    try:
        what.start()
    except SimulatorError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or what.log}: {error.strerror}") from error


def _follow(node: SimNode) -> None:
    """Print a node's growing log for ever, its tracebacks led back to the source."""
    text = b""
    with node.log.open("rb") as file:
        while True:
            text += file.read()
            whole, end, text = text.rpartition(b"\n")  # the rest of a line is still to come
            if end:
                click.echo(explained(node.firmware, whole.decode("utf-8", "replace")))
            else:
                time.sleep(LOOK_S)
