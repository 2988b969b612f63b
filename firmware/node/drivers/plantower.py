"""Plantower PMS sensors on a UART at 9600 baud, and their frames, big-endian, on UART and I2C alike. Their
commands: node/talk_plantower.py.

Plantower's PMS5003 manual V2.3 (appendices I and II): 42 4D, length of the rest, 16-bit words, 16-bit sum of
all bytes before it. Length 28 is the x003 family, 20 the PMS3003, 36 the PMS5003ST (manual V2.6), 4 the
reply to a command. A PMS5003T sends length 28 with temperature and humidity where the others count
particles beyond 5 and 10 um (words 11 and 12).
"""

from micropython import const

from node import use_once
from node.duty import Duty
from node.frames import Resync

_LENGTHS = (28, 20, 36, 4)
# ug/m3. The manual's effective range ends at 500 and its output reaches "at least 1000"; devices in smoke
# were seen to give some thousands. More than this is no measurement.
_MAX = const(6000)
_COMMANDS = (0xE1, 0xE2, 0xE4)
_SEVERAL = const(5)  # so many frames in a row decide which model this is


class Parser(Resync):
    """Events: {"kind": "data", pm1 pm25 pm10 (atmospheric), pm1_cf1 pm25_cf1 pm10_cf1 in ug/m3,
    n03 n05 n1 n25 n5 n10 per 0.1 L}; the same with kind "error", "what": "device" and "code" when the
    sensor reports one; {"kind": "reply", "what": "mode"|"work"|"read", "value": int}.

    Length 20 has no counts and no error. A T has no n5 and n10; T and ST have temp (degC) and rh (%).
    Values: mode 0 = passive, 1 = active; work 0 = asleep, 1 = awake. `fw` is the version byte in hex.

    `model` follows the frames: five in a row of another kind change it, the length telling PMS3003 and ST.
    A T is told by its tail: counts are of all particles beyond a size, so they never grow with it
    (n03 >= n05 >= ... >= n10); a temperature and a humidity read as n5 and n10 nearly always do. With
    `sure` False, n5 and n10 are held back until five frames have decided; later a frame with a wrong tail
    is refused. What cannot be told: a T in air with more particles beyond 2.5 um (per 0.1 L) than ten times
    its temperature, and that more than ten times its humidity (30 degC and 20 % beside 300 particles); and
    a PMS5003, PMS7003 and PMSA003 from each other. Configured as pms5003t it is read as T, always.

    Refused as out_of_range: masses that fall with the size (each includes the one before) and counts that
    grow with it; no captured frame that was found does either. And channels that differ by more than a
    factor of 2 and 10 ug/m3: a judgement, as captured frames have 0.65 to 1 times the CF=1 value, or
    1 ug/m3 more. Changes that leave the sum as it is mostly touch one of the two.

    A frame of zeros with no version is what a sensor sends that has not measured yet, not clean air (PyPMS,
    "message empty: warming up sensor"): `not_ready`.
    """

    FIRST = 0x42
    SIZE = 40

    def __init__(self, model="pms5003", sure=True):
        super().__init__()
        self.model = model
        # What length 28 is when its tail counts.
        self._plain = "pms5003" if model in ("pms3003", "pms5003st") else model
        self._sure = sure
        self._rival = None  # what the newest frames were, and how many of them
        self._run = 0
        self._version = 0

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
        if length > 4:
            return self._doubt(at, length) or self._data(at, length)
        command, value = buf[at + 4], buf[at + 5]
        if command not in _COMMANDS:
            return "unknown"
        if value > 1:
            return "out_of_range"
        what = "mode" if command == 0xE1 else "work" if command == 0xE4 else "read"
        return {"kind": "reply", "what": what, "value": value}

    def _ordered(self, at, words, rising):
        """True if none of `words` words from `at` on falls (rising) or grows (not rising)."""
        for i in range(at, at + 2 * words - 2, 2):
            step = self._word(i + 2) - self._word(i)
            if step < 0 if rising else step > 0:
                return False
        return True

    def _doubt(self, at, length):
        word = self._word(at + 8)
        if word > _MAX or self._word(at + 14) > _MAX:
            return "out_of_range"
        if not (self._ordered(at + 4, 3, True) and self._ordered(at + 10, 3, True)):
            return "out_of_range"
        for i in range(at + 4, at + 10, 2):
            standard, ambient = self._word(i), self._word(i + 6)
            if ambient > 2 * standard + 10 or standard > 2 * ambient + 10:
                return "out_of_range"
        model = "pms3003"
        climate = 0
        if length > 20:
            if not self._ordered(at + 16, 4, False):
                return "out_of_range"
            for i in range(at + 4, at + length + 2):
                if self._buf[i]:
                    break
            else:
                return "not_ready"
            model = self._plain
            counts = self._ordered(at + 22, 3, False)
            if length == 36:
                model = "pms5003st"
                climate = at + 30
            elif self.model == "pms5003t" or not counts:
                model = "pms5003t"
                climate = at + 24
                counts = True
            # A temperature and humidity in 0.1 degC and % that can be.
            if climate and not (
                counts and (self._word(climate) + 400) & 0xFFFF <= 1390 and self._word(climate + 2) <= 1000
            ):
                return "out_of_range"
        if model != self._rival:
            self._rival = model
            self._run = 0
        if self._run < _SEVERAL:
            self._run += 1
            if self._run == _SEVERAL:
                self.model = model
                self._sure = True
        return "out_of_range" if model == "pms5003t" and self._sure and self.model != model else ""

    def _data(self, at, length):
        # One literal with all that any of them has: a dict that grows would leave its smaller tables to
        # the collector, frame by frame.
        event = {
            "kind": "data",
            "pm1": self._word(at + 10),
            "pm25": self._word(at + 12),
            "pm10": self._word(at + 14),
            "pm1_cf1": self._word(at + 4),
            "pm25_cf1": self._word(at + 6),
            "pm10_cf1": self._word(at + 8),
            "n03": None,
            "n05": None,
            "n1": None,
            "n25": None,
            "n5": None,
            "n10": None,
            "temp": None,
            "rh": None,
        }
        climate = 0
        word = at + 16
        for name in ("n03", "n05", "n1", "n25", "n5", "n10"):
            if length == 20:
                del event[name]
            else:
                event[name] = self._word(word)
                word += 2
        if length == 36:
            climate = at + 30  # the word before is formaldehyde, which the wire contract does not carry
        elif length == 28:
            if self.model == "pms5003t":
                climate = at + 24
            if climate or not self._sure:
                del event["n5"], event["n10"]
        if climate:
            temp = self._word(climate)
            event["temp"] = (temp - 0x10000 if temp & 0x8000 else temp) / 10
            event["rh"] = self._word(climate + 2) / 10
        else:
            del event["temp"], event["rh"]
        if length == 20:
            return event
        version, code = self._buf[at + length], self._buf[at + length + 1]
        if version != self._version:
            self._version = version
            self.fw = "%02x" % version
        if code:
            event["kind"] = "error"
            event["what"] = "device"
            event["code"] = code
        return event


class Plantower(Duty):
    """Wake or sleep on demand; mode "active" (the default, frames by themselves) or "passive" (a frame for
    each read command, one a second). `model`: any that Parser knows; it may be corrected by the frames.

    A sensor that stayed powered keeps its mode and its sleep across a reboot of the board, so both are set
    each time. It does not answer a wake; its frames prove it. A PMS3003 knows no passive mode.
    """

    TALK = "talk_plantower"
    baud = 9600
    # Fast mode gives a frame every 200 ms (manual: 200 to 800), at most 40 bytes: 2 s of a main loop that is
    # blocked are 400 bytes, and some replies of 8.
    rxbuf = 1024
    # A value here or above is saturated. The parser sees to it that PM10 is the greatest of each channel.
    ceiling = {"pm10": 1000, "pm10_cf1": 1000, "n03": 65535}

    def __init__(self, model="pms5003", mode=None):
        self.model = model
        use_once("talk", "begin", self, Parser(model, False), mode)
