"""What the UART sensors' duty cycles share: one command at a time, repeated until it is answered or proven.

Sans I/O: `tick(now)` gives bytes to write or None, `feed(data)` takes what was read. `now` is ms since boot.
A sensor that falls silent is no matter of the driver: the node's ladder calls reset(), wake() and more.

Here is what goes on all the time. The dialogue, in which a sensor is woken, set up or sent to sleep, is in
node/talk.py and, for each maker, in the module that TALK names: loaded when a command is due or answered.
"""

# pyright: reportAttributeAccessIssue=false
# talk.py gives a driver its attributes.

from micropython import const

from node import use_once

_PAUSE_MS = const(1000)  # between questions for data
_UNASKED = const(4)  # so many frames in a row not at one question each: it is active, by a brown-out perhaps


class Duty:
    """A subclass gives model, baud, rxbuf, ceiling and TALK.

    settled  True when the sensor is as it was last asked to be, as far as it can be known
    """

    TALK = ""
    bus = "uart"
    climate_flag = None
    warmup_s = 30  # from wake to values that can be trusted: Nova's and Plantower's documents alike
    settled = True
    # Of a sensor that speaks only when asked:
    _ask = None  # what asks for data
    _asked = 0  # questions since the last data frame
    _unasked = 0  # data frames in a row that did not come at one question each

    def wake(self, now):
        """Start to measure; the commands come out of tick(). Called again, it sets everything anew."""
        use_once("talk", "wake", self, now)

    def sleep(self, now):
        """Stop fan and laser; the commands come out of tick()."""
        use_once("talk", "sleep", self, now)

    def reset(self):
        """Forget half a frame and begin the dialogue under way anew."""
        use_once("talk", "reset", self)

    def failed(self, now):
        """A UART acknowledges nothing, so nothing can fail."""

    def tick(self, now):
        """Bytes to write now, or None. Call it at least every 100 ms, before feed()."""
        self._now = now
        if self._due is None or now < self._due:
            return None
        if not self.settled:
            return use_once("talk", "send", self, now)
        self._due = now + _PAUSE_MS
        self._asked += 1
        return self._ask

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
                use_once("talk", "accept", self, events.pop(i))
                continue
            i += 1
            self._heard = self._now
            tells = self._want_awake is False and self.settled
            if self._want_awake:
                if self._ask and self.settled:
                    self._unasked = 0 if self._asked == 1 else self._unasked + 1
                    self._asked = 0
                tells = self.awake_since is None or self._step == self._proof or self._unasked >= _UNASKED
            if tells:
                use_once("talk", "heard", self)
        return events
