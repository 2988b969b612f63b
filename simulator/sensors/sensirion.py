"""What Sensirion's emulated devices share: words with a CRC on the I2C bus, and the particle part. No I/O.

Words: SPS30 datasheet version 2.0 (June 2023), sections 6.1 and 6.2, SEN5x datasheet version 2 (March 2022),
section 6: 16-bit commands; data as 16-bit words, most significant byte first, each followed by a CRC-8
(polynomial 0x31, start 0xFF). That a device acknowledges nothing while it executes is what devices do; the
datasheets only give the times.
Fan, laser and cleaning: SPS30 datasheet 4.2 and 4.4, SEN5x datasheet 5.2 and 5.4.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from simulator.sensors.base import Device
from simulator.sensors.i2c import I2cDevice, Nack
from simulator.sensors.unit import Unit

WEEK_S = 604800
CLEANING_S = 10.0
SPEED_UNCHECKED_S = 3.0
FAN_ERROR, LASER_ERROR, SPEED_WARNING = 1 << 4, 1 << 5, 1 << 21
MAX_MASS = 1000.0  # ug/m3, the end of the range
# (particles per cm3 from which on, seconds until stable): SPS30 table 1 and SEN5x section 2, start-up time.
# The datasheets begin at 50 per cm3; that it takes as long below is a judgement.
START_UP = ((200.0, 8.0), (100.0, 16.0), (0.0, 30.0))
# "Maximum long-term drift" 1.25 % a year, "life time" over 10 years (SPS30 table 1).
LOSS, LIFE_H = 0.125, 10 * 8766.0
PER_UG = 7.4  # particles per cm3 for 1 ug/m3 of PM1, from the frames of tests/vectors
LAST_BIT_S = 1e-9  # floats of seconds, added up, are not exact


def crc8(data: bytes) -> int:
    """CRC-8 of Sensirion: 0xBEEF gives 0x92."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0x131 if crc & 0x80 else crc << 1
    return crc


def with_crcs(data: bytes) -> bytes:
    """An even number of bytes, with a CRC after every two."""
    return b"".join(data[i : i + 2] + bytes([crc8(data[i : i + 2])]) for i in range(0, len(data), 2))


def without_crcs(data: bytes) -> bytes | None:
    """The words of `data`; None when it is not made of whole words or a CRC is wrong."""
    words = [data[i : i + 3] for i in range(0, len(data), 3)]
    if any(len(word) != 3 or crc8(word[:2]) != word[2] for word in words):
        return None
    return b"".join(word[:2] for word in words)


