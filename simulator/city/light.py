"""Light virtual nodes: the contract's messages of a whole fleet, as the firmware would send them, without
running it.

Each window gives a reading for each particle sensor, in one message of the node; `health` comes every
health_s, `status` at each boot and `offline` when the node falls silent. Fields stand in the firmware's
order, numbers have its two decimals, flags follow its rules. What a light node leaves out: acks (it sends
once), config, commands, an outbox, warm-up after a boot beyond its 30 s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from simulator.city import fleet
from simulator.city.disagree import Disagreement
from simulator.city.field import City, Truth
from simulator.city.readings import reading_texts
from simulator.city.scenario import Scenario
from simulator.city.seen import Seen, Sensors
from simulator.city.stable import Bools, Floats, Ints

VERSION = "0.1.0"  # of the firmware whose messages these are like
OFFLINE_AFTER_S = 90  # one and a half keepalives: the broker then publishes the last will
BORN_KEPT = 16


class Message(NamedTuple):
    at: float  # Unix seconds at which it is published, by a clock that is right
    topic: str
    payload: bytes
    retain: bool


class TruthRow(NamedTuple):
    """The truth behind one reading, in the middle of its window; `faults`: the kinds that were on then."""

    node: str
    slot: str
    boot: int
    seq: int
    t: int  # end of the window by a clock that is right
    pm25: float
    pm10: float
    temp: float
    rh: float
    faults: str


@dataclass(frozen=True)
class Boot:
    """From one start of a node to its end: rows `first` to before `last` are its windows."""

    number: int
    at: float
    until: float
    first: int
    last: int


class Block(NamedTuple):
    """Some rows of windows: arrays of shape (rows, units)."""

    first: int
    ends: Ints  # Unix seconds of the windows' ends, by a clock that is right
    true: Truth
    seen: Seen
    disagree: Bools


class LightFleet:
    """The nodes of a scenario. No block depends on another: any part of the time can be had alone."""

    def __init__(self, scenario: Scenario) -> None:
        """Raises ValueError for a fault of a node or slot that the fleet does not have."""
        self.scenario = scenario
        self.city = City(scenario.seed, scenario.event)
        self.nodes = fleet.plan(scenario)
        self.units = fleet.units(self.nodes)
        self.faults = fleet.faults(scenario, self.nodes)
        self.sensors = Sensors(self.city, self.units, self.faults)
        self.period, self.window = scenario.fleet.period_s, scenario.fleet.window
        self.rows = max(0, (scenario.end - scenario.begin) // self.period - 1)
        by_name = {node.name: node for node in self.nodes}
        self.phases = np.array([by_name[unit.node].phase_s for unit in self.units], dtype=np.int64)
        self.boots = {node.name: self._boots(node) for node in self.nodes}
        self._slots = [unit.slot for unit in self.units]
        # Nodes with one boot for the whole time.
        self._whole = {
            name: boots[0]
            for name, boots in self.boots.items()
            if len(boots) == 1 and not boots[0].first and boots[0].last == self.rows
        }
        self.columns: dict[str, list[int]] = {}
        for number, unit in enumerate(self.units):
            self.columns.setdefault(unit.node, []).append(number)
        self._by_phase = sorted(self.nodes, key=lambda node: (node.phase_s, node.name))
        self._judge = Disagreement(self)
        self._topics = {
            (node.name, kind): fleet.topic(scenario.network, node.name, kind)
            for node in self.nodes
            for kind in ("readings", "status", "health")
        }

    def block(self, first: int, rows: int) -> Block:
        """Windows `first` to before `first + rows`."""
        ends = self.ends(first, rows)
        middles = self.middles(ends)
        true = self.sensors.spots.truth(middles)
        seen = self.sensors.see(middles, self.window, true)
        return Block(first, ends, true, seen, self._judge.of(first, rows, seen))

    def middles(self, ends: Ints) -> Floats:
        return ends.astype(np.float64) - 0.5 * self.window

    def ends(self, first: int, rows: int) -> Ints:
        steps = np.arange(first + 1, first + rows + 1, dtype=np.int64) * self.period
        return self.scenario.begin + steps[:, None] + self.phases[None, :]

    def messages(self, block_rows: int = 60) -> Iterator[tuple[Message, list[TruthRow]]]:
        """All messages in the order of time, each with the truth behind its readings."""
        states = self._states()
        at = 0
        for first in range(0, self.rows, block_rows):
            for found in self._of_block(self.block(first, min(block_rows, self.rows - first))):
                while at < len(states) and states[at].at <= found[0].at:
                    yield states[at], []
                    at += 1
                yield found
        yield from ((message, []) for message in states[at:] if message.at <= self.scenario.end)

    def _states(self) -> list[Message]:
        """Every `status` there will be: a node's at each boot, and the broker's last will in its name."""
        out: list[Message] = []
        for node in self.nodes:
            for boot in self.boots[node.name]:
                out.append(self._online(node, boot, "power"))
                if boot.until < self.scenario.end:
                    payload = b'{"v":1,"online":false}'
                    gone = boot.until + float(OFFLINE_AFTER_S)
                    out.append(Message(gone, self._topic(node, "status"), payload, True))
        return sorted(out)

    def _of_block(self, block: Block) -> Iterator[tuple[Message, list[TruthRow]]]:
        texts = reading_texts(self, block)
        truths = _rounded(block.true)
        rows = len(block.ends)
        ends = block.ends.tolist()
        clocks = np.rint(block.seen.clock_s).astype(np.int64).tolist()
        # What the loops ask for each reading, once.
        window, health_s, faulty = self.window, self.scenario.fleet.health_s, self.sensors.faults
        known = [
            (node, self.columns[node.name], self._whole.get(node.name), self._topic(node, "readings"))
            for node in self._by_phase
        ]
        for row in range(rows):
            at = block.first + row
            end_of, ahead_of = ends[row], clocks[row]
            for node, own, whole, topic in known:
                boot = whole or self._boot_of(node, at)
                if boot is None:
                    continue
                end, ahead = end_of[own[0]], ahead_of[own[0]]
                seq = (at - boot.first) * len(own) + 1
                up = end - int(boot.at)
                head = f'"t":{end + ahead},"tq":"{"held" if ahead else "ntp"}","up":{up},"dt":{window},'
                parts: list[str] = []
                behind: list[TruthRow] = []
                for column in own:
                    parts.append(f'{{"seq":{seq},{head}{texts[column][row]}')
                    broken = self.broken(column, end - 0.5 * window) if column in faulty else ""
                    behind.append(
                        TruthRow(
                            node.name,
                            self._slots[column],
                            boot.number,
                            seq,
                            end,
                            *truths[column][row],
                            broken,
                        )
                    )
                    seq += 1
                payload = f'{{"v":1,"boot":{boot.number},"readings":[{",".join(parts)}]}}'
                yield Message(end + 1.0, topic, payload.encode(), False), behind
                if up // health_s > (up - self.period) // health_s:
                    yield self._health(node, boot, at, end, end + ahead, block, row), []

    def _topic(self, node: fleet.Node, kind: str) -> str:
        return self._topics[node.name, kind]

    def broken(self, column: int, middle: float) -> str:
        """The kinds of faults that a unit has at that time, with spaces between."""
        faults = self.sensors.faults.get(column)
        return " ".join(fault.kind for fault in faults if fault.covers(middle)) if faults else ""

    def _boots(self, node: fleet.Node) -> list[Boot]:
        """Silence ends a boot; a new one begins with its end."""
        silences = sorted((f.begin, f.end) for f in self.faults if f.node == node.name and f.kind == "silent")
        out: list[Boot] = []
        at = float(self.scenario.begin - fleet.WARM_UP_S)
        zero = self.scenario.begin + self.period + node.phase_s  # end of row 0
        for begin, end in [*silences, (float(self.scenario.end), float("inf"))]:
            if begin < at:  # silences that overlap
                at = max(at, end)
                continue
            first = max(0, int(-(-(at + fleet.WARM_UP_S + self.window - zero) // self.period)))
            last = min(self.rows, int((begin - zero) // self.period) + 1)
            if last > first or not out:
                out.append(Boot(node.first_boot + len(out), at, begin, first, max(first, last)))
            at = end
        return out

    def _boot_of(self, node: fleet.Node, row: int) -> Boot | None:
        return next((boot for boot in self.boots[node.name] if boot.first <= row < boot.last), None)

    def _online(self, node: fleet.Node, boot: Boot, reset: str) -> Message:
        status = {
            "v": 1,
            "online": True,
            "boot": boot.number,
            "fw": VERSION,
            "reset": reset,
            "config": 0,
            "mode": "normal",
            "sensors": [{"slot": slot, "model": model} for slot, model in node.slots],
        }
        return Message(boot.at + 5.0, self._topic(node, "status"), _json(status), True)

    def _health(
        self, node: fleet.Node, boot: Boot, at: int, end: int, t: int, block: Block, row: int
    ) -> Message:
        own = self.columns[node.name]
        up = end - int(boot.at)
        rows = at - boot.first + 1
        born = [[one.number, (one.last - one.first) * len(own)] for one in self.boots[node.name]]
        born = [[boot.number, rows * len(own)], *[old for old in born[::-1] if old[0] < boot.number]]
        sensors: list[dict[str, Any]] = []
        for column, (slot, model) in zip(own, node.slots, strict=False):
            unit = self.units[column]
            silent = bool(block.seen.no_frame[row, column])
            frames = int(self.sensors.frames(self.window)[column]) * rows
            hours = round((end - unit.born) / 3600.0, 3)
            state = "silent" if silent else "ok"
            errors = {"resync": 1} if silent else {}
            sensors.append(
                {
                    "slot": slot,
                    "model": model,
                    "frames": frames,
                    "errors": errors,
                    "state": state,
                    "laser_h": hours,
                }
            )
        if node.kit.climate:
            slot, model = node.slots[-1]
            failed = bool(block.seen.climate_error[row, own[0]])
            sensors.append(
                {
                    "slot": slot,
                    "model": model,
                    "frames": up // 5,
                    "errors": {"no_ack": 12} if failed else {},
                    "state": "failed" if failed else "ok",
                }
            )
        health = {
            "v": 1,
            "boot": boot.number,
            "up": up,
            "t": t,
            "heap_free": 61440,
            "rssi": node.rssi - at % 3,
            "reset": "power",
            "mode": "normal",
            "measuring": True,
            "born": born[:BORN_KEPT],
            "outbox": {"depth": 0, "bytes": 0, "aside": 0},
            "sensors": sensors,
            "counters": {"mqtt_connects": 1, "ntp_syncs": 1 + up // 21600, "thinned": 0, "crashes": 0},
            "clock": {"age_s": up % 21600},
        }
        return Message(end + 1.0, self._topic(node, "health"), _json(health), False)


def _rounded(true: Truth) -> list[list[tuple[float, float, float, float]]]:
    """(pm25, pm10, temp, rh) by unit and row, three decimals."""
    pm25, pm10, temp, rh = (
        (np.rint(part.T * 1000.0) / 1000.0 + 0.0).tolist()
        for part in (true.pm25, true.pm10, true.temp, true.rh)
    )
    return [list(zip(*unit, strict=True)) for unit in zip(pm25, pm10, temp, rh, strict=True)]


def _json(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(", ", ": ")).encode()
