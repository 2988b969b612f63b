"""Plantower's UART sensors. 9600 8N1, big-endian words; the sum is that of all earlier bytes, 16 bits.

From the data manuals PMS5003 V2.3, PMS7003 V2.5, PMS5003ST V2.6 (2016/17), and for PMS3003 and PMS5003T from
captures (PyPMS, docs/sensors/Plantower.md). All data frames: 42 4D, length of the rest, words, sum.
The words, CF=1 and atmospheric being PM1 PM2.5 PM10 in ug/m3, counts being per 0.1 L:

  PMS5003 PMS7003 PMSA003, 32 bytes   CF=1, atmospheric, counts above 0.3 0.5 1 2.5 5 10 um, version | error
  PMS5003T, 32 bytes                  CF=1, atmospheric, counts above 0.3 0.5 1 2.5, temp, rh, version | error
  PMS5003ST, 40 bytes                 CF=1, atmospheric, six counts, HCHO, temp, rh, reserved, version | error
  PMS3003, 24 bytes                   CF=1, atmospheric, three reserved

HCHO in ug/m3, temperature in 0.1 degC with sign, humidity in 0.1 %.
Command, 7 bytes: 42 4D, command, 16-bit value, sum. Mode and sleep are answered by 8 bytes: 42 4D, length 4,
command, value, sum; waking is answered by data only. The PMS3003 takes no commands.
After power-on: active. Nothing survives a power cut.
"""

from __future__ import annotations

import math

from simulator import weather as weather_
from simulator.sensors.base import Air, Device, Sensor, Weather
from simulator.sensors.chamber import Chamber
from simulator.sensors.unit import Unit

HEAD = b"\x42\x4d"
COMMAND_LENGTH = 7
READ, MODE, SLEEP = 0xE2, 0xE1, 0xE4
REPLY_S = 0.02
NO_VALUES = (0xFFFF, 0x7FFF)


class Pms5003(Sensor):
    """Public for tests and faults: active, asleep. `fast` sends every 200 ms, the fastest that there is."""

    model = "pms5003"
    version = 0x97
    sum_at = -1

    def __init__(self, air: Air, seed: int = 0, *, unit: Unit | None = None, fast: bool = False) -> None:
        """`unit`: None draws one from the seed, within the manual's +/-10 ug/m3 and +/-10 %."""
        super().__init__(air, seed)
        self.chamber = Chamber(self, unit, fast)
        self.active = True
        self.asleep = False

    def _boot(self, now: float) -> None:
        self.active = True
        self._wake(now)

    def _wake(self, now: float) -> None:
        self.asleep = False
        self.chamber.start(now)

    def _due(self) -> float:
        return math.inf if self.asleep else self.chamber.next

    def _run(self, now: float) -> None:
        while not self.asleep and self.chamber.next <= now:
            due = self.chamber.measure()
            if self.active:
                self._send(self._data(due), due)

    def _data(self, at: float) -> bytes:
        return data_frame(self, [*self._words(at), self.version << 8 | self.chamber.error(at)])

    def _words(self, at: float) -> list[int]:
        """All words but the last."""
        return self.chamber.words()

    def _obey(self, now: float) -> None:
        heard = self._heard
        while True:
            start = heard.find(HEAD)
            if start < 0:
                del heard[: -1 if heard.endswith(HEAD[:1]) else None]
                return
            del heard[:start]
            if len(heard) < COMMAND_LENGTH:
                return
            command = bytes(heard[:COMMAND_LENGTH])
            if summed(command[:5]) == command:
                del heard[:COMMAND_LENGTH]
                self._execute(command[2], int.from_bytes(command[3:5], "big"), now)
            else:
                del heard[:1]  # a head by chance; the true one may lie within

    def _execute(self, what: int, value: int, now: float) -> None:
        if self.asleep:
            if what == SLEEP and value == 1:
                self._wake(now)
        elif what == MODE and value <= 1:
            self.active = value == 1
            self._reply(what, value, now)
        elif what == SLEEP and value == 0:
            self.asleep = True
            self._reply(what, value, now)
        elif what == READ and not self.active:
            self._send(self._data(now), now + REPLY_S)

    def _reply(self, what: int, value: int, now: float) -> None:
        self._send(summed(HEAD + bytes([0, 4, what, value])), now + REPLY_S)


class Pms7003(Pms5003):
    model = "pms7003"
    version = 0x67  # as in captures; 0x97 is seen too


class Pmsa003(Pms5003):
    model = "pmsa003"  # the version byte is a judgement: the PMS5003's


class Pms3003(Pms5003):
    """No counts, no error byte, no commands; a low level at its SET pin is its only sleep."""

    model = "pms3003"
    tail = 0x0051  # the last reserved word, as in captures

    def __init__(self, air: Air, seed: int = 0, *, unit: Unit | None = None, fast: bool = False) -> None:
        super().__init__(air, seed, unit=unit, fast=fast)
        self.chamber.steady_s = 1.8  # "the data update time is less than 2 s"

    def _data(self, at: float) -> bytes:
        return data_frame(self, [*self.chamber.words()[:6], 0, 0, self.tail])

    def _obey(self, now: float) -> None:
        self._heard.clear()


class Pms5003t(Pms5003):
    """With temperature and humidity; +/-0.5 degC and +/-2 % for one device and the next, a judgement."""

    model = "pms5003t"
    version = 0x9A

    def __init__(
        self,
        air: Air,
        seed: int = 0,
        *,
        unit: Unit | None = None,
        fast: bool = False,
        weather: Weather | None = None,
        offsets: weather_.Offsets | None = None,
    ) -> None:
        """`offsets`: None draws them from the seed."""
        super().__init__(air, seed, unit=unit, fast=fast)
        self.weather = weather or weather_.WARSAW
        self.offsets = offsets or weather_.Offsets.draw(self.random, temp=0.5, rh=2.0)
        self._climate = (0, 0)

    def _words(self, at: float) -> list[int]:
        return self.chamber.words()[:10] + self._temp_rh(at)

    def _temp_rh(self, at: float) -> list[int]:
        """The two words; a stuck device repeats these as well."""
        if not self.faults.stuck:
            temp, rh, _ = self.offsets.apply(self.weather(at))
            self._climate = (round(temp * 10) & 0xFFFF, round(rh * 10))
        return list(self._climate)


class Pms5003st(Pms5003t):
    """With formaldehyde as well, a steady 12 ug/m3 here: nothing in the simulator makes any."""

    model = "pms5003st"
    version = 0x97

    def _words(self, at: float) -> list[int]:
        return [*self.chamber.words(), 12, *self._temp_rh(at), 0]


def data_frame(device: Device, words: list[int]) -> bytes:
    """A data frame. faults.no_value puts 0xFFFF or 0x7FFF in place of all words but the last."""
    if device.faults.no_value and device.random.random() < device.faults.no_value:
        words = [device.random.choice(NO_VALUES)] * (len(words) - 1) + words[-1:]
    body = b"".join(word.to_bytes(2, "big") for word in words)
    return summed(HEAD + (len(body) + 2).to_bytes(2, "big") + body)


def summed(data: bytes) -> bytes:
    return data + (sum(data) & 0xFFFF).to_bytes(2, "big")
