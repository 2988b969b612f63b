"""The truth behind what real firmware sends, worked out when it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.city.fleet import Node
from simulator.city.light import LightFleet, TruthRow
from simulator.city.seen import Sensors

# When the window of a reading of that boot ended: Unix seconds by a clock that is right; None: nobody knows.
EndOf = Callable[[int, dict[str, Any]], float | None]


class Behind:
    """Of one node. `unknown`: readings whose window's time nobody could tell."""

    def __init__(self, lights: LightFleet, node: Node) -> None:
        self._lights, self._node = lights, node
        self._columns = {lights.units[column].slot: column for column in lights.columns[node.name]}
        self._spots = {
            slot: Sensors(lights.city, [lights.units[column]]).spots for slot, column in self._columns.items()
        }
        self._known: set[tuple[int, int]] = set()
        self.unknown = 0

    def rows(self, body: dict[str, Any], end_of: EndOf) -> list[TruthRow]:
        """Of a message of readings; a reading that came before has none."""
        boot = int(body["boot"])
        out: list[TruthRow] = []
        for reading in body["readings"]:
            seq, slot = int(reading["seq"]), str(reading["slot"])
            if (boot, seq) in self._known or slot not in self._columns:
                continue
            end = end_of(boot, reading)
            if end is None:
                self.unknown += 1
                continue
            self._known.add((boot, seq))
            middle = end - 0.5 * float(reading["dt"])
            true = self._spots[slot].truth(np.array([[middle]]))
            pm25, pm10, temp, rh = (
                round(float(part[0, 0]), 3) for part in (true.pm25, true.pm10, true.temp, true.rh)
            )
            broken = self._lights.broken(self._columns[slot], middle)
            out.append(TruthRow(self._node.name, slot, boot, seq, round(end), pm25, pm10, temp, rh, broken))
        return out
