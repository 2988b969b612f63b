"""Plantower PMS sensors: big-endian frames at 9600 baud, and the commands of their duty cycle.

Plantower's PMS5003 manual V2.3: 42 4D, length of the rest, 16-bit words, 16-bit sum of all bytes before it.
Length 28 is the x003 family, 20 the PMS3003, 36 the PMS5003ST, 4 the reply to a command.
"""

from micropython import const

from .duty import Duty
from .frames import Resync

_LENGTHS = (28, 20, 36, 4)
# ug/m3. The manual's effective range ends at 500 and its output reaches "at least 1000"; devices in smoke
# were seen to give some thousands. More than this is no measurement.
_MAX = const(6000)
_COMMANDS = (0xE1, 0xE2, 0xE4)


class Parser(Resync):
    """Events: {"kind": "data", pm1 pm25 pm10 (atmospheric), pm1_cf1 pm25_cf1 pm10_cf1 in ug/m3,
    n03 n05 n1 n25 n5 n10 per 0.1 L, "version"}; the same with kind "error" and "code" when the sensor
    reports one; {"kind": "reply", "what": "mode"|"work"|"read", "value": int}.

    Length 20 has no counts, version or error. Length 36 adds temp (degC) and rh (%).
    Values: mode 0 = passive, 1 = active; work 0 = asleep, 1 = awake.
    """

    FIRST = 0x42
    SIZE = 40

    def _need(self, at, end):
        buf = self._buf
        have = end - at
        if have > 1 and buf[at + 1] != 0x4D:
            return 0
        if have < 4:
            return 4  # the length is still to come
        length = self._word(at + 2)
        return length + 4 if length in _LENGTHS else -4

    def _word(self, at):
        return self._buf[at] << 8 | self._buf[at + 1]

    def _judge(self, at):
        buf = self._buf
        length = self._word(at + 2)
        end = at + length + 2
        total = 0
        for i in range(at, end):
            total += buf[i]
        if total & 0xFFFF != self._word(end):
            return "checksum"
        return self._reply(at) if length == 4 else self._data(at, length)

    def _reply(self, at):
        command, value = self._buf[at + 4], self._buf[at + 5]
        if command not in _COMMANDS:
            return "unknown"
        if value > 1:
            return "out_of_range"
        what = "mode" if command == 0xE1 else "work" if command == 0xE4 else "read"
        return {"kind": "reply", "what": what, "value": value}

    def _data(self, at, length):
        word = self._word
        for i in range(at + 4, at + 16, 2):
            if word(i) > _MAX:
                return "out_of_range"
        if length == 20:
            return {
                "kind": "data",
                "pm1": word(at + 10),
                "pm25": word(at + 12),
                "pm10": word(at + 14),
                "pm1_cf1": word(at + 4),
                "pm25_cf1": word(at + 6),
                "pm10_cf1": word(at + 8),
            }
        code = self._buf[at + length + 1]
        # One literal: a dict that grows would leave its smaller tables to the collector, frame by frame.
        event = {
            "kind": "error" if code else "data",
            "pm1": word(at + 10),
            "pm25": word(at + 12),
            "pm10": word(at + 14),
            "pm1_cf1": word(at + 4),
            "pm25_cf1": word(at + 6),
            "pm10_cf1": word(at + 8),
            "n03": word(at + 16),
            "n05": word(at + 18),
            "n1": word(at + 20),
            "n25": word(at + 22),
            "n5": word(at + 24),
            "n10": word(at + 26),
            "version": self._buf[at + length],
        }
        if code:
            event["code"] = code
        if length == 36:  # word 28 is formaldehyde, which the wire contract does not carry
            temp = word(at + 30)
            temp = temp - 0x10000 if temp & 0x8000 else temp
            rh = word(at + 32)
            if not (-400 <= temp <= 990 and rh <= 1000):
                return "out_of_range"
            event["temp"] = temp / 10
            event["rh"] = rh / 10
        return event


_WAKE = const(1)
_ACTIVE = const(2)
_SLEEP = const(3)
_BYTES = {
    _WAKE: b"\x42\x4d\xe4\x00\x01\x01\x74",
    _ACTIVE: b"\x42\x4d\xe1\x00\x01\x01\x71",
    _SLEEP: b"\x42\x4d\xe4\x00\x00\x01\x73",
}
_WAKE_PAUSE_MS = const(200)  # between wake and the next command
_ACTIVE_PAUSE_MS = const(3000)  # the first frame after a wake takes so long


class Plantower(Duty):
    """Wake or sleep on demand, active mode. Also serves PMS7003 and PMSA003, which speak the same.

    A sensor that stayed powered keeps its mode and its sleep across a reboot of the board, so both are set
    each time. It does not answer a wake; its frames prove it.
    """

    model = "pms5003"
    baud = 9600
    rxbuf = 1024  # fast mode gives 32 bytes every 200 ms
    ceiling = {"pm25_cf1": 1000, "pm10_cf1": 1000, "n03": 65535}  # a value here or above is saturated

    WAKE = _WAKE
    SLEEP = _SLEEP
    SILENCE_MS = 6000  # frames come 2.3 s apart in calm air

    def __init__(self, model="pms5003", mode=None):
        super().__init__(Parser())
        self.model = model

    def _pause(self) -> int:
        if self._step == _WAKE:
            return _WAKE_PAUSE_MS
        if self._step == _ACTIVE:
            return _ACTIVE_PAUSE_MS
        return super()._pause()

    def _command(self, now):
        if self._step == _WAKE and self._tries:
            self._step = _ACTIVE
            self._tries = 0
        elif self._tries:
            self.retries += 1
            if self._step == _ACTIVE:
                self._go(_WAKE)
        return _BYTES[self._step]

    def _on_reply(self, event):
        what, value = event["what"], event["value"]
        if what == "work" and value == 0 and self._step == _SLEEP:
            self._go(0)
        elif what == "mode" and value == 1 and self._step == _ACTIVE:
            self._woke()
            self._go(0)

    def _on_data(self):
        if self._step == _ACTIVE and self._tries:
            self._go(0)


Pms5003 = Plantower
