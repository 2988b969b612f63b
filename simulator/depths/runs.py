"""What `dustline sim fleet` does at each depth, with the command line's words in `given`."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from simulator.city.light import LightFleet
from simulator.city.record import Recorder, RecordingError, heading, truth_path
from simulator.city.record import replay as replayed
from simulator.city.scenario import ScenarioError
from simulator.depths import days, light
from simulator.depths.cli import HERE, folder, host_port, warn_of_no_broker
from simulator.depths.firmware import Observer, RealFleet, room
from simulator.depths.output import Stop, bar, ctrl_c
from simulator.depths.plan import covers_now, offset_s, scenario_of
from simulator.depths.target import Target
from simulator.depths.troubles import left_out
from simulator.fleet import stop_all
from simulator.local_broker import LocalBroker
from simulator.ntp import NtpServer
from simulator.options import NodeOptions
from simulator.runtime import SimulatorError

REPORT_S = 5.0
OF_A_SCENARIO = ("scenario", "nodes", "seed", "hours", "start", "network")
OF_FIRMWARE = ("warmup", "window", "health", "ntp")


def _target(given: dict[str, Any], default: str | None) -> Target | None:
    where = given["broker"] or default
    return Target(*host_port(where), given["user"], given["password"]) if where else None


def replay(path: Path, given: dict[str, Any]) -> None:
    _refuse(
        given,
        (*OF_A_SCENARIO, *OF_FIRMWARE, "record", "truth", "directory"),
        "--replay sends what is in the file",
    )
    try:
        head = heading(path)
        if "recording" not in head:
            raise RecordingError(f"{path}: holds the truth; give the other file of the pair")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error})") from error
    length = max(1.0, head["end"] - head["start"])
    with ctrl_c() as stop, bar("replay") as progress:

        def passing() -> Generator[Any, None, None]:
            for message in replayed(path):
                progress((message.at - head["start"]) / length)
                yield message

        pace = None if given["pace"] == "max" else given["pace"] or 1.0
        count = light.send(passing(), _target(given, HERE), pace, stop)
    click.echo(f"{path}: {count} messages of {len(head['nodes'])} nodes sent{_early(stop)}")


def run(depth: str, given: dict[str, Any]) -> None:
    """Raises UsageError, ScenarioError, RecordingError, PublishError, SimulatorError."""
    nodes = _nodes(depth, given["nodes"])
    _check(depth, given)
    source = given["scenario"]
    scenario = scenario_of(
        source,
        nodes=nodes,
        endless=depth == "firmware",
        **{name: given[name] for name in ("seed", "hours", "start", "network")},
    )
    try:
        lights = LightFleet(scenario)
    except ValueError as error:
        raise ScenarioError(f"{source or 'plain'}: {error}") from error
    record, truth = given["record"], given["truth"]
    to = Recorder(lights, record, truth or (truth_path(record) if record else None))
    with ctrl_c() as stop:
        try:
            with to:
                {"light": _light, "days": _days, "firmware": _firmware}[depth](lights, to, given, stop)
        except OSError as error:
            raise SimulatorError(f"{error.filename or depth}: {error.strerror or error}") from error
        if record is not None:
            click.echo(f"{record}: {to.count} messages, sha256 {to.digest}")
        _tell_truth(to)


def _check(depth: str, given: dict[str, Any]) -> None:
    """Words that do not go together. Raises UsageError."""
    if depth == "light":
        _refuse(given, (*OF_FIRMWARE, "directory"), "light nodes run no firmware")
        if (given["record"] or given["truth"]) and not given["broker"] and given["pace"] not in (None, "max"):
            raise click.UsageError("a pace is for a broker: add --broker, or take --pace away")
    elif depth == "days":
        _refuse(given, ("ntp",), "simulated time has time servers of its own")
    elif given["pace"] not in (None, 1.0):
        raise click.UsageError("real sockets run in real time: take --pace away, or take --depth days")


def _refuse(given: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if given[name] not in (None, ()):
            raise click.UsageError(f"{why}: take --{name} away")


def _nodes(depth: str, word: str | None) -> int | None:
    if word is None:
        return None
    if depth == "firmware":
        most, bound = room()
        if word == "fit":
            return most
        if word.isdigit() and int(word) > most:
            raise click.BadParameter(
                f"{word} are more than fit: {most} on this machine, by its {bound}. "
                "Take --nodes fit, or --depth light for thousands.",
                param_hint="--nodes",
            )
    if not word.isdigit() or not int(word):
        raise click.BadParameter(
            f"{word!r} is no number of nodes" + ("; fit is for --depth firmware" if word == "fit" else ""),
            param_hint="--nodes",
        )
    return int(word)


def _light(lights: LightFleet, to: Recorder, given: dict[str, Any], stop: Stop) -> None:
    target = _target(given, None if given["record"] or given["truth"] else HERE)
    pace = given["pace"] or (1.0 if target else "max")
    scenario = lights.scenario
    since = time.time() if pace == 1.0 and covers_now(scenario) else None
    _announce(lights, "light nodes", f"to {target.host}:{target.port}" if target else "to a file")
    began = time.monotonic()
    with bar(scenario.name) as progress:
        messages = light.told(lights, to, stop, progress)
        light.send(messages, target, None if pace == "max" else float(pace), stop, since)
    _tell(lights, to, time.monotonic() - began, stop)


def _days(lights: LightFleet, to: Recorder, given: dict[str, Any], stop: Stop) -> None:
    pace = None if given["pace"] in (None, "max") else float(given["pace"])
    with ExitStack() as stack:
        directory = stack.enter_context(folder(given["directory"]))
        target = _target(given, None)
        if target is None:
            broker = stack.enter_context(LocalBroker())
            target = Target(broker.host, broker.port)
        _announce(lights, "nodes of real firmware in simulated time", f"over {target.host}:{target.port}")
        began = time.monotonic()
        try:
            with bar(lights.scenario.name) as progress:
                lived = days.run(lights, directory, target, _settings(given), pace, stop, progress)
        except ValueError as error:
            raise SimulatorError(str(error)) from error
        for message, behind in days.in_order(lived):
            to.put(message, behind)
        _tell(lights, to, time.monotonic() - began, stop, sum(one.until for one in lived))
        starts = sum(one.starts for one in lived)
        unknown = sum(one.unknown for one in lived)
        click.echo(
            f"{starts} starts of {len(lived)} nodes"
            + (f"; {unknown} readings without truth" if unknown else "")
        )


def _firmware(lights: LightFleet, to: Recorder, given: dict[str, Any], stop: Stop) -> None:
    target = _target(given, HERE)
    assert target is not None
    ahead_s = offset_s(lights.scenario)
    with ExitStack() as stack:
        directory = stack.enter_context(folder(given["directory"]))
        servers: tuple[str, ...] = given["ntp"]
        for server in servers:
            host_port(server, "--ntp")
        if not servers:
            ntp = NtpServer()
            ntp.offset_s = ahead_s
            stack.callback(ntp.start().stop)
            servers = (ntp.address,)
        times = {**days.timing(lights), "warmup_s": 30, **_settings(given)}

        def options(**own: Any) -> NodeOptions:
            return NodeOptions(
                network=lights.scenario.network,
                broker_host=target.host,
                broker_port=target.port,
                user=target.user,
                password=target.password,
                ntp=servers,
                **times,
                **own,
            )

        observer = None
        if given["record"] or given["truth"]:
            observer = Observer(target, lights.scenario.network)
            stack.callback(observer.close)
        try:
            real = RealFleet(lights, directory, options, ahead_s)
        except ValueError as error:
            raise SimulatorError(str(error)) from error
        _announce(lights, "nodes of real firmware", f"to {target.host}:{target.port}; files in {directory}")
        warn_of_no_broker(target.host, target.port)
        began = told = time.monotonic()
        count = len(real.nodes)

        def report() -> None:
            nonlocal told
            if time.monotonic() - told >= REPORT_S:
                told = time.monotonic()
                running, crashes = (
                    sum(getattr(one, what) for one in real.nodes) for what in ("alive", "crashes")
                )
                click.echo(f"{running} of {count} run, {crashes} crashes so far")

        try:
            for one in real.nodes:
                one.start()
            real.live(to, observer, stop, report)
        finally:
            stop_all(real.nodes)
        real.collect(to, observer)
        _tell(lights, to, time.monotonic() - began, stop)
        if real.unknown:
            click.echo(f"{real.unknown} readings came without a time; they have no row of truth")


def _settings(given: dict[str, Any]) -> dict[str, int]:
    """Of config.json, as the command line has them."""
    out = {f"{name}_s": given[name] for name in ("warmup", "window", "health") if given[name] is not None}
    return {**out, "sleep_s": 0} if given["window"] is not None else out


def _announce(lights: LightFleet, what: str, where: str) -> None:
    scenario = lights.scenario
    click.echo(f"{scenario.name}, seed {scenario.seed}: {len(lights.nodes)} {what}, {where}", err=True)
    if what != "light nodes" and left_out(lights):
        click.echo(f"not played at this depth: {', '.join(left_out(lights))}", err=True)


def _tell(lights: LightFleet, to: Recorder, seconds: float, stop: Stop, node_s: float | None = None) -> None:
    """How much it was, and how fast. `node_s`: simulated seconds of all nodes together."""
    count = len(lights.nodes)
    length = lights.scenario.end - lights.scenario.begin
    lived = node_s / count if node_s is not None else min(length, to.lasted) if stop.is_set() else length
    text = f"{count} nodes, {to.count} messages, {to.readings} readings in {seconds:.1f} s{_early(stop)}"
    if lived > 1.5 * seconds:
        text += f"; {lived / max(seconds, 1e-9):,.0f} times real time"
    click.echo(text)


def _tell_truth(to: Recorder) -> None:
    if to.targets[1] is not None:
        click.echo(f"{to.targets[1]}: the truth of {to.readings} readings")


def _early(stop: Stop) -> str:
    return ", ended early" if stop.is_set() else ""
