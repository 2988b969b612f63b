"""What the UART sensors' duty cycles share: one command at a time, repeated until it is answered or proven.

Sans I/O: `tick(now)` gives bytes to write or None, `feed(data)` takes what was read. `now` is ms since boot.
A sensor that falls silent is no matter of the driver: the node's ladder calls reset(), wake() and more.
"""

from micropython import const

IDLE = 0
_PAUSE_MS = const(1000)  # between tries of a command, and between questions for data
_LONG_PAUSE_MS = const(10000)  # after five tries: a mute sensor is asked for ever, but not in a hurry
_GRACE_MS = const(1500)  # a frame already under way when the sensor confirmed its sleep


class Duty:
    """A subclass gives model, baud, rxbuf, ceiling; WAKE and SLEEP (its first steps), SILENCE_MS; _command,
    _on_reply and _on_data; and, for a sensor that speaks only when asked, `_ask` (bytes)."""

    model = ""
    bus = "uart"
    climate_flag = None
    warmup_s = 30  # from wake to values that can be trusted: Nova's and Plantower's documents alike
    WAKE = 1
    SLEEP = 2
    SILENCE_MS = 3000  # so long without a frame after three sleep commands is sleep too

    def __init__(self, parser):
        self.parser = parser
        self.frames = 0
        self.rejects = parser.rejects  # counts since the start by reason
        self.retries = 0
        self.id = self.fw = None  # as the sensor tells; kept here, as a property costs 200 bytes of heap
        self.awake_since = None  # ms: when the wake command that took effect was written; None = not proven
        self._ask = None
        self._want_awake = None
        self._step = IDLE
        self._tries = 0
        self._now = 0
        self._sent = 0
        self._wake_sent = None
        self._heard = None  # ms of the newest data frame
        self._asked = 0  # questions since the last data frame, where it is asked for each
        self._since = 0  # ms when the dialogue last came to rest

    @property
    def settled(self):
        """True when the sensor is as it was last asked to be, as far as it can be known."""
        return self._step == IDLE

    def wake(self, now):
        """Start to measure; the commands come out of tick(). Called again, it sets everything anew."""
        self._now = now
        self._want_awake = True
        self._wake_sent = self._heard = None
        self.awake_since = None
        self._go(self.WAKE)

    def sleep(self, now):
        """Stop fan and laser; the commands come out of tick()."""
        self._now = now
        self._want_awake = False
        self._heard = None
        self.awake_since = None
        self._go(self.SLEEP)

    def reset(self):
        """Forget half a frame and begin the dialogue under way anew."""
        self.parser.drop()
        if self._step != IDLE:
            self._go(self.WAKE if self._want_awake else self.SLEEP)

    def failed(self, now):
        """A UART acknowledges nothing, so nothing can fail."""

    def tick(self, now):
        """Bytes to write now, or None. Call it at least every 100 ms, before feed()."""
        self._now = now
        if self._step == IDLE:
            if not self._ask or not self._want_awake or now - self._sent < _PAUSE_MS:
                return None
            self._sent = now
            self._asked += 1
            return self._ask
        if self._tries and now - self._sent < self._pause():
            return None
        silent = self._heard is None or now - self._heard >= self.SILENCE_MS
        if self._step == self.SLEEP and self._tries >= 3 and silent:
            self._go(IDLE)
            return None
        command = self._command(now)
        if command is None:
            return None
        self._tries += 1
        self._sent = now
        if self._step == self.WAKE:
            self._wake_sent = now
        return command

    def feed(self, data):
        """Take bytes; return the events that carry measured values (kind data or error)."""
        parser = self.parser
        events = parser.feed(data)
        self.frames = parser.frames
        self.id = parser.id
        self.fw = parser.fw
        if parser.model:
            self.model = parser.model
        i = 0
        while i < len(events):
            if events[i]["kind"] == "reply":
                self._on_reply(events.pop(i))
                continue
            i += 1
            self._heard = self._now
            if self._want_awake:
                if self._wake_sent is not None and self.awake_since is None:
                    self._woke()
                self._on_data()
            elif self._want_awake is False and self._step == IDLE and self._now - self._since > _GRACE_MS:
                self._go(self.SLEEP)  # it measures again, by a power cut of its own perhaps
        return events

    def _pause(self) -> int:
        return _PAUSE_MS if self._tries < 5 else _LONG_PAUSE_MS

    def _go(self, step):
        self._step = step
        self._tries = 0
        if step == IDLE:
            self._since = self._now

    def _woke(self):
        self.awake_since = self._now if self._wake_sent is None else self._wake_sent

    # For the subclass.

    def _command(self, now):
        """Bytes of the current step, None for nothing; may move to another step first. Counts `retries`."""
        raise NotImplementedError

    def _on_reply(self, event):
        raise NotImplementedError

    def _on_data(self):
        """A data frame came while the sensor is to be awake."""
