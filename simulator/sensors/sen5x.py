"""Sensirion SEN50, SEN54, SEN55 at I2C address 0x69, from the datasheet version 2 (March 2022). No I/O.

Section 5.1: idle, measurement, and (SEN54, SEN55) measurement without fan and laser; switching between the
two needs firmware 2. Commands, words and times: table 12. Values once a second (6.1.5): PM in 0.1 ug/m3,
humidity in 0.01 %, temperature in 1/200 degC, VOC and NOx index in 0.1; 0xFFFF, signed 0x7FFF, where there is
none: all before the first second, PM without the fan, climate and gas on the SEN50, NOx on the SEN54. The
first 10 to 11 seconds have no NOx (Sensirion's driver python-i2c-sen5x, read measured values; that they count
only while it measures is a judgement). The same driver knows 0x0413, masses and numbers, and eight bytes of
versions. All settings are lost with a reset (5.2, 6.1.13). The commands that tune the gas indices and the
temperature's compensation are not acknowledged: the emulator stops short of them.
"""

from __future__ import annotations

import math
import struct

from simulator.sensors.base import Air, Weather
from simulator.sensors.i2c import Nack
from simulator.sensors.sensirion import ParticleMeter, WordDevice, numbers, typical_size_um
from simulator.sensors.unit import Unit
from simulator.weather import WARSAW, Offsets

START, START_CLIMATE, STOP, READY, READ, READ_PM = 0x0021, 0x0037, 0x0104, 0x0202, 0x03C4, 0x0413
CLEAN, INTERVAL, NAME, SERIAL, VERSION = 0x5607, 0x8004, 0xD014, 0xD033, 0xD100
STATUS, CLEAR_STATUS, RESET = 0xD206, 0xD210, 0xD304
# Execution times in s; 20 ms for all others.
TIMES = {START: 0.05, START_CLIMATE: 0.05, STOP: 0.2, RESET: 0.1}
REPLY_S = 0.02
READS = (READY, READ, READ_PM, INTERVAL, NAME, SERIAL, VERSION, STATUS, CLEAR_STATUS)
KNOWN = (*READS, *TIMES, CLEAN)
CLEANING = 1 << 19
NONE, NO_SIGNED = 0xFFFF, 0x7FFF
FIRST_S = 1.0
NOX_S = 10.5
VOC_S = (
    45.0  # the index stays 0 while the algorithm begins (Sensirion's gas index algorithm, initial blackout)
)
HARDWARE_AND_PROTOCOL = bytes([4, 0, 1, 0])


