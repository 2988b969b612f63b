"""Sensirion SPS30 over UART: SHDLC frames at 115200 baud. Datasheet version 1.0, section 5."""

from micropython import const

from .sensirion_pm import Dialogue
from .shdlc import Parser, frame
from .sps30 import values

# As in sensirion_pm.
_HELLO = const(1)
_START = const(5)
_STOP = const(6)
_SLEEP = const(7)
_READ = const(9)
# For each step its command, how many bytes of data, and these (table 7). The status register is cleared as
# it is read: a fan's failure would stay in it for ever.
_STEPS = (
    b"\x00\x00\x00\x00"
    b"\x11\x00\x00\x00"
    b"\xd3\x00\x00\x00"
    b"\xd0\x01\x03\x00"
    b"\xd1\x00\x00\x00"
    b"\x00\x02\x01\x03"  # floats
    b"\x01\x00\x00\x00"
    b"\x10\x00\x00\x00"
    b"\x00\x00\x00\x00"
    b"\x03\x00\x00\x00"
    b"\x56\x00\x00\x00"
    b"\xd2\x01\x01\x00"
)
_NOT_NOW = const(0x43)  # command not allowed in the current state, table 6


class Sps30Uart(Dialogue):
    """Firmware 1 knows no sleep: stopped is then all. Error codes are counted as `state`, except where they
    say that the sensor is already as it should be; an answer that nobody waits for counts as `unknown`."""

    model = "sps30"
    bus = "uart"
    baud = 115200
    # It speaks only when asked, and the longest answer is 92 bytes when all of it is stuffed, so a blocked
    # main loop finds one, or two when it asked again.
    rxbuf = 256

    def __init__(self):
        super().__init__()
        self.parser = Parser()
        self.rejects = self.parser.rejects
        self._values = values
        self._late = self._more = 0  # the command answered last, and answers to its repetitions still to come

    def reset(self):
        """Forget half a frame and begin the dialogue under way anew."""
        self.parser.drop()
        super().reset()

    def failed(self, now):
        """A UART acknowledges nothing, so nothing can fail."""

    def tick(self, now):
        """Bytes to write now, or None. Call it at least every 100 ms, before feed()."""
        step = self._due(now)
        if not step:
            return None
        at = 4 * step
        out = frame(_STEPS[at], _STEPS[at + 2 : at + 2 + _STEPS[at + 1]])
        # A sensor that sleeps needs a low pulse before the wake-up, section 5.3.5. Awake, it passes it over.
        return b"\xff" + out if step == _HELLO else out

    def feed(self, data):
        """Take bytes; return the events that carry measured values (kind data or error)."""
        events = []
        for reply in self.parser.feed(data):
            events += self._reply(reply)
        self.frames = self.parser.frames
        return events

    def _reply(self, reply):
        step = self._step
        command = reply["command"]
        if reply["address"] or not self._tries or command != _STEPS[4 * step]:
            if command == self._late and self._more:
                self._more -= 1
            else:
                self._reject("unknown")
            return []
        self._late = command
        self._more = self._tries - 1
        state = reply["state"]
        # Bit 7: a failure of fan or laser (section 5.2). The register tells which; firmware 1 has none.
        if not state & 0x80:
            if self._fault == "device":
                self._fault = None
        elif not self._fault:
            self._fault = "device"
            self._check = self._now
        state &= 0x7F
        if not state:
            return self._answer(reply["data"])
        if step == _HELLO or (state == _NOT_NOW and step in (_START, _STOP)):
            awake = self.awake_since  # it stands when the sensor measures already
            self._answer(b"")
            if awake is not None:
                self.awake_since = awake
            return []
        self._reject("state")
        if state == _NOT_NOW and step != _SLEEP:
            self._go(_START if self._want_awake else _STOP)
        elif state == _NOT_NOW:
            self._go(_STOP)
        elif step != _START and step != _READ:
            self._answer(b"")  # it does not know this: go on without
        return []
