"""Plantower PMSA003I over I2C: the PMSA003's frame of 32 bytes, read at address 12 hex.

Plantower's PMSA003I manual (V2.6) via Adafruit's and SparkFun's drivers for it: a read of 32 bytes gives the
newest frame, no register is written first, 100 kHz at most. It knows no command at all: only its SET pin
(low = sleep) and a switched supply stop fan and laser.
"""

from micropython import const

from .plantower import Parser

_SIZE = const(32)
# The manual has new values every 200 ms to 2.3 s, as in the UART models' active mode. Once a second is what
# the makers' examples ask; a frame that has not changed is taken for a new one only after the 2.3 s.
_PERIOD_MS = const(1000)
_SAME_MS = const(2300)
_RESTARTED = const(3)  # so many reads in a row without an answer: it may have lost its supply meanwhile


class Pmsa003i:
    """Polled once a second while awake. sleep() only stops the polling: the sensor runs on, and wears."""

    model = "pmsa003i"
    bus = "i2c"
    addresses = (0x12,)
    address = 0x12
    id = None
    climate_flag = None
    warmup_s = 30  # PMS5003 manual V2.3: stable data 30 s after the fan starts
    settled = True
    retries = 0
    # A value here or above is saturated. The parser sees to it that PM10 is the greatest of each channel.
    ceiling = {"pm10": 1000, "pm10_cf1": 1000, "n03": 65535}

    def __init__(self):
        self.parser = Parser("pmsa003i")
        self.frames = 0
        self.rejects = self.parser.rejects  # counts since the start by reason
        self.fw = None
        self.awake_since = None  # ms: the wake that an answer has proven
        self._last = bytearray(_SIZE)
        self._awake = False
        self._now = 0
        self._asked = -_PERIOD_MS
        self._given = -_SAME_MS  # ms of the newest event
        self._start = 0
        self._missed = 0  # reads in a row without an answer

    def wake(self, now):
        """Start to poll."""
        self._awake = True
        self._start = now
        self.awake_since = None

    def sleep(self, now):
        """Stop to poll; the sensor has no command for more."""
        self._awake = False
        self.awake_since = None

    def reset(self):
        """Nothing is held between two reads."""

    def tick(self, now):
        """32 when a frame is to be read now, or None."""
        self._now = now
        if not self._awake or now - self._asked < _PERIOD_MS:
            return None
        self._asked = now
        return _SIZE

    def failed(self, now):
        """The read got no acknowledge."""
        self.parser._reject("no_ack")
        self._missed += 1
        if self._missed == _RESTARTED:
            self.awake_since = None

    def feed(self, data):
        """The events of one read; none for a frame that was given before."""
        events = self.parser.feed(data)
        if events:
            last = self._last
            same = True
            for i in range(_SIZE):
                if last[i] != data[i]:
                    last[i] = data[i]
                    same = False
            if self.awake_since is None and self._awake:
                self.awake_since = self._start if self._missed < _RESTARTED else self._now
            self._missed = 0
            if same and self._now - self._given < _SAME_MS:
                events.clear()
            else:
                self._given = self._now
                self.frames += 1
                self.fw = self.parser.fw
        self.parser.flush()  # what is left is no beginning: each read is a frame of its own
        return events