class Sen50(WordDevice):
    """Public for tests and faults: meter (its status, interval, laser_error), measuring, firmware, serial."""

    model = "sen50"
    address = 0x69
    climate, nox = False, False

    def __init__(
        self,
        air: Air,
        seed: int = 0,
        *,
        weather: Weather = WARSAW,
        firmware: tuple[int, int] = (2, 0),
        unit: Unit | None = None,
        offsets: Offsets | None = None,
    ) -> None:
        """`unit`, `offsets` of climate: None draws them from the seed, +/-0.7 degC and +/-6 % (section 2)."""
        super().__init__(air, seed)
        self.weather = weather
        self.firmware = firmware
        self.serial = f"{self.random.getrandbits(64):016X}".encode()
        self.offsets = offsets or Offsets.draw(self.random, temp=0.7, rh=6.0)
        self.meter = ParticleMeter(self, unit, checks_of_laser=1, laser_recovers=False, keeps_interval=False)
        self._boot(0.0)

    def _boot(self, now: float) -> None:
        self.meter.boot()
        self.measuring = False
        self.ready = False
        self._next = math.inf
        self._measured_s = 0.0  # since the reset, for the gas sensor
        self._command = None
        self._busy_until = now + TIMES[RESET]
        self._forget()

    def _forget(self) -> None:
        """No value is known, as after a start."""
        self.ready = False
        self._pm = [NONE] * 4
        self._all_pm = [NONE] * 10
        self._climate = [NO_SIGNED] * 4
        self._cleared = 0

    def _run(self, now: float) -> None:
        while self.measuring and self._next <= now:
            self._measured_s += 1.0
            with_pm = self.meter.on
            if not with_pm or self.meter.tick(self._next):
                self._take(self._next, with_pm)
                self.ready = True
            self._next += 1.0

    def _take(self, at: float, with_pm: bool) -> None:
        self._pm, self._all_pm = [NONE] * 4, [NONE] * 10
        if with_pm:
            masses = self.meter.masses
            self._pm = [_scaled(mass, 10) for mass in masses]
            counts = [_scaled(number, 10) for number in numbers(masses)]
            self._all_pm = [*self._pm, *counts, _scaled(typical_size_um(masses), 1000)]
        if self.climate and not self.faults.stuck:
            self._climate = self._measure_climate(at)

    def _measure_climate(self, at: float) -> list[int]:
        """Humidity, temperature, VOC, NOx as the words say them."""
        temp, rh, _ = self.offsets.apply(self.weather(at))
        # What is left of the self-heating after its compensation (5.3); its size and time are a judgement.
        temp += 0.3 * (1 - math.exp(-self._measured_s / 300)) + self.random.gauss(0, 0.02)
        rh += self.random.gauss(0, 0.1)
        if self.faults.saturated:
            rh = 100.0
        voc = 0 if self._measured_s < VOC_S else round(10 * self.random.gauss(100, 3))
        nox = round(10 * max(1.0, self.random.gauss(1, 0.3)))
        return [
            round(100 * max(0.0, min(100.0, rh))),
            round(200 * temp),
            voc,
            nox if self.nox and self._measured_s >= NOX_S else NO_SIGNED,
        ]

    def _execute(self, command: int, words: bytes, now: float) -> float:
        if command not in KNOWN:
            raise Nack
        if command == START:
            self._start(now, with_pm=True)
        elif command == START_CLIMATE and self.climate:
            self._start(now, with_pm=False)
        elif command == STOP:
            self.measuring = False
            self.meter.stop()
            self._forget()
        elif command == CLEAN and self.meter.on:
            self.ready = False
            self.meter.clean(now)
        elif command == INTERVAL and len(words) == 4:
            self.meter.interval = int.from_bytes(words, "big")
        elif command == CLEAR_STATUS:
            self._cleared, self.meter.status = self._status(), 0
        elif command == RESET:
            self._boot(now)
        return TIMES.get(command, REPLY_S)

    def _start(self, now: float, *, with_pm: bool) -> None:
        if self.measuring and (self.meter.on == with_pm or self.firmware < (2, 0)):
            return  # it does so already, or cannot switch
        if not self.measuring:
            self._next = now + FIRST_S
        self.measuring = True
        self.ready = False
        if with_pm:
            self.meter.start(now)
        else:
            self.meter.stop()

    def _status(self) -> int:
        return self.meter.status | (CLEANING if self.meter.cleaning else 0)

    def _answer(self, command: int, now: float) -> bytes:
        if command == READY:
            return bytes([0, int(self.ready)])
        if command == READ:
            self.ready = False
            if self._happens(self.faults.no_value):
                return struct.pack(">8H", *[NONE] * 4, *[NO_SIGNED] * 4)
            return struct.pack(">4H4h", *self._pm, *self._climate)
        if command == READ_PM:
            self.ready = False
            nothing = self._happens(self.faults.no_value)
            return struct.pack(">10H", *([NONE] * 10 if nothing else self._all_pm))
        if command == INTERVAL:
            return self.meter.interval.to_bytes(4, "big")
        if command in (NAME, SERIAL):
            return (self.model.upper().encode() if command == NAME else self.serial).ljust(32, b"\0")
        if command == VERSION:
            return bytes([*self.firmware, 0, *HARDWARE_AND_PROTOCOL, 0])
        if command == STATUS:
            return self._status().to_bytes(4, "big")
        if command == CLEAR_STATUS:
            return self._cleared.to_bytes(4, "big")
        raise Nack


class Sen54(Sen50):
    """With temperature, humidity and VOC."""

    model = "sen54"
    climate = True


class Sen55(Sen54):
    """With NOx as well."""

    model = "sen55"
    nox = True


def _scaled(value: float, factor: int) -> int:
    return min(NONE - 1, round(value * factor))
