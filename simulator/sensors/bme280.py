"""Bosch BME280 and BMP280 on I2C (address 0x76, or 0x77). No I/O.

Data sheets: BME280 revision 1.6 (BST-BME280-DS002-15), BMP280 revision 1.23 (BST-BMP280-DS001-23). Register
map: 5.3 table 18; differences of the BMP280: table 17. Writes are pairs of register and value (6.2.1), reads
go on from the last register set (6.2.2). Sleep, forced and normal mode: 3.3; time of a measurement: 9.1;
skipped values read 0x80000 and 0x8000; humidity's setting counts from the next write to ctrl_meas (5.4.3);
resolution without filter: 16 bits and one more for each step of oversampling (3.4.2, 3.4.3); filter: 3.4.4;
noise: 3.6. In normal mode only the last measurement before a read is made, so the filter sees no others.
Nothing outlives a reset or a power cut, which takes 2 ms with im_update set (table 1, start-up time).
"""

from __future__ import annotations

import math

from simulator.sensors.base import NO_AIR, Air, Weather
from simulator.sensors.bme280_trim import Trim
from simulator.sensors.i2c import I2cDevice, Nack
from simulator.weather import WARSAW, Offsets

TRIM_LOW, ID, RESET, TRIM_HIGH = 0x88, 0xD0, 0xE0, 0xE1
CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
RESET_WORD = 0xB6
MEASURING, IM_UPDATE = 8, 1
START_UP_S = 0.002
SKIPPED, SKIPPED_HUM = 0x80000, 0x8000
SAMPLES = (0, 1, 2, 4, 8, 16, 16, 16)  # by the three bits of osrs
# Standard deviations by osrs 1 to 5, without filter (3.6): Pa, degC, %.
NOISE_P = (0.0, 3.3, 2.6, 2.1, 1.6, 1.3)
NOISE_T = (0.0, 0.005, 0.004, 0.003, 0.003, 0.002)
NOISE_H = (0.0, 0.07, 0.05, 0.04, 0.03, 0.02)
FILTERS = (1, 2, 4, 8, 16, 16, 16, 16)


