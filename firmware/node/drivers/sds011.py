"""Nova SDS011: frames of 10 bytes at 9600 baud, little-endian, and the commands of its duty cycle.

Nova's "Laser Dust Sensor Control Protocol V1.3": AA, kind (C0 data, C5 reply), six data bytes, their sum
mod 256, AB. PM in 0.1 ug/m3, range 0.0 to 999.9.
"""

from micropython import const

from .duty import Duty
from .frames import Resync

_MAX = const(9999)  # 0.1 ug/m3
_REPLIES = {2: "mode", 5: "id", 6: "work", 7: "firmware", 8: "period"}


class Parser(Resync):
    """Events: {"kind": "data", "pm25", "pm10", "id"} in ug/m3 and
    {"kind": "reply", "what": mode|work|period|firmware|id, "set": 0|1, "value": int or str, "id"}.

    Values: mode 0 = active, 1 = query; work 0 = asleep, 1 = working; period 0 = continuous, else minutes.
    """

    FIRST = 0xAA
    SIZE = 10

    def _need(self, at, end):
        return 10

    def _judge(self, at):
        buf = self._buf
        kind = buf[at + 1]
        known = kind in (0xC0, 0xC5)
        if buf[at + 9] != 0xAB:
            return "tail" if known else ""
        total = 0
        for i in range(at + 2, at + 8):
            total += buf[i]
        if total & 0xFF != buf[at + 8]:
            return "checksum" if known else ""
        if not known:  # a sound frame of a sister model, such as the SDS198's CF
            return "unknown"
        return self._data(at) if kind == 0xC0 else self._reply(at)

    def _data(self, at):
        buf = self._buf
        pm25 = buf[at + 2] | buf[at + 3] << 8
        pm10 = buf[at + 4] | buf[at + 5] << 8
        if pm25 > _MAX or pm10 > _MAX:
            return "out_of_range"
        return {"kind": "data", "pm25": pm25 / 10, "pm10": pm10 / 10, "id": self._id(at)}

    def _reply(self, at):
        buf = self._buf
        what = _REPLIES.get(buf[at + 2])
        if what is None:
            return "unknown"
        a, value, c = buf[at + 3], buf[at + 4], buf[at + 5]
        if what == "firmware":
            if not (1 <= value <= 12 and 1 <= c <= 31):
                return "out_of_range"
            return {
                "kind": "reply",
                "what": what,
                "set": 0,
                "value": "%02d-%02d-%02d" % (a, value, c),
                "id": self._id(at),
            }
        if what == "id":
            return {"kind": "reply", "what": what, "set": 1, "value": self._id(at), "id": self._id(at)}
        if a > 1 or value > (30 if what == "period" else 1):
            return "out_of_range"
        return {"kind": "reply", "what": what, "set": a, "value": value, "id": self._id(at)}

    def _id(self, at):
        return "%02x%02x" % (self._buf[at + 6], self._buf[at + 7])


def _command(number, write=0, value=0):
    """19 bytes to any SDS011 (id FFFF)."""
    frame = bytearray(19)
    frame[0], frame[1], frame[2], frame[3], frame[4] = 0xAA, 0xB4, number, write, value
    frame[15] = frame[16] = 0xFF
    frame[17] = sum(frame[2:17]) & 0xFF
    frame[18] = 0xAB
    return bytes(frame)


# Steps of the dialogue; 0 is Duty's IDLE.
_WORK = const(1)
_READ_MODE = const(2)
_SET_MODE = const(3)
_READ_PERIOD = const(4)
_SET_PERIOD = const(5)
_SLEEP = const(6)
_COMMANDS = {
    _WORK: _command(6, 1, 1),
    _READ_MODE: _command(2),
    _SET_MODE: _command(2, 1, 0),
    _READ_PERIOD: _command(8),
    _SET_PERIOD: _command(8, 1, 0),
    _SLEEP: _command(6, 1, 0),
}
_STEADY_MS = const(2500)  # data comes every second in active mode


class Sds011(Duty):
    """Work or sleep on demand, active mode, continuous period.

    Mode and period live in the sensor's flash, which wears: they are read, written only when wrong, and
    after an unanswered write read again. A sensor that gives data and answers nothing (its RX is not
    wired) is taken as it is.
    """

    model = "sds011"
    baud = 9600
    rxbuf = 512
    ceiling = {"pm25": 999.9, "pm10": 999.9}  # a value here or above is saturated

    WAKE = _WORK
    SLEEP = _SLEEP
    SILENCE_MS = 3000

    def __init__(self, mode=None):
        super().__init__(Parser())

    def _command(self, now):
        if self._tries:
            self.retries += 1
        if self._step in (_SET_MODE, _SET_PERIOD) and self._tries:
            self._go(_READ_MODE if self._step == _SET_MODE else _READ_PERIOD)
        elif self._step in (_READ_MODE, _READ_PERIOD) and self._tries >= 5:
            steady = self._heard is not None and now - self._heard <= _STEADY_MS
            self._go(0 if steady else _WORK)
        return _COMMANDS.get(self._step)

    def _on_reply(self, event):
        what, value, step = event["what"], event["value"], self._step
        if what == "work" and step == _WORK and value == 1:
            self._woke()
            self._go(_READ_MODE)
        elif what == "work" and step == _SLEEP and value == 0:
            self._go(0)
        elif what == "mode" and step in (_READ_MODE, _SET_MODE):
            self._go(_READ_PERIOD if value == 0 else _SET_MODE)
        elif what == "period" and step in (_READ_PERIOD, _SET_PERIOD):
            self._go(0 if value == 0 else _SET_PERIOD)

    def _on_data(self):
        if self._step == _WORK:
            self._woke()
            self._go(_READ_MODE)
