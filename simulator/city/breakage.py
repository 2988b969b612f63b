"""What each kind of fault does to the arrays of what is seen: the table of faults.py, in code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.city.stable import Floats, mixed, ramp, uniform

if TYPE_CHECKING:
    from simulator.city.faults import Fault
    from simulator.city.field import Truth
    from simulator.city.seen import Seen, Sensors

RESIDUE = {"sds": 0.1, "plantower": 0.0, "sensirion": 0.05}  # ug/m3 of noise when no air passes
PARTS = ("pm1", "pm25", "pm10")


class Where(NamedTuple):
    """One fault in one block: rows `rows` of column `number` of the arrays."""

    sensors: Sensors
    fault: Fault
    number: int
    rows: slice | np.ndarray[tuple[int], np.dtype[np.bool_]]
    times: Floats  # of these rows
    true: Truth
    seen: Seen
    window_s: float

    def scale(self, factor: Floats | float) -> None:
        for name in PARTS:
            getattr(self.seen, name)[self.rows, self.number] *= factor
        self.seen.sd25[self.rows, self.number] *= factor
        self.seen.sd10[self.rows, self.number] *= factor

    def draws(self, purpose: int) -> Floats:
        """Evenly in [0, 1), for each row."""
        key = self.sensors.units.keys[self.number] ^ np.uint64(purpose)
        return uniform(mixed(np.array([key]), np.rint(self.times * 10.0)))

    def put(self, name: str, value: Floats | float | bool) -> None:
        getattr(self.seen, name)[self.rows, self.number] = value


def spoil(sensors: Sensors, times: Floats, true: Truth, seen: Seen, window_s: float) -> None:
    """Apply to `seen` all faults that cover any of `times`, in the order of their onset."""
    for number, faults in sensors.faults.items():
        column = times[:, number if times.shape[1] > 1 else 0]
        for fault in faults:
            rows = (column >= fault.begin) & (column < fault.end)
            if rows.any():
                EFFECTS[fault.kind](Where(sensors, fault, number, rows, column[rows], true, seen, window_s))


def frozen_values(sensors: Sensors, fault: Fault, number: int, window_s: float) -> tuple[float, float, float]:
    """What a unit measured in its last window before the fault, faults before that included."""
    from simulator.city.seen import Sensors as Fleet  # seen.py imports this file

    earlier = [one for one in sensors.faults[number] if one.begin < fault.begin]
    one = Fleet(sensors.city, [sensors.units.all[number]], earlier)
    seen = one.see(np.array([[fault.begin - 0.5 * window_s - 1.0]]), window_s)
    return float(seen.pm1[0, 0]), float(seen.pm25[0, 0]), float(seen.pm10[0, 0])


def _stuck(w: Where) -> None:
    values = w.sensors.frozen(w.fault, w.number, w.window_s)
    step = w.sensors.units.models[w.number].step
    for name, value in zip(PARTS, values, strict=True):
        w.put(name, round(value / step) * step)  # it repeats a frame, not a mean
    _still(w)


def _still(w: Where) -> None:
    w.put("sd25", 0.0)
    w.put("sd10", 0.0)
    w.put("frozen_s", w.times + 0.5 * w.window_s - w.fault.begin)


def _clogged(w: Where) -> None:
    if w.fault.strength < 1.0:
        w.scale(1.0 - w.fault.strength)
        return
    residue = RESIDUE[w.sensors.units.models[w.number].family]
    if not residue:
        for name in PARTS:
            w.put(name, 0.0)
        _still(w)
        return
    for name in PARTS:
        w.put(name, residue * w.draws(11))
    w.put("sd25", residue)
    w.put("sd10", residue)


def _clogging(w: Where) -> None:
    share = (w.times - w.fault.begin) / (w.fault.end - w.fault.begin)
    w.scale(1.0 - w.fault.strength * share)


def _saturated(w: Where) -> None:
    model = w.sensors.units.models[w.number]
    for name, top in (("pm1", model.top25), ("pm25", model.top25), ("pm10", model.top10)):
        w.put(name, top)
    w.put("saturated", True)
    _still(w)


def _spikes(w: Where) -> None:
    strikes = w.draws(21) < w.fault.strength
    w.scale(np.where(strikes, 3.0 + 17.0 * w.draws(22), 1.0))


def _offset(w: Where) -> None:
    for name in PARTS:
        values = getattr(w.seen, name)
        values[w.rows, w.number] = np.maximum(0.0, values[w.rows, w.number] + w.fault.strength)


def _gain(w: Where) -> None:
    w.scale(w.fault.strength)


def _dead(w: Where) -> None:
    w.put("no_frame", True)


def _condensation(w: Where) -> None:
    wet = ramp(w.true.rh[w.rows, w.number], 65.0, 98.0)
    w.scale(1.0 + w.fault.strength * (0.1 + 0.9 * wet))
    w.put("rh", 100.0)
    w.put("wet_s", w.times + 0.5 * w.window_s - w.fault.begin)


def _clock(w: Where) -> None:
    w.put("clock_s", w.fault.strength)


def _silent(w: Where) -> None:
    w.put("off", True)


def _garbage(w: Where) -> None:
    top = w.sensors.units.models[w.number].top25
    fine = top * w.draws(31) * w.draws(32)
    w.put("pm25", fine)
    w.put("pm1", fine * w.draws(33))
    w.put("pm10", fine + 300.0 * w.draws(34))
    w.put("sd25", fine * 0.5)
    w.put("sd10", fine * 0.6)


def _climate(w: Where) -> None:
    w.put("climate_error", True)


EFFECTS: dict[str, Callable[[Where], None]] = {
    "stuck": _stuck,
    "clogged": _clogged,
    "clogging": _clogging,
    "saturated": _saturated,
    "spikes": _spikes,
    "offset": _offset,
    "gain": _gain,
    "dead": _dead,
    "condensation": _condensation,
    "clock": _clock,
    "silent": _silent,
    "units": _gain,
    "garbage": _garbage,
    "climate": _climate,
}
