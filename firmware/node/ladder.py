"""When a sensor stays mute: what to try next, from the gentlest means to the strongest, and never give up."""

from micropython import const

_FIRST_MS = const(10000)  # the rungs come at 10, 20, 40, 80 s of silence: each waits as long as all before it
_PAUSE_MS = const(60000)  # after the first whole pass, doubled by each further one
_LONGEST_MS = const(600000)
_RUNGS = ("resync", "reinit", "sleep_wake", "power_cycle")


class Ladder:
    """The rungs are resync, reinit, sleep_wake if it can sleep and, with a switch for its supply,
    power_cycle.

    Frames without values, damaged bytes and garbage are silence too: heard() is for frames with values only.
    counts  rung -> how often it was due, since the start
    full    whole passes since the sensor was last heard
    """

    def __init__(self, can_switch=False, can_sleep=True):
        self.counts = {}
        self.full = 0
        self._last = 3 if can_switch else 2 if can_sleep else 1
        self._since = None  # ms: the silence of this pass counts from here; None = no frame is expected
        self._rung = 0

    def expect(self, now):
        """The sensor was told to run. Nothing changes when it was expected to run already."""
        if self._since is None:
            self._since = now

    def rest(self):
        """The sensor was told to sleep: it may be silent. A new expect() begins at the lowest rung."""
        self._since = None
        self._rung = 0

    def heard(self, now):
        """A frame with values came."""
        self.full = self._rung = 0
        if self._since is not None:
            self._since = now

    def due(self, now):
        """The rung to try now, each once, or None. Ask at least every second."""
        if self._since is None or now - self._since < _FIRST_MS << self._rung:
            return None
        rung = _RUNGS[self._rung]
        self.counts[rung] = self.counts.get(rung, 0) + 1
        self._rung += 1
        if self._rung > self._last:
            # The next pass starts after a pause, which its own first rung's wait comes on top of.
            self._since = now + min(_PAUSE_MS << min(self.full, 4), _LONGEST_MS) - _FIRST_MS
            self._rung = 0
            self.full += 1
        return rung
