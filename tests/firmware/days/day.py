"""A day in a small heap: TLS, the largest set of sensors, a full outbox, and whatever happens to a node."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.days.world import Heap, NodeError, World
from simulator.options import Fitted
from simulator.sensors.faults import Faults
from tests.firmware.days import broker

HOUR = 3600.0
LARGEST_SET = (
    Fitted("a", "sds011", uart=1),
    Fitted("b", "pms5003", uart=2),
    Fitted("m", "bme280", i2c=0),
)
# Bytes. What a collection finds alive differs from look to look, as a node is never twice at the same point
# of its work, and old words on the stack may look like pointers. So an hour has several looks, and the least
# of them counts: what leaks is in all of them.
BREATH = 512
# A batch that waits for the gateway lies in the heap, a connection that is not there does not. So like is
# compared with like.
STATES = ("calm", "unheard", "offline")
LOOKS = 12  # in an hour
LONGEST_FILL_S = 100000.0
BAD = {"byte_loss": 0.002, "bit_flip": 0.002, "garbage": 0.05, "crc_error": 0.02, "nack": 0.02}


@dataclass
class Day:
    """How a day went; it began at the simulated second `begin`. `hour` is a 24th of it."""

    begin: float
    seconds: float
    looks: list[Heap]
    depths: dict[float, int]  # simulated second -> readings that wait, as health said
    counters: dict[str, int]
    prefilled: int
    arrivals: int
    repeated: int
    missing: int
    replies: list[dict[str, Any]]
    broken: list[str]
    starts: list[tuple[float, str]]
    log: str = field(repr=False)

    def alive(self, hour: int) -> int:
        """The least that was alive in that hour, counted from 1."""
        return min(look.alive for look in self.hour(hour))

    def hour(self, hour: int) -> list[Heap]:
        length = self.seconds / 24
        return [look for look in self.looks if hour - 1 <= (look.at - self.begin) / length < hour]

    def growth(self) -> dict[str, int]:
        """By state of the node, bytes: how far the heap rose at most after the first hour in that state, of
        those from hour 2 on. What an hour has alive is its least, of two looks and more."""
        growth: dict[str, int] = {}
        first: dict[str, int] = {}
        for hour in range(3, 25):
            for state in STATES:
                alive = [look.alive for look in self.hour(hour) if look.state == state]
                if len(alive) < 2:
                    continue
                base = first.setdefault(state, min(alive))
                growth[state] = max(growth.get(state, 0), min(alive) - base)
        return growth

    def between_halves(self) -> int:
        """By how much the second half's most was above the first's, bytes: of a short day, whose hours are
        too short to have all that happens in them."""
        first, second = (max(map(self.alive, hours)) for hours in (range(2, 13), range(13, 25)))
        return second - first


def live_a_day(
    hours: float = 24.0,
    *,
    heap: str = "128k",
    tls: bool = True,
    outbox_kb: int = 1024,
    fill: float = 0.9,
    looks: int = LOOKS,
    leak: bool = False,
    stride_ms: int = 0,
    firmware: Path | None = None,
    watch: Callable[[Heap], None] = lambda _look: None,
) -> Day:
    """A whole day, or `hours` into which all of it is pressed. `fill`: the share of the outbox that readings
    of an earlier boot take at the begin. `looks`: at the heap, each hour; `leak`: at each of them the node
    keeps 256 bytes. Raises NodeError when the node ends."""
    with tempfile.TemporaryDirectory(prefix="dustline-day-") as folder:
        mosquitto = broker.start(Path(folder), tls)
        try:
            return _live(
                Path(folder), mosquitto, hours, heap, outbox_kb, fill, looks, leak, stride_ms, firmware, watch
            )
        finally:
            mosquitto.stop()


def _live(
    folder: Path,
    mosquitto: broker.Broker,
    hours: float,
    heap: str,
    outbox_kb: int,
    fill: float,
    looks: int,
    leak: bool,
    stride_ms: int,
    firmware: Path | None,
    watch: Callable[[Heap], None],
) -> Day:
    settings = {**mosquitto.settings, "outbox_kb": outbox_kb}
    world = World(
        folder / "node",
        mosquitto.node_port,
        LARGEST_SET,
        {**settings, "warmup_s": 5, "window_s": 1},
        gateway_port=mosquitto.port,
        heap="1m",
        firmware=firmware,
        stride_ms=900,
        lax=True,
        watch=watch,
        judge=broker.judge,
    )
    mosquitto.give_ca(world.flash)
    try:
        _fill_outbox(world, fill * outbox_kb * 1024)
        prefilled = _held(world)
        world.configure(settings)
        world.heap, world.stride_ms, world.lax = heap, stride_ms, False
        begin = world.now()
        world.leak = leak
        _plan(world, begin, hours, looks)
        world.run(begin + hours * HOUR + 120)
    finally:
        world.close()
    gateway = world.gateway
    health = [message for at, message in gateway.health if at >= begin]
    held = {(one.boot, one.reading["seq"]) for one in gateway.arrivals}
    born = dict(health[-1]["born"]) if health else {}
    for boot, seq in held:
        born[boot] = max(seq, born.get(boot, 0))
    return Day(
        begin=begin,
        seconds=hours * HOUR,
        looks=[look for look in world.looks if look.at >= begin],
        depths={at: message["outbox"]["depth"] for at, message in gateway.health if at >= begin},
        counters=health[-1]["counters"] if health else {},
        prefilled=prefilled,
        arrivals=len(gateway.arrivals),
        repeated=gateway.repeated,
        missing=sum(last for last in born.values()) - len(held),
        replies=gateway.replies,
        broken=gateway.broken,
        starts=world.starts,
        log=world.log.read_text(errors="replace"),
    )


def _held(world: World) -> int:
    """Bytes in the outbox."""
    return sum(path.stat().st_size for path in (world.flash / "outbox").glob("*.seg"))


def _fill_outbox(world: World, most: float) -> None:
    """Let the node itself fill its outbox, a reading of each sensor a second, once it knows the time."""
    world.gateway.away = True
    world.at(20, lambda: world.wifi(False))

    def enough() -> None:
        if _held(world) >= most:
            world.cut_power()
            world.stop()

    world.every(10, enough)
    world.run(LONGEST_FILL_S)
    if world.now() >= LONGEST_FILL_S:
        raise NodeError(f"the outbox does not fill: {_held(world)} bytes\n{world.last_words()}")
    world.forget_events()
    world.wifi(True)
    world.gateway.away = False


def _plan(world: World, begin: float, hours: float, looks: int) -> None:
    """What happens in the day. In a shorter one the same happens, sooner; each thing in both its halves."""
    part = hours / 24 * HOUR

    def at(hour: float, what: Callable[[], object]) -> None:
        world.at(begin + hour * part, what)

    for number in range(24 * looks):
        at((number + 0.5) / looks, world.look)
    gateway = world.gateway
    at(3, lambda: setattr(gateway, "away", True))
    at(5, lambda: setattr(gateway, "away", False))
    at(16.5, lambda: setattr(gateway, "away", True))
    at(17.5, lambda: setattr(gateway, "away", False))
    for hour, off_s in ((0.5, 90), (1.5, 300), (6.2, 120), (10.1, 1200), (14.3, 90), (18.4, 600), (22.2, 90)):
        at(hour, lambda: world.wifi(False))
        world.at(begin + hour * part + off_s * hours / 24, lambda: world.wifi(True))
    for hour in (0.8, 7.3, 15.3):
        at(hour, world.net.cut)
    for hour, version in ((1.1, 1), (12.2, 2), (19.2, 3)):
        at(hour, lambda version=version: gateway.send("config", _settings(version), retain=True))
    for hour, what in ((1.3, "selftest"), (1.4, "identify"), (5.6, "selftest"), (16.1, "identify")):
        at(hour, lambda what=what: gateway.send("command", _command(world, what)))
    for hour, faults in ((1.6, BAD), (1.9, {}), (8.1, BAD), (8.9, {}), (20.1, BAD), (20.9, {})):
        at(hour, lambda faults=faults: _make_bad(world, faults))


def _settings(version: int) -> dict[str, Any]:
    return {"version": version, "settings": {"health_s": 300 + 300 * (version % 2)}}


def _command(world: World, what: str) -> dict[str, Any]:
    return {"id": f"day-{int(world.now())}", "t": int(world.truth()), "do": what}


def _make_bad(world: World, faults: dict[str, float]) -> None:
    for device in world.chip.devices.values():
        device.faults = Faults(**faults)
