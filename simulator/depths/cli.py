"""`dustline sim fleet`: the nodes of a scenario, at one of three depths.

numpy is imported when the command is called: the other commands of `dustline sim` do without.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.runtime import SimulatorError

if TYPE_CHECKING:
    from simulator.city.light import LightFleet
    from simulator.city.record import Recorder
    from simulator.depths.output import Stop
    from simulator.depths.target import Target

HERE = "127.0.0.1:1883"
REPORT_S = 5.0
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
    type=click.Path(path_type=Path),
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

    try:
        if replay is not None:
            _replay(replay, given)
        else:
            _run(depth, given)
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


def host_port(text: str) -> tuple[str, int]:
    """Raises BadParameter."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"{text!r} is not HOST:PORT, for instance {HERE}")
    return host, int(port)


def _target(given: dict[str, Any], default: str | None) -> Target | None:
    from simulator.depths.target import Target

    where = given["broker"] or default
    return Target(*host_port(where), given["user"], given["password"]) if where else None


def _replay(path: Path, given: dict[str, Any]) -> None:
    from simulator.city.record import RecordingError, heading, replay
    from simulator.depths import light
    from simulator.depths.output import bar, ctrl_c

    of_a_fleet = [
        name for name in (*OF_A_SCENARIO, *OF_FIRMWARE, "record", "truth", "directory") if given[name]
    ]
    if of_a_fleet:
        raise click.UsageError(f"--replay sends what is in the file: take --{of_a_fleet[0]} away")
    try:
        head = heading(path)
        if "recording" not in head:
            raise RecordingError(f"{path}: holds the truth; give the other file of the pair")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error})") from error
    length = max(1.0, head["end"] - head["start"])
    with ctrl_c() as stop, bar("replay") as progress:

        def passing() -> Generator[Any, None, None]:
            for message in replay(path):
                progress((message.at - head["start"]) / length)
                yield message

        pace = None if given["pace"] == "max" else given["pace"] or 1.0
        count = light.send(passing(), _target(given, HERE), pace, stop)
    click.echo(f"{path}: {count} messages of {len(head['nodes'])} nodes sent{_early(stop)}")


OF_A_SCENARIO = ("scenario", "nodes", "seed", "hours", "start", "network")
OF_FIRMWARE = ("warmup", "window", "health", "ntp")


def _run(depth: str, given: dict[str, Any]) -> None:
    from simulator.city.light import LightFleet
    from simulator.city.record import Recorder, truth_path
    from simulator.city.scenario import ScenarioError
    from simulator.depths.output import ctrl_c
    from simulator.depths.plan import scenario_of

    nodes = _nodes(depth, given["nodes"])
    if depth == "light":
        wrong = next((name for name in (*OF_FIRMWARE, "directory") if given[name]), None)
        if wrong:
            raise click.UsageError(
                f"light nodes run no firmware: take --{wrong} away, or write the scenario so"
            )
    if depth == "firmware" and given["pace"] not in (None, 1.0):
        raise click.UsageError(
            "real firmware over real sockets runs in real time: take --pace away, or --depth days"
        )
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


def _nodes(depth: str, word: str | None) -> int | None:
    if word is None:
        return None
    room = None
    if depth == "firmware":
        from simulator.depths.firmware import room as room_here

        room, bound = room_here()
        if word == "fit":
            return room
        if word.isdigit() and int(word) > room:
            raise click.BadParameter(
                f"{word} are more than fit: {room} on this machine, by its {bound}. "
                "Take --nodes fit, or --depth light for thousands.",
                param_hint="--nodes",
            )
    if not word.isdigit() or not int(word):
        raise click.BadParameter(
            f"{word!r} is no number of nodes" + ("" if room else "; fit is for --depth firmware"),
            param_hint="--nodes",
        )
    return int(word)


def _light(lights: LightFleet, to: Recorder, given: dict[str, Any], stop: Stop) -> None:
    from simulator.depths import light
    from simulator.depths.output import bar
    from simulator.depths.plan import covers_now

    target = _target(given, None if given["record"] or given["truth"] else HERE)
    pace = given["pace"] or (1.0 if target else "max")
    if target is None and pace != "max":
        raise click.UsageError("a pace is for a broker: add --broker, or take --pace away")
    scenario = lights.scenario
    since = time.time() if pace == 1.0 and covers_now(scenario) else None
    _announce(lights, "light nodes", f"to {target.host}:{target.port}" if target else "to a file")
    began = time.monotonic()
    with bar(scenario.name) as progress:
        messages = light.told(lights, to, stop, progress)
        light.send(messages, target, None if pace == "max" else float(pace), stop, since)
    _tell(lights, to, time.monotonic() - began, stop)


def _days(lights: LightFleet, to: Recorder, given: dict[str, Any], stop: Stop) -> None:
    from simulator.depths import days
    from simulator.depths.output import bar
    from simulator.depths.target import Target
    from simulator.local_broker import LocalBroker

    if given["ntp"]:
        raise click.UsageError("simulated time has its own time servers: take --ntp away")
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
    from simulator.depths.days import timing
    from simulator.depths.firmware import Observer, RealFleet
    from simulator.depths.plan import offset_s
    from simulator.fleet import stop_all
    from simulator.ntp import NtpServer
    from simulator.options import NodeOptions

    target = _target(given, HERE)
    assert target is not None
    ahead_s = offset_s(lights.scenario)
    with ExitStack() as stack:
        directory = stack.enter_context(folder(given["directory"]))
        servers: tuple[str, ...] = given["ntp"]
        for server in servers:
            host_port(server)
        if not servers:
            ntp = NtpServer()
            ntp.offset_s = ahead_s
            stack.callback(ntp.start().stop)
            servers = (ntp.address,)
        times = {**timing(lights), "warmup_s": 30, **_settings(given)}

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


def warn_of_no_broker(host: str, port: int) -> None:
    import socket

    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        click.echo(
            f"nothing answers at {host}:{port} yet ({error}); nodes keep their readings and try on", err=True
        )


def _settings(given: dict[str, Any]) -> dict[str, int]:
    """Of config.json, as the command line has them."""
    out = {f"{name}_s": given[name] for name in ("warmup", "window", "health") if given[name] is not None}
    return {**out, "sleep_s": 0} if given["window"] is not None else out


@contextmanager
def folder(given: Path | None) -> Generator[Path, None, None]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="dustline-sim-") as temporary:
        yield Path(temporary)


def _announce(lights: LightFleet, what: str, where: str) -> None:
    from simulator.depths.troubles import left_out

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