class WordDevice(I2cDevice):
    """A device of 16-bit commands and words with CRC. Busy devices acknowledge nothing."""

    _busy_until = 0.0
    _command: int | None = None  # the last one, which says what a read gives

    def write(self, data: bytes, now: float) -> None:
        self._run(now)
        if now < self._busy_until - LAST_BIT_S:
            raise Nack
        if not data:
            return
        words = without_crcs(data[2:])
        # Half a transfer, or a wrong CRC, is not taken; what was to be read is forgotten (a judgement).
        self._command = None
        if len(data) < 2 or words is None:
            return
        command = int.from_bytes(data[:2], "big")
        self._busy_until = now + self._execute(command, words, now)
        self._command = command

    def read(self, n: int, now: float) -> bytes:
        self._run(now)
        if now < self._busy_until - LAST_BIT_S or self._command is None:
            raise Nack
        if n <= 0:  # a probe takes nothing
            return b""
        answer = bytearray(with_crcs(self._answer(self._command, now)))
        if answer and self._happens(self.faults.crc_error):
            answer[3 * self.random.randrange(len(answer) // 3) + 2] ^= 1 << self.random.randrange(8)
        return bytes(answer[:n]).ljust(n, b"\xff")

    @abstractmethod
    def _run(self, now: float) -> None:
        """Do by itself what is due until `now`."""

    @abstractmethod
    def _execute(self, command: int, words: bytes, now: float) -> float:
        """Obey; returns the execution time in s. Raises Nack for what it does not know."""

    @abstractmethod
    def _answer(self, command: int, now: float) -> bytes:
        """What a read gives after `command`, without CRCs. Raises Nack where there is nothing to read."""


class ParticleMeter:
    """Fan, laser and fan cleaning of an SPS30 or SEN5x; the device calls tick() each second that it measures.

    Public: masses (PM1, PM2.5, PM4, PM10 in ug/m3), status (bits of the device status register), interval (of
    the automatic cleaning in s, 0 is off), laser_error (set it for a broken laser).
    """

    def __init__(
        self,
        device: Device,
        unit: Unit | None,
        *,
        checks_of_laser: int,
        laser_recovers: bool,
        keeps_interval: bool,
    ) -> None:
        """`unit`: None draws one within +/-10 ug/m3 up to 100 and +/-10 % above (SPS30 table 1).

        How SPS30 and SEN5x differ: failed checks that set the laser's bit, whether a good one clears it, and
        whether the interval of cleaning outlives a reset.
        """
        self.device = device
        self.unit = unit or Unit.draw(device.random, share=0.10, absolute=10, loss=LOSS, life_h=LIFE_H)
        # PM10 is an extrapolation (SPS30 table 1, footnote): half of the coarse dust may be missed.
        self.coarse = 1.0 if unit else device.random.uniform(0.5, 1.0)
        self.checks_of_laser, self.laser_recovers = checks_of_laser, laser_recovers
        self.keeps_interval = keeps_interval
        self.laser_error = False
        self.interval = WEEK_S
        self.boot()

    def boot(self) -> None:
        """As after power-on: off, no error, and the cleaning's clock at zero."""
        if not self.keeps_interval:
            self.interval = WEEK_S
        self.status = 0
        self.masses = (0.0, 0.0, 0.0, 0.0)
        self.since_cleaning = 0.0
        self.stop()

    def start(self, now: float) -> None:
        self._fan_since: float | None = now
        self._slow = self._no_turns = self._no_light = 0  # failed checks in a row

    def stop(self) -> None:
        """Fan and laser off; a cleaning ends. The cleaning's clock stands but is kept (a judgement)."""
        self._fan_since = None
        self._cleaning_until: float | None = None
        self.status &= ~(SPEED_WARNING | LASER_ERROR if self.laser_recovers else SPEED_WARNING)

    @property
    def on(self) -> bool:
        return self._fan_since is not None

    @property
    def cleaning(self) -> bool:
        return self._cleaning_until is not None

    def clean(self, now: float) -> None:
        """Full speed for 10 s, if the fan is on and not at it already."""
        if self.on and not self.cleaning:
            self._cleaning_until = now + CLEANING_S

    def tick(self, at: float) -> bool:
        """A second of measurement is over. False: the fan is being cleaned, the old values stay."""
        if self._fan_since is None:
            return False
        self.since_cleaning += 1.0
        self.device.age_h += 1 / 3600
        if self._cleaning_until is None and 0 < self.interval <= self.since_cleaning:
            self._cleaning_until = at + CLEANING_S
        if self._cleaning_until is not None:
            self.since_cleaning = 0.0
            if at < self._cleaning_until + LAST_BIT_S:
                return False
            self._cleaning_until = None
        self._watch(at - self._fan_since)
        if not self.device.faults.stuck:
            self.masses = self._measure(at, at - self._fan_since)
        return True

    def _watch(self, fan_s: float) -> None:
        """The checks once a second. A fan that stands has the wrong speed, too."""
        stands = self.device.faults.fan_error
        self._no_turns = self._no_turns + 1 if stands else 0
        self._slow = self._slow + 1 if stands and fan_s >= SPEED_UNCHECKED_S else 0
        self._no_light = self._no_light + 1 if self.laser_error else 0
        if self._no_turns >= 2:
            self.status |= FAN_ERROR
        if self._slow >= 2:
            self.status |= SPEED_WARNING
        elif not self._slow:
            self.status &= ~SPEED_WARNING
        if self._no_light >= self.checks_of_laser:
            self.status |= LASER_ERROR
        elif not self._no_light and self.laser_recovers:
            self.status &= ~LASER_ERROR

    def _measure(self, at: float, fan_s: float) -> tuple[float, float, float, float]:
        device, faults = self.device, self.device.faults
        if faults.clogged or faults.fan_error or self.laser_error:
            return 0.0, 0.0, 0.0, 0.0  # no particle comes by, or none is seen
        if faults.saturated:
            return MAX_MASS, MAX_MASS, MAX_MASS, MAX_MASS
        true1, true25, true10 = device.air(at)
        # The unit's own start-up curve, as slow as the datasheet says for air so clean.
        fan_s *= 4 * self.unit.drift_s / start_up_s(PER_UG * true1)
        seen = (true1, true25, true25 + self.coarse * max(0.0, true10 - true25))
        pm1, pm25, pm10 = (self.unit.measure(mass, fan_s, device.random, device.age_h) for mass in seen)
        pm25 = min(MAX_MASS, max(pm1, pm25))
        pm10 = min(MAX_MASS, max(pm25, pm10))
        # As in all frames of tests/vectors/sps30-shdlc-data.csv.
        return min(pm1, pm25), pm25, pm25 + 5 / 6 * (pm10 - pm25), pm10


def start_up_s(per_cm3: float) -> float:
    """Seconds until values are stable, by the number of particles."""
    return next(seconds for number, seconds in START_UP if per_cm3 >= number)


def numbers(masses: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Particles per cm3 up to 0.5, 1, 2.5, 4 and 10 um. Fitted to the frames of tests/vectors, to 15 %."""
    pm1, pm25, pm4, pm10 = masses
    up_to_1 = PER_UG * pm1
    up_to_25 = up_to_1 + 1.02 * (pm25 - pm1)
    up_to_4 = up_to_25 + 0.284 * (pm4 - pm25)
    return 0.78 * up_to_1, up_to_1, up_to_25, up_to_4, up_to_4 + 0.215 * (pm10 - pm4)


def typical_size_um(masses: Sequence[float]) -> float:
    """Typical particle size in um, fitted to the same frames; without any dust 0.4 (a judgement)."""
    return 0.96 - 0.32 * masses[0] / masses[3] if masses[3] else 0.4
