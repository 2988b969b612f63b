"""Nova SDS011: frames of 10 bytes at 9600 baud, little-endian, and, in node/talk_sds011.py, the
commands of its duty cycle.

Nova's "Laser Dust Sensor Control Protocol V1.3": AA, kind (C0 data, C5 reply), six data bytes, their sum
mod 256, AB. The last two data bytes are the sensor's own number in every frame. PM in 0.1 ug/m3, range 0.0
to 999.9 (Nova's "SDS011 specification V1.3"); with too much dust or a fan that stands still devices send
999.9 and 1999.9 (opendata-stuttgart/sensors-software, issue 899 and pull request 442).
"""

from micropython import const

from node import use_once
from node.duty import Duty
from node.frames import Resync

_MAX_FINE = const(9999)  # 0.1 ug/m3
_MAX_COARSE = const(19999)  # from the specified 9999 on it counts as saturated, see `ceiling`
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

    NEED = 10
    _number = _other = -1
    _run = 0  # frames of the number _other since the last of _number

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
            return use_once("talk_sds011", "parse", self, at)
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


class Sds011(Duty):
    """Work or sleep on demand, continuous period; mode "active" (the default, a frame every second by
    itself) or "query" (a frame for each question, asked once a second).

    Mode and period live in the sensor's flash, which wears: they are read, written only when wrong, read
    again when the write was not answered rightly, and left as they are after _WRITES in vain. A sensor
    that gives data and answers nothing (its RX is not wired) is taken as it is. The firmware's date is
    asked for once.
    """

    TALK = "talk_sds011"
    model = "sds011"
    baud = 9600
    # A data frame a second and a reply to each command: 2 s of a main loop that is blocked are 40 bytes.
    rxbuf = 512
    ceiling = {"pm25": 999.9, "pm10": 999.9}  # a value here or above is saturated

    def __init__(self, mode=None):
        use_once("talk", "begin", self, Parser(), mode)
