"""How the dialogue of Sensirion's PM sensors goes over I2C: a command in one tick, its answer in a later one.

SPS30 datasheet (version 1.0) sections 6.1 and 6.3, SEN5x datasheet (version 2) section 6: a command of 16
bits, its execution time, then words of two bytes with a CRC each. The acknowledge is all that a command
without answer gets.
"""

from micropython import const

from .sensirion import intact
from .sensirion_pm import Dialogue

# As in sensirion_pm.
_HELLO = const(1)
_START = const(5)
_READY = const(8)

_WRITTEN = const(1)  # phases of one step: the command is written, the answer is asked for
_ASKED = const(2)


class I2cDialogue(Dialogue):
    """A subclass gives STEPS (for each step the command, its time in ms, bytes of the answer) and FORMAT
    (what the start of measuring takes)."""

    bus = "i2c"
    addresses = (0x69,)
    address = 0x69
    POLL = _READY
    STEPS = b""
    FORMAT = b""

    def tick(self, now):
        """Bytes to write, how many bytes to read, or None. Call it at least every 100 ms."""
        if self._phase == _WRITTEN:
            at = 4 * self._step + 2
            if now - self._sent < self.STEPS[at]:
                return None
            self._now = now
            if self.STEPS[at + 1]:
                self._phase = _ASKED
                return self.STEPS[at + 1]
            self._answer(b"")
        step = self._due(now)
        if not step:
            return None
        self._phase = _WRITTEN
        out = self.STEPS[4 * step : 4 * step + 2]
        return out + self.FORMAT if step == _START else out

    def feed(self, data):
        """Take the bytes that were asked for; return the events that carry measured values."""
        if self._phase != _ASKED:
            return []
        self._phase = 0
        n = self.STEPS[4 * self._step + 3]
        if not intact(data, n // 3):
            self._reject("crc" if len(data) == n else "length")
            self._again()
            return []
        self.frames += 1
        words = bytearray(n // 3 * 2)
        for i in range(len(words)):
            words[i] = data[i // 2 * 3 + i % 2]
        return self._answer(words)

    def failed(self, now):
        """The transfer just asked for got no acknowledge, or timed out."""
        self._now = now
        if not self._phase:
            return
        self._phase = 0
        if self._step == _HELLO and not self.STEPS[7]:  # a wake-up is not acknowledged by one that sleeps
            self._answer(b"")
            return
        self._reject("no_ack")
        self._again()

    def _again(self):
        self._next = self._now + (200 if self._tries < 5 else 5000)