class Bme280(I2cDevice):
    """Public for tests and faults: trim, offsets, registers (a bytearray of 256)."""

    model = "bme280"
    spared = I2cDevice.spared | NO_AIR | {"crc_error"}
    address = 0x76
    chip_id = 0x60
    humid = True
    standby_s = (0.0005, 0.0625, 0.125, 0.25, 0.5, 1.0, 0.01, 0.02)

    def __init__(
        self,
        air: Air,
        seed: int = 0,
        *,
        weather: Weather = WARSAW,
        trim: Trim | None = None,
        offsets: Offsets | None = None,
    ) -> None:
        """`trim`, `offsets`: None draws them; +/-1 degC, +/-3 %, +/-1 hPa (tables 2 to 4)."""
        super().__init__(air, seed)
        self.weather = weather
        self.trim = trim or Trim.draw(self.random)
        self.offsets = offsets or Offsets.draw(self.random, temp=1.0, rh=3.0, press=1.0)
        self._boot(0.0)

    def _boot(self, now: float) -> None:
        self.registers = bytearray(256)
        self.registers[ID] = self.chip_id
        self.registers[TRIM_LOW : TRIM_LOW + 26] = self.trim.low()
        if self.humid:
            self.registers[TRIM_HIGH : TRIM_HIGH + 7] = self.trim.high()
        else:
            self.registers[TRIM_LOW + 25] = 0
        self._pointer = 0
        self._osrs_h = 0
        self._ready_at = now + START_UP_S
        self._done_at: float | None = None  # the end of the measurement under way
        self._memory: list[float | None] = [None, None]  # of the filter: pressure, temperature
        self._show(SKIPPED, SKIPPED, SKIPPED_HUM)

    def write(self, data: bytes, now: float) -> None:
        if now < self._ready_at - START_UP_S / 2:
            raise Nack  # the interface itself comes up in half of the start-up time; a judgement
        self._run(now)
        if data:
            self._pointer = data[0]
        for at in range(0, len(data) - 1, 2):
            self._set(data[at], data[at + 1], now)

    def read(self, n: int, now: float) -> bytes:
        if now < self._ready_at - START_UP_S / 2:
            raise Nack
        self._run(now)
        measuring = self._done_at is not None and self._done_at - self._duration() <= now < self._done_at
        self.registers[STATUS] = (MEASURING if measuring else 0) | (IM_UPDATE if now < self._ready_at else 0)
        data = bytes(self.registers[(self._pointer + i) & 0xFF] for i in range(max(n, 0)))
        self._pointer = (self._pointer + len(data)) & 0xFF
        return data

    def _set(self, register: int, value: int, now: float) -> None:
        if register == RESET:
            if value == RESET_WORD:
                self._boot(now)
        elif register == CTRL_HUM and self.humid:
            self.registers[CTRL_HUM] = value & 0x07
        elif register == CONFIG:
            if value & 0x1C != self.registers[CONFIG] & 0x1C:
                self._memory = [None, None]
            self.registers[CONFIG] = value & 0xFD
        elif register == CTRL_MEAS:
            self.registers[CTRL_MEAS] = value
            self._osrs_h = self.registers[CTRL_HUM] & 0x07
            # A new mode begins with a new measurement; one under way is given up (a judgement).
            self._done_at = now + self._duration() if value & 3 else None

    def _duration(self) -> float:
        """Seconds that a measurement takes, typically (9.1)."""
        control = self.registers[CTRL_MEAS]
        temp, press, hum = SAMPLES[control >> 5], SAMPLES[control >> 2 & 7], SAMPLES[self._osrs_h]
        ms = 1 + 2 * temp + (2 * press + 0.5 if press else 0) + (2 * hum + 0.5 if hum else 0)
        return ms / 1000

    def _run(self, now: float) -> None:
        if self._done_at is None or now < self._done_at:
            return
        if self.registers[CTRL_MEAS] & 3 == 3:
            cycle = self._duration() + self.standby_s[self.registers[CONFIG] >> 5]
            self._done_at += cycle * math.floor((now - self._done_at) / cycle)
            self._measure(self._done_at)
            self._done_at += cycle
        else:
            self._measure(self._done_at)
            self._done_at = None
            self.registers[CTRL_MEAS] &= 0xFC  # forced: back to sleep

    def _measure(self, at: float) -> None:
        faults = self.faults
        if faults.stuck:
            return
        control = self.registers[CTRL_MEAS]
        osrs_t, osrs_p, osrs_h = (min(5, osrs) for osrs in (control >> 5, control >> 2 & 7, self._osrs_h))
        if self._happens(faults.no_value):
            osrs_t = osrs_p = osrs_h = 0
        temp, rh, press = self.offsets.apply(self.weather(at))
        temp += self.random.gauss(0, NOISE_T[osrs_t])
        rh = 100.0 if faults.saturated else rh + self.random.gauss(0, NOISE_H[osrs_h])
        press = 100 * press + self.random.gauss(0, NOISE_P[osrs_p])
        adc_t = self.trim.raw_temp(temp)
        fine = self.trim.fine(adc_t)
        adc_p, adc_h = self.trim.raw_press(press, fine), self.trim.raw_humidity(rh, fine)
        self._show(
            self._filtered(0, adc_p, osrs_p) if osrs_p else SKIPPED,
            self._filtered(1, adc_t, osrs_t) if osrs_t else SKIPPED,
            adc_h if osrs_h else SKIPPED_HUM,
        )

    def _filtered(self, which: int, adc: int, osrs: int) -> int:
        """What the 20 bits show: coarse without the filter, smoothed with it."""
        size = FILTERS[self.registers[CONFIG] >> 2 & 7]
        if size == 1:
            step = 1 << (5 - osrs)
            return min((1 << 20) - step, (adc + step // 2) // step * step)
        before = self._memory[which]
        after = float(adc) if before is None else (before * (size - 1) + adc) / size
        self._memory[which] = after
        return round(after)

    def _show(self, adc_p: int, adc_t: int, adc_h: int) -> None:
        data = (adc_p << 4).to_bytes(3, "big") + (adc_t << 4).to_bytes(3, "big")
        self.registers[DATA : DATA + 8] = data + (adc_h.to_bytes(2, "big") if self.humid else b"\0\0")


class Bmp280(Bme280):
    """Without humidity; known by its chip id."""

    model = "bmp280"
    chip_id = 0x58
    humid = False
    standby_s = (0.0005, 0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
