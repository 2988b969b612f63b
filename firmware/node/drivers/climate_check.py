"""What the climate sensors share: their pace, their counters, and when their values are not to be believed.

Sans I/O, one transfer a tick. A poll every 5 s: so short a measurement heats the chip by nothing that counts
(an SHT at 5 s averages some microwatts, a BME280 less), and the sensors' own responses take 1 to 8 s. A
failed poll starts anew after 2 s, which a DHT22 needs and the others do not mind. The times are judgements.
"""

from micropython import const

_POLL_MS = const(5000)
_RETRY_MS = const(2000)
_FAILED = const(3)  # polls in a row without a value
_WET = 99.9  # %
_WET_MS = const(3600000)


class Probe:
    """A subclass gives model, addresses, STEPS, HIGH (degC, the end of its range) and feed(data), which takes
    what the last tick asked for and returns a list of at most one event.

    STEPS is flat: what to write (bytes) or how many bytes to read (int), then the ms until the next step;
    step 0 begins anew, FIRST begins a measurement. In feed, `_step` is already the next one.
    SAME: so often may the raw words repeat and no more.

    climate_flag:
      climate_error   three polls in a row failed, or a value lay outside the sensor's range
      climate_stuck   humidity stood at 99.9 % or more for over an hour, or the raw words repeat more often
                      than noise lets them. Fog is real: the values stay, and the flag says that they carry no
                      information.
    Each is taken back by the next poll that gives no reason for it.
    """

    bus = "i2c"
    id = None
    fw = None
    addresses = (None,)
    STEPS = ()
    FIRST = 0
    HIGH = 125
    # Two minutes. See each driver for how improbable that is with its noise.
    SAME = 24

    def __init__(self):
        self.climate_flag = None
        self.frames = 0
        self.retries = 0
        self.rejects = {}
        self.address = self.addresses[0]
        self._due = 0
        self._now = 0
        self._step = 0
        self._bad = 0  # polls without a value since the last good one
        self._raw = b""
        self._same = 0
        self._wet = None  # ms when humidity reached _WET

    def tick(self, now):
        """Bytes to write, or the number of bytes to read, or None."""
        self._now = now
        if now < self._due:
            return None
        # Behind the last step: nobody said what became of its transfer.
        at = 2 * self._step % len(self.STEPS)
        self._step = at // 2 + 1
        self._due = now + self.STEPS[at + 1]
        return self.STEPS[at]

    def failed(self, now):
        """The transfer got no acknowledge or timed out."""
        self._now = now
        self._fail("no_ack")

    def reset(self):
        """Forget the dialogue and begin it anew; not at once, for a DHT22's sake."""
        self._step = 0
        self._due = self._now + _RETRY_MS

    def _fail(self, reason):
        """No value this time: count why, begin anew."""
        self.rejects[reason] = self.rejects.get(reason, 0) + 1
        self.retries += 1
        self.reset()
        self._bad += 1
        if self._bad >= _FAILED or reason == "out_of_range":
            self.climate_flag = "climate_error"
        return []

    def _end(self, raw, temp, rh, press=None):
        """A poll is done: judge it. `raw` are the bytes that the values are from; None = not measured."""
        event = {"kind": "data"}
        off = False
        for name, value, low, high in (
            ("temp", temp, -40, self.HIGH),
            ("rh", rh, 0, 100),
            ("press", press, 300, 1100),
        ):
            if value is None:
                continue
            if low <= value <= high:  # which NaN is not
                event[name] = value
            else:
                off = True
        if len(event) < 2:
            return self._fail("out_of_range" if off else "state")
        flag = None
        now = self._now
        if raw == self._raw:
            self._same += 1
        else:
            self._raw = bytes(raw)
            self._same = 0
        if rh is None or rh < _WET:
            self._wet = None
        elif self._wet is None:
            self._wet = now
        elif now - self._wet > _WET_MS:
            flag = "climate_stuck"
        if self._same >= self.SAME:
            flag = "climate_stuck"
        if off:
            flag = "climate_error"
            self.rejects["out_of_range"] = self.rejects.get("out_of_range", 0) + 1
        self.climate_flag = flag
        self.frames += 1
        self._bad = 0
        self._step = self.FIRST
        self._due = now + _POLL_MS
        return [event]
