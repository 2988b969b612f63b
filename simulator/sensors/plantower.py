"""Plantower PMS5003, from its data manual V2.3 (2016). 9600 8N1, big-endian, 16-bit sum of all earlier bytes.

Data, 32 bytes: 42 4D, length 28, CF=1 PM1 PM2.5 PM10, atmospheric PM1 PM2.5 PM10, particles per 0.1 L above
0.3 0.5 1 2.5 5 10 um, version, error, sum. Command, 7 bytes: 42 4D, command, 16-bit value, sum.
Mode and sleep are answered by 8 bytes: 42 4D, length 4, command, value, sum; waking is answered by data only.
After power-on: active. Nothing survives a power cut.
"""

from __future__ import annotations

import struct

from simulator.sensors.base import Air, Sensor
from simulator.sensors.unit import Unit

HEAD = b"\x42\x4d"
COMMAND_LENGTH = 7
READ, MODE, SLEEP = 0xE2, 0xE1, 0xE4
VERSION = 0x97

FIRST_S = 1.8  # from power or wake to the first frame
STEADY_S = 2.3
FAST_S = 0.9  # between frames while the concentration changes
SPIN_UP_S = 5.0
SPIN_UP_ERROR = 0x02  # the manual does not name the bits; devices show a non-zero byte while the fan starts
REPLY_S = 0.02
MAX_MASS = 3000


class Pms5003(Sensor):
    """Public for tests and faults: active, asleep."""

    model = "pms5003"

    def __init__(self, air: Air, seed: int = 0, *, unit: Unit | None = None) -> None:
        """`unit`: None draws one from the seed, within the manual's +/-10 ug/m3 and +/-10 %."""
        super().__init__(air, seed)
        self.unit = unit or Unit.draw(self.random, share=0.10, absolute=10)
        self.active = True
        self.asleep = False
        self._fan_since = 0.0
        self._next = 0.0
        self._latest = (0.0, 0.0, 0.0)

    def _boot(self, now: float) -> None:
        self.active = True
        self._wake(now)

    def _wake(self, now: float) -> None:
        self.asleep = False
        self._fan_since = now
        self._next = now + FIRST_S

    def _run(self, now: float) -> None:
        while not self.asleep and self._next <= now:
            due = self._next
            before = self._latest[1]
            self._measure(due)
            if self.active:
                self._send(self._data(due), due)
            change = abs(self._latest[1] - before)
            self._next = due + (FAST_S if change > max(2.0, 0.1 * before) else STEADY_S)

    def _measure(self, at: float) -> None:
        if self.faults.stuck:
            return
        fan_s = at - self._fan_since
        pm1, pm25, pm10 = (self.unit.measure(truth, fan_s, self.random) for truth in self.air(at))
        self._latest = (min(pm1, pm25), pm25, max(pm25, pm10))

    def _data(self, at: float) -> bytes:
        masses = self._latest
        standard = [min(MAX_MASS, round(_standard(mass))) for mass in masses]
        ambient = [min(MAX_MASS, round(mass)) for mass in masses]
        error = SPIN_UP_ERROR if at - self._fan_since < SPIN_UP_S else 0
        body = struct.pack(">H12H2B", 28, *standard, *ambient, *_counts(masses), VERSION, error)
        return _summed(HEAD + body)

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
            if _summed(command[:5]) == command:
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
        self._send(_summed(HEAD + bytes([0, 4, what, value])), now + REPLY_S)


def _summed(data: bytes) -> bytes:
    return data + (sum(data) & 0xFFFF).to_bytes(2, "big")


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
        counts.append(min(0xFFFF, round(total)))
    return counts[::-1]
