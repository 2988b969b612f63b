"""Nova SDS011, from its control protocol V1.3 (2015). 9600 8N1; PM2.5 and PM10 in 0.1 ug/m3, little-endian.

Command, 19 bytes: AA B4, 15 data bytes the last two being the device id (FFFF: all), their sum, AB.
Reply, 10 bytes: AA C5, 4 data bytes, device id, sum of those six, AB. Measurement: the same with C0.
Reporting mode, working period and device id survive a power cut; sleep does not.

The device has no way to say that something is wrong. What it shows then, as owners of stations report
(opendata-stuttgart/sensors-software): a fan that stands still gives 999.9 and 1999.9, always (pull 442); so
does the most dust (issue 899), beyond the specified 999.9 for PM10; a blocked inlet gives a few tenths, PM10
the same as PM2.5 (issues 557 and 697).
Ageing: the specification V1.3 gives the laser up to 8,000 hours; that a fifth of its power is gone by then is
the usual end of life of a laser diode, and a judgement for this one.
"""

from __future__ import annotations

import math

from simulator.sensors.base import Air, Sensor
from simulator.sensors.unit import Unit

HEAD, TAIL = 0xAA, 0xAB
COMMAND, REPLY, DATA = 0xB4, 0xC5, 0xC0
COMMAND_LENGTH = 19
MODE, QUERY, DEVICE_ID, SLEEP, FIRMWARE, PERIOD = 2, 4, 5, 6, 7, 8
ALL_DEVICES = b"\xff\xff"

REPORT_S = 1.0
REPLY_S = 0.02
PERIOD_WORK_S = 30.0  # with a working period of n minutes: 30 s at work, n * 60 - 30 s off
MAX_PERIOD = 30
MAX_FINE, MAX_COARSE = 9999, 19999  # tenths
RESIDUE = 0.1  # ug/m3 of noise that is left when no air passes


class Sds011(Sensor):
    """Public for tests and faults: query_mode, period, device_id, asleep.

    `wakes_on_any`: the protocol says that any command wakes it up; devices in the field are seen to heed the
    wake command only (mkfrey/sds011-esp-raw, docs/behaviour.md), which is the default here.
    """

    model = "sds011"
    sum_at = 8

    def __init__(
        self,
        air: Air,
        seed: int = 0,
        *,
        device_id: bytes | None = None,
        firmware: tuple[int, int, int] = (18, 11, 16),
        unit: Unit | None = None,
    ) -> None:
        """`device_id`: two bytes; `firmware`: year, month, day; `unit`: None draws one from the seed."""
        super().__init__(air, seed)
        self.unit = unit or Unit.draw(self.random, share=0.15, absolute=10)
        self.device_id = device_id or bytes([self.random.randrange(255), self.random.randrange(256)])
        self.firmware = firmware
        self.query_mode = False
        self.period = 0
        self.asleep = False
        self.wakes_on_any = False
        self._fan_since = 0.0
        self._next = 0.0
        self._latest = (0, 0)  # PM2.5, PM10 in tenths

    def _boot(self, now: float) -> None:
        self._latest = (0, 0)
        self._wake(now)

    def _start(self, now: float) -> None:
        """The fan starts: first report after a second, or at the end of the working part of a period."""
        self._fan_since = now
        self._next = now + (PERIOD_WORK_S if self.period else REPORT_S)

    def _due(self) -> float:
        return math.inf if self.asleep else self._next

    def _run(self, now: float) -> None:
        while not self.asleep and self._next <= now:
            due = self._next
            self._measure(due)
            self.age_h += (PERIOD_WORK_S if self.period else REPORT_S) / 3600
            if not self.query_mode:
                self._send(self._frame(DATA, self._values()), due)
            if self.period:
                # The fan rests and starts again for the last 30 s before the next report.
                self._next = due + self.period * 60
                self._fan_since = self._next - PERIOD_WORK_S
            else:
                self._next = due + REPORT_S

    def _measure(self, at: float) -> None:
        faults = self.faults
        if faults.stuck:
            return
        if faults.saturated or faults.fan_error:
            self._latest = (MAX_FINE, MAX_COARSE)
            return
        if faults.clogged:
            fine = coarse = abs(self.random.gauss(0.0, RESIDUE))
        else:
            _, pm25, pm10 = self.air(at)
            fan_s = at - self._fan_since
            fine = self.unit.measure(pm25, fan_s, self.random, self.age_h)
            coarse = max(fine, self.unit.measure(pm10, fan_s, self.random, self.age_h))
        self._latest = (min(MAX_FINE, round(fine * 10)), min(MAX_COARSE, round(coarse * 10)))

    def _values(self) -> bytes:
        if self._happens(self.faults.no_value):
            return self.random.choice((b"\xff\xff", b"\xff\x7f")) * 2
        fine, coarse = self._latest
        return fine.to_bytes(2, "little") + coarse.to_bytes(2, "little")

    def _frame(self, kind: int, data: bytes) -> bytes:
        body = data + self.device_id
        return bytes([HEAD, kind]) + body + bytes([sum(body) & 0xFF, TAIL])

    def _obey(self, now: float) -> None:
        heard = self._heard
        while True:
            start = heard.find(bytes([HEAD, COMMAND]))
            if start < 0:
                # The last byte may be the first half of a head.
                del heard[: -1 if heard.endswith(bytes([HEAD])) else None]
                return
            del heard[:start]
            if len(heard) < COMMAND_LENGTH:
                return
            command = bytes(heard[:COMMAND_LENGTH])
            if command[18] == TAIL and sum(command[2:17]) & 0xFF == command[17]:
                del heard[:COMMAND_LENGTH]
                if command[15:17] in (ALL_DEVICES, self.device_id):
                    self._execute(command[2], command[3], command[4], command[13:15], now)
            else:
                del heard[:1]  # a head by chance; the true one may lie within

    def _execute(self, what: int, write: int, value: int, new_id: bytes, now: float) -> None:
        if self.asleep and not (what == SLEEP and write == 1 and value == 1):
            if not self.wakes_on_any:
                return
            self._wake(now)
        if write > 1:
            return
        if what == MODE and value <= 1:
            if write:
                self.query_mode = value == 1
            self._reply(now, what, write, int(self.query_mode))
        elif what == QUERY:
            if not self.period:
                self._measure(now)
            self._send(self._frame(DATA, self._values()), now + REPLY_S)
        elif what == DEVICE_ID and new_id != ALL_DEVICES:
            self.device_id = new_id
            self._reply(now, what)
        elif what == SLEEP and value <= 1:
            self._sleep_or_work(write, value, now)
        elif what == FIRMWARE:
            self._reply(now, what, *self.firmware)
        elif what == PERIOD and value <= MAX_PERIOD:
            if write:
                self.period = value
                self._start(now)
            self._reply(now, what, write, self.period)

    def _sleep_or_work(self, write: int, value: int, now: float) -> None:
        if write and value == 1 and self.asleep:
            self._wake(now)
        elif write and value == 0:
            self.asleep = True
        self._reply(now, SLEEP, write, int(not self.asleep))

    def _wake(self, now: float) -> None:
        self.asleep = False
        self._start(now)

    def _reply(self, now: float, *data: int) -> None:
        self._send(self._frame(REPLY, bytes(data).ljust(4, b"\0")), now + REPLY_S)
