"""Nova SDS011: frames of 10 bytes at 9600 baud, little-endian, and the commands of its duty cycle.

Nova's "Laser Dust Sensor Control Protocol V1.3": AA, kind (C0 data, C5 reply), six data bytes, their sum
mod 256, AB. The last two data bytes are the sensor's own number in every frame. PM in 0.1 ug/m3, range 0.0
to 999.9 (Nova's "SDS011 specification V1.3"); with too much dust or a fan that stands still devices send
999.9 and 1999.9 (opendata-stuttgart/sensors-software, issue 899 and pull request 442).
"""

from micropython import const

from .duty import Duty
from .frames import Resync

_MAX_FINE = const(9999)  # 0.1 ug/m3
_MAX_COARSE = const(19999)  # from the specified 9999 on it counts as saturated, see `ceiling`
_REPLIES = {2: "mode", 5: "id", 6: "work", 7: "firmware", 8: "period"}
_EXCHANGED = const(4)  # so many frames of one other sensor, and none of the known one: it was exchanged


class Parser(Resync):
    """Events: {"kind": "data", "pm25", "pm10"} in ug/m3 and
    {"kind": "reply", "what": mode|work|period|firmware|id, "set": 0|1, "value": int or None}.

    Values: mode 0 = active, 1 = query; work 0 = asleep, 1 = working; period 0 = continuous, else minutes.
    The sensor's number and firmware date are kept in `id` ("a160") and `fw` ("15-07-10").

    A sum of 8 bits lets one damaged frame in 256 through; the sensor's number, 16 bits that never change,
    does what the sum cannot: frames of another number are rejected as `foreign`, until _EXCHANGED in a row
    have the same one. The first sound frame teaches the number.

    PM10 below PM2.5 is not refused: PM10 includes PM2.5 by definition and no capture that was found breaks
    it, but no document of Nova's promises it for each frame.
    """

    FIRST = 0xAA
    SIZE = 10

    def __init__(self):
        super().__init__()
        self._number = self._other = -1
        self._run = 0  # frames of the number _other since the last of _number

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
        if kind == 0xC5:
            return self._reply(at)
        return self._doubt(at) or {
            "kind": "data",
            "pm25": (buf[at + 2] | buf[at + 3] << 8) / 10,
            "pm10": (buf[at + 4] | buf[at + 5] << 8) / 10,
        }

    def _doubt(self, at):
        buf = self._buf
        if (buf[at + 2] | buf[at + 3] << 8) > _MAX_FINE or (buf[at + 4] | buf[at + 5] << 8) > _MAX_COARSE:
            return "out_of_range"
        return self._foreign(at)

    def _foreign(self, at):
        number = self._buf[at + 6] << 8 | self._buf[at + 7]
        if number == self._number:
            self._run = 0
            return ""
        self._run = self._run + 1 if number == self._other else 1
        self._other = number
        if self._number >= 0 and self._run < _EXCHANGED:
            return "foreign"
        self._number = number
        self.id = "%04x" % number
        self.fw = None
        return ""

    def _reply(self, at):
        buf = self._buf
        what = _REPLIES.get(buf[at + 2])
        if what is None:
            return "unknown"
        a, value, c = buf[at + 3], buf[at + 4], buf[at + 5]
        if what == "firmware":
            if not (a <= 99 and 1 <= value <= 12 and 1 <= c <= 31):
                return "out_of_range"
        elif what != "id" and (a > 1 or value > (30 if what == "period" else 1)):
            return "out_of_range"
        foreign = self._foreign(at)
        if foreign:
            return foreign
        if what == "firmware":
            self.fw = "%02d-%02d-%02d" % (a, value, c)
            a, value = 0, None
        elif what == "id":
            a, value = 1, None
        return {"kind": "reply", "what": what, "set": a, "value": value}


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
_READ_FIRMWARE = const(6)
_SLEEP = const(7)
# Command number, write, value of each step; 1 as the mode to set is query.
_STEPS = ((), (6, 1, 1), (2,), (2, 1, 0), (8,), (8, 1, 0), (7,), (6, 1, 0))
_WRITES = const(5)
_STEADY_MS = const(2500)  # data comes every second in active mode


class Sds011(Duty):
    """Work or sleep on demand, continuous period; mode "active" (the default, a frame every second by
    itself) or "query" (a frame for each question, asked once a second).

    Mode and period live in the sensor's flash, which wears: they are read, written only when wrong, read
    again when the write was not answered rightly, and left as they are after _WRITES in vain. A sensor
    that gives data and answers nothing (its RX is not wired) is taken as it is. The firmware's date is
    asked for once.
    """

    model = "sds011"
    baud = 9600
    # A data frame a second and a reply to each command: 2 s of a main loop that is blocked are 40 bytes.
    rxbuf = 512
    ceiling = {"pm25": 999.9, "pm10": 999.9}  # a value here or above is saturated

    WAKE = _WORK
    SLEEP = _SLEEP

    def __init__(self, mode=None):
        super().__init__(Parser())
        self._query = mode == "query"
        self._writes = 0  # in a row that changed nothing
        if self._query:
            self._ask = _command(4)

    def _command(self, now):
        step = self._step
        if self._tries:
            self.retries += 1
            if step in (_SET_MODE, _SET_PERIOD):
                self._go(step - 1)
            elif step in (_READ_MODE, _READ_PERIOD) and self._tries >= 5:
                steady = self._heard is not None and now - self._heard <= _STEADY_MS
                self._go(0 if steady else _WORK)
            elif step == _READ_FIRMWARE and self._tries >= 3:
                self._go(0)
        step = self._step
        if step == _SET_MODE and self._query:
            return _command(2, 1, 1)
        return _command(*_STEPS[step]) if step else None

    def _on_reply(self, event):
        what, value, step = event["what"], event["value"], self._step
        if what == "work" and step == _WORK and value == 1:
            self._woke()
            self._go(_READ_MODE)
        elif what == "work" and step == _SLEEP and value == 0:
            self._go(0)
        elif what in ("mode", "period"):
            read = _READ_MODE if what == "mode" else _READ_PERIOD
            if step != read + event["set"]:  # late, and to an earlier question
                return
            right = value == (what == "mode" and self._query)
            if right:
                self._writes = 0
            if not right and step != read:
                self._go(read)
            elif not right and self._writes < _WRITES:
                self._writes += 1
                self._go(read + 1)
            else:
                self._go(0 if self.fw and what == "period" else read + 2)
        elif what == "firmware" and step == _READ_FIRMWARE:
            self._go(0)

    def _on_data(self):
        if self._step == _WORK:
            self._woke()
            self._go(_READ_MODE)
