"""The measuring part of a Plantower sensor: fan, laser, masses and counts, the same on UART and on I2C.

From the data manuals of PMS5003 V2.3 (2016), PMS7003 V2.5 and PMSA003I V2.6, which agree here. What the
manuals leave open is marked as a judgement.
Ageing: a mean time to failure of 3 years or more. The loss in that time is after deSouza et al. 2023
(Environ. Sci.: Atmos. 3, 521, doi 10.1039/d2ea00142j): 0.12 ug/m3 a year over thousands of PurpleAirs, which
is 1 % where the air holds 12 ug/m3.
"""

from __future__ import annotations

from simulator.sensors.base import Device
from simulator.sensors.unit import Unit

FIRST_S = 1.8  # from the fan's start to the first values; a judgement
STEADY_S = 2.3  # between values, "stable mode"
FAST_SLOWEST_S, FAST_S = 0.8, 0.2  # "fast mode", while the concentration changes; shorter with more dust
FAST_AT = 500.0  # ug/m3 of PM2.5 at which it is shortest; a judgement
SPIN_UP_S = 5.0  # a judgement
FAN_ERROR = 0x02  # the manuals do not name the bits; devices show a non-zero byte while the fan starts
MAX_MASS = 3000  # the manuals promise 1000 at least; a judgement
MAX_COUNT = 0xFFFF
LOSS, LIFE_H = 0.03, 3 * 8766.0


class Chamber:
    """Belongs to `device`, whose air, faults, chance and age it uses. `fast` keeps to the fastest rate."""

    def __init__(self, device: Device, unit: Unit | None, fast: bool, steady_s: float = STEADY_S) -> None:
        self.device = device
        self.fast = fast
        self.steady_s = steady_s
        # +/-10 ug/m3 up to 100, +/-10 % above ("maximum consistency error").
        self.unit = unit or Unit.draw(device.random, share=0.10, absolute=10, loss=LOSS, life_h=LIFE_H)
        self.masses: tuple[float, float, float] = (0.0, 0.0, 0.0)
        self.fan_since = 0.0
        self.next = 0.0  # when the next values are due

    def start(self, now: float) -> None:
        self.masses = (0.0, 0.0, 0.0)
        self.fan_since = now
        self.next = now + FIRST_S

    def measure(self) -> float:
        """Take the values that are due. Returns when they were due."""
        due = self.next
        before = self.masses[1]
        self._take(due)
        now = self.masses[1]
        if self.fast:
            interval = FAST_S
        elif abs(now - before) > max(2.0, 0.1 * before):
            interval = FAST_SLOWEST_S - (FAST_SLOWEST_S - FAST_S) * min(1.0, now / FAST_AT)
        else:
            interval = self.steady_s
        self.next = due + interval
        self.device.age_h += interval / 3600
        return due

    def _take(self, at: float) -> None:
        device, faults = self.device, self.device.faults
        if faults.stuck:
            return
        if faults.saturated:
            self.masses = (MAX_MASS, MAX_MASS, MAX_MASS)
        elif faults.clogged or faults.fan_error:
            # Small amounts are reported as zero (Wallace 2022, doi 10.3390/s22072755), so no residue.
            self.masses = (0.0, 0.0, 0.0)
        else:
            fan_s = at - self.fan_since
            pm1, pm25, pm10 = (
                self.unit.measure(truth, fan_s, device.random, device.age_h) for truth in device.air(at)
            )
            self.masses = (min(pm1, pm25), pm25, max(pm25, pm10))

    def error(self, at: float) -> int:
        """The error byte."""
        return FAN_ERROR if self.device.faults.fan_error or at - self.fan_since < SPIN_UP_S else 0

    def words(self) -> list[int]:
        """CF=1 and atmospheric PM1, PM2.5, PM10, then the six counts."""
        masses = self.masses
        standard = [min(MAX_MASS, round(_standard(mass))) for mass in masses]
        ambient = [min(MAX_MASS, round(mass)) for mass in masses]
        counts = [MAX_COUNT] * 6 if self.device.faults.saturated else _counts(masses)
        return standard + ambient + counts


def _standard(ambient: float) -> float:
    """CF=1 from the atmospheric value: equal up to 30 ug/m3, then above it, in the end by half.

    The manual gives no relation; this follows what devices are commonly seen to send.
    """
    above = max(0.0, ambient - 30)
    return ambient + min(3 * above, 10 + above / 2)


def _counts(masses: tuple[float, float, float]) -> list[int]:
    """Particles per 0.1 L above 0.3, 0.5, 1, 2.5, 5 and 10 um: a made-up but steady size distribution."""
    pm1, pm25, pm10 = masses
    middle, coarse = pm25 - pm1, pm10 - pm25
    per_size = (110 * pm1, 40 * pm1, 8 * middle, 2.0 * coarse, 0.6 * coarse, 0.3 * coarse)
    total = 0.0
    counts: list[int] = []
    for number in reversed(per_size):
        total += number
        counts.append(min(MAX_COUNT, round(total)))
    return counts[::-1]
