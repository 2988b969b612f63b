"""Sensirion SPS30: the device behind both of its interfaces, from its datasheet version 2.0 (June 2023).

Section 4.1: idle, measuring, sleep; sleep only from idle and waking only into idle. Start-up times, table 1;
values once a second, as floats or 16-bit integers (4.3); fan cleaning for 10 s, by itself every 604800 s of
measurement unless set otherwise (4.2); device status register (4.4). Tables 7 and 8: sleep came with firmware
2.0, the status register with 2.2; integers with 2.0 (4.3). Before 2.2 a new interval reads back only after a
reset. The interval survives a power cut; the cleaning's clock, the errors and the state do not.
"""

from __future__ import annotations

import math
import struct

from simulator.sensors.base import Air, Device
from simulator.sensors.sensirion import (
    FAN_ERROR,
    LASER_ERROR,
    ParticleMeter,
    numbers,
    typical_size_um,
)
from simulator.sensors.unit import Unit

PRODUCT_TYPE = b"00080000"
FIRST_S = 1.0  # from the start of measurement to the first values, and between values
BOOT_S = 0.1
IDLE, MEASURING, ASLEEP = "idle", "measuring", "asleep"
SLEEP_SINCE, INTEGERS_SINCE, STATUS_SINCE = (2, 0), (2, 0), (2, 2)


class Sps30(Device):
    """Public for tests and faults: state, meter (its status, interval, laser_error), firmware, serial."""

    model = "sps30"

    def __init__(
        self, air: Air, seed: int = 0, *, firmware: tuple[int, int] = (2, 2), unit: Unit | None = None
    ) -> None:
        """`unit`: None draws one from the seed."""
        super().__init__(air, seed)
        self.firmware = firmware
        self.serial = f"{self.random.getrandbits(64):016X}".encode()
        self.meter = ParticleMeter(self, unit, checks_of_laser=2, laser_recovers=True, keeps_interval=True)
        self.state = IDLE
        self._reset(0.0)

    def _boot(self, now: float) -> None:
        self._reset(now)

    def _reset(self, now: float) -> None:
        """As after power-on: idle, nothing measured."""
        self.state = IDLE
        self.ready = False
        self.floats = True
        self._shown_interval = self.meter.interval
        self._next = math.inf
        self._booted_at = now + BOOT_S
        self.meter.boot()

    def _run(self, now: float) -> None:
        while self.state == MEASURING and self._next <= now:
            if self.meter.tick(self._next):
                self.ready = True
            self._next += 1.0

    def start(self, floats: bool, now: float) -> bool:
        """Begin to measure. False, as below: not allowed in this state."""
        if self.state != IDLE:
            return False
        self.state = MEASURING
        self.floats = floats
        self.ready = False
        self.meter.start(now)
        self._next = now + FIRST_S
        return True

    def stop(self) -> bool:
        if self.state != MEASURING:
            return False
        self.state = IDLE
        self.ready = False
        self.meter.stop()
        return True

    def sleep(self) -> bool:
        if self.state != IDLE:
            return False
        self.state = ASLEEP
        return True

    def wake(self) -> bool:
        if self.state != ASLEEP:
            return False
        self.state = IDLE
        return True

    def clean(self, now: float) -> bool:
        if self.state != MEASURING:
            return False
        self.ready = False
        self.meter.clean(now)
        return True

    def take(self) -> bytes:
        """The latest values, 40 bytes of floats or 20 of integers; they are not new any more."""
        self.ready = False
        masses = self.meter.masses
        if self._happens(self.faults.no_value):
            return struct.pack(">10f", *[math.nan] * 10) if self.floats else b"\xff" * 20
        values = (*masses, *numbers(masses), typical_size_um(masses))
        if self.floats:
            return struct.pack(">10f", *values)
        # Integers: the typical size is in nm (section 4.3).
        return struct.pack(">10H", *(min(0xFFFE, round(value)) for value in (*values[:9], 1000 * values[9])))

    @property
    def interval(self) -> int:
        """Of the automatic cleaning in s, as a read shows it."""
        return self.meter.interval if self.firmware >= STATUS_SINCE else self._shown_interval

    @interval.setter
    def interval(self, seconds: int) -> None:
        self.meter.interval = seconds

    @property
    def failed(self) -> bool:
        """Whether an error bit, not a mere warning, stands in the status register."""
        return bool(self.meter.status & (FAN_ERROR | LASER_ERROR))

    def read_status(self, clear: bool) -> int:
        """The 32-bit device status register."""
        status = self.meter.status
        if clear:
            self.meter.status = 0
        return status
