"""Days without a network, then back: what a node has kept arrives once, in order, with right times.

The node: PMS5003 and BME280, whose readings are the longest, one a minute, settings as they are by default.
While Wi-Fi is off its clock moves by at least STRIDE_MS whenever it waits, so that it looks at its sensors
once or twice a second and not 20 times: all their bytes come, later. Its heap is large and collected when it
is full; day.py is about that.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.days.gateway import Arrival
from simulator.days.world import World
from simulator.options import Fitted
from tests.firmware.days import broker

HOUR, DAY = 3600.0, 86400.0
STRIDE_MS = 900
SENSORS = (Fitted("a", "pms5003", uart=1), Fitted("m", "bme280", i2c=0))
BEFORE_S = 1.2 * HOUR  # with a network: two syncs, so that the drift is known
LONGEST_DRAIN_S = 12 * HOUR
RIGHT_S = 1.5  # `t` is a whole second, and the answer of a time server takes its way


@dataclass
class Outage:
    """How it went. `back`: the simulated second when the network came back."""

    days: float
    back: float
    over: bool  # the outbox came to its end
    born: dict[int, int]  # boot -> last seq
    expected: dict[int, int]  # boot -> readings that a node makes in that time
    arrivals: list[Arrival]
    repeated: int
    thinned: int
    most_bytes: int  # in the outbox
    errors_s: dict[tuple[int, str], float]  # boot and time quality -> the worst error of `t`
    qualities: dict[tuple[int, str], int]
    disorder: list[str]
    log: str = field(repr=False)

    @property
    def missing(self) -> dict[int, list[int]]:
        held = {(one.boot, one.reading["seq"]) for one in self.arrivals}
        gaps = {
            boot: [seq for seq in range(1, last + 1) if (boot, seq) not in held]
            for boot, last in self.born.items()
        }
        return {boot: seqs for boot, seqs in gaps.items() if seqs}

    def drained(self) -> list[Arrival]:
        """What was born without a network and came once it was back."""
        return [one for one in self.arrivals if one.at >= self.back > self._born_at(one)]

    def live(self) -> list[Arrival]:
        """What was born while the rest drained."""
        drained = self.drained()
        end = drained[-1].at if drained else self.back
        return [one for one in self.arrivals if self.back <= self._born_at(one) <= one.at <= end]

    def _born_at(self, one: Arrival) -> float:
        return self.births[one.boot, one.reading["seq"]]

    births: dict[tuple[int, int], float] = field(default_factory=dict, repr=False)

    def verdict(self) -> list[str]:
        """What is wrong; empty when all arrived."""
        wrong = [f"boot {boot}: {len(seqs)} missing, {seqs[:5]}..." for boot, seqs in self.missing.items()]
        if not self.over:
            wrong.append("the outbox did not come to its end")
        for boot, count in self.expected.items():
            if self.born.get(boot, 0) < count:
                wrong.append(f"boot {boot}: {self.born.get(boot, 0)} readings were born, not {count}")
        if self.repeated:
            wrong.append(f"{self.repeated} came twice")
        if self.thinned:
            wrong.append(f"{self.thinned} were thinned")
        for (boot, quality), error in self.errors_s.items():
            if abs(error) > RIGHT_S:
                wrong.append(f"boot {boot}: a time of quality {quality} is wrong by {error:.1f} s")
        for (boot, quality), count in self.qualities.items():
            if quality == "none":
                wrong.append(f"boot {boot}: {count} have no time")
        return wrong + self.disorder[:3]


def live_through(
    days: float,
    *,
    heap: str = "1m",
    tls: bool = False,
    settings: dict[str, Any] | None = None,
    ppm: float = 0.0,
    sensors: Sequence[Fitted] = SENSORS,
    before_s: float = BEFORE_S,
    firmware: Path | None = None,
    watch: Callable[[World], None] = lambda _world: None,
) -> Outage:
    """An outage of so many days; when two thirds of it are over, power fails as well. `watch` is called every
    six simulated hours. Raises NodeError when the node ends."""
    with tempfile.TemporaryDirectory(prefix="dustline-outage-") as folder:
        mosquitto = broker.start(Path(folder), tls)
        try:
            world = World(
                Path(folder) / "node",
                mosquitto.node_port,
                sensors,
                {**mosquitto.settings, **(settings or {})},
                gateway_port=mosquitto.port,
                heap=heap,
                firmware=firmware,
                stride_ms=STRIDE_MS,
                lax=True,
                ppm=ppm,
                judge=broker.judge,
            )
            mosquitto.give_ca(world.flash)
            try:
                return _live(world, days, before_s, watch)
            finally:
                world.close()
        finally:
            mosquitto.stop()


def _live(world: World, days: float, before_s: float, watch: Callable[[World], None]) -> Outage:
    gateway = world.gateway
    back = before_s + days * DAY
    most = 0
    over = False

    def measure() -> None:
        nonlocal most
        most = max(most, sum(file.stat().st_size for file in (world.flash / "outbox").glob("*.seg")))

    def is_over() -> None:
        nonlocal over
        health = [message for at, message in gateway.health if at > back]
        held = {(one.boot, one.reading["seq"]) for one in gateway.arrivals}
        last = {boot: max(seq for b, seq in held if b == boot) for boot in {boot for boot, _ in held}}
        if health and sum(last.values()) == len(held) and last.get(len(world.starts)):
            born = dict(health[-1]["born"])
            over = all(last.get(boot, 0) >= seq for boot, seq in born.items())
            if over:
                world.stop()
                world.cut_power()

    world.at(before_s, lambda: world.wifi(False))
    world.at(before_s + days * DAY * 2 / 3, world.cut_power)
    world.every(600, measure)
    world.every(6 * HOUR, lambda: watch(world))
    world.at(back, lambda: world.wifi(True))
    world.every(60, is_over, back + 300)
    world.run(back + LONGEST_DRAIN_S)
    return _judge(world, days, back, over, most)


def _judge(world: World, days: float, back: float, over: bool, most: int) -> Outage:
    gateway = world.gateway
    starts = {boot: at for boot, (at, _) in enumerate(world.starts, 1)}
    ends = {boot: starts.get(boot + 1, back) for boot in starts}
    born: dict[int, int] = dict(gateway.health[-1][1]["born"]) if gateway.health else {}
    births: dict[tuple[int, int], float] = {}
    errors: dict[tuple[int, str], float] = {}
    for one in gateway.arrivals:
        boot, reading = one.boot, one.reading
        born[boot] = max(born.get(boot, 0), reading["seq"])
        births[boot, reading["seq"]] = birth = starts[boot] + reading["up"]
        if reading["t"] is not None:
            error = reading["t"] - world.truth(birth)
            if abs(error) >= abs(errors.get((boot, reading["tq"]), 0.0)):
                errors[boot, reading["tq"]] = error
    counters = gateway.health[-1][1]["counters"] if gateway.health else {}
    outage = Outage(
        days=days,
        back=back,
        over=over,
        born=born,
        # Of each boot the first comes after warm-up and window, then one a minute; a minute for the pace.
        expected={boot: int((ends[boot] - starts[boot]) / 60) - 2 for boot in starts},
        arrivals=gateway.arrivals,
        repeated=gateway.repeated,
        thinned=counters.get("thinned", 0),
        most_bytes=most,
        errors_s=errors,
        qualities=dict(Counter((one.boot, one.reading["tq"]) for one in gateway.arrivals)),
        disorder=[],
        log=world.log.read_text(errors="replace"),
        births=births,
    )
    for boot in starts:
        # Of the boot at hand, fresh readings overtake what waits: two rows, each in order.
        rows = 2 if boot == len(starts) else 1
        ends_of: list[int] = []
        for seq in [one.reading["seq"] for one in gateway.arrivals if one.boot == boot]:
            row = next((n for n, end in enumerate(ends_of) if end < seq), len(ends_of))
            if row >= rows:
                outage.disorder.append(f"boot {boot}: {seq} came out of order")
            ends_of[row : row + 1] = [seq]
    return outage
