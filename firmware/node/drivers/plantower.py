"""Plantower PMS sensors on a UART: 9600 baud, and the commands of their duty cycle.

Plantower's PMS5003 manual V2.3, appendix II: 42 4D, command, 16-bit value, 16-bit sum of all bytes before it.
E1 sets the mode (0 passive, 1 active), E2 reads in passive mode, E4 sleeps (0) and wakes (1).
"""

from micropython import const

from .duty import Duty
from .plantower_parser import Parser

_WAKE = const(1)
_MODE = const(2)
_SLEEP = const(3)
_WAKE_PAUSE_MS = const(200)  # between wake and the next command
_MODE_PAUSE_MS = const(3000)  # the first frame after a wake takes so long
_UNASKED = const(4)  # so many frames in a row not at one question each: it is active, by a brown-out perhaps


class Plantower(Duty):
    """Wake or sleep on demand; mode "active" (the default, frames by themselves) or "passive" (a frame for
    each read command, one a second). `model`: any that Parser knows; it may be corrected by the frames.

    A sensor that stayed powered keeps its mode and its sleep across a reboot of the board, so both are set
    each time. It does not answer a wake; its frames prove it. A PMS3003 knows no passive mode.
    """

    baud = 9600
    # Fast mode gives a frame every 200 ms (manual: 200 to 800), at most 40 bytes: 2 s of a main loop that is
    # blocked are 400 bytes, and some replies of 8.
    rxbuf = 1024
    # A value here or above is saturated. The parser sees to it that PM10 is the greatest of each channel.
    ceiling = {"pm10": 1000, "pm10_cf1": 1000, "n03": 65535}

    WAKE = _WAKE
    SLEEP = _SLEEP
    SILENCE_MS = 6000  # frames come 2.3 s apart in calm air

    def __init__(self, model="pms5003", mode=None):
        super().__init__(Parser(model, False))
        self._unasked = 0
        self.model = model
        if mode == "passive" and model != "pms3003":
            self._ask = b"\x42\x4d\xe2\x00\x00\x01\x71"

    def _pause(self) -> int:
        if self._step == _WAKE:
            return _WAKE_PAUSE_MS
        if self._step == _MODE:
            return _MODE_PAUSE_MS
        return super()._pause()

    def _command(self, now):
        if self._step == _WAKE and self._tries:
            self._step = _MODE
            self._tries = 0
        elif self._tries:
            self.retries += 1
            if self._step == _MODE:
                # One that was made passive and whose answers are lost will still answer when it is read.
                self._go(0 if self._ask and self.retries % 3 == 0 else _WAKE)
        if self._step == 0:
            return None
        if self._step == _WAKE:
            return b"\x42\x4d\xe4\x00\x01\x01\x74"
        if self._step == _SLEEP:
            return b"\x42\x4d\xe4\x00\x00\x01\x73"
        return b"\x42\x4d\xe1\x00\x00\x01\x70" if self._ask else b"\x42\x4d\xe1\x00\x01\x01\x71"

    def _on_reply(self, event):
        what, value = event["what"], event["value"]
        if what == "work" and value == 0 and self._step == _SLEEP:
            self._go(0)
        elif what == "mode" and value == (not self._ask) and self._step == _MODE:
            self._woke()
            self._go(0)

    def _on_data(self):
        if self._step == _MODE and self._tries and not self._ask:
            self._go(0)
        if self._ask and self._step == 0:
            self._unasked = 0 if self._asked == 1 else self._unasked + 1
            self._asked = 0
            if self._unasked >= _UNASKED:
                self._unasked = 0
                self._go(_MODE)
