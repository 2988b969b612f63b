"""When a sensor stays mute: what to try next, from the gentlest means to the strongest, and never give up."""

from micropython import const

from node import Seldom

_FIRST_MS = const(10000)  # the rungs come at 10, 20, 40, 80 s of silence: each waits as long as all before it


class Ladder(Seldom):
    """The rungs are resync, reinit, sleep_wake if it can sleep and, with a switch for its supply,
    power_cycle.

    Frames without values, damaged bytes and garbage are silence too: heard() is for frames with values only.
    counts  rung -> how often it was due, since the start
    full    whole passes since the sensor was last heard
    """

    def __init__(self, can_switch=False, can_sleep=True):
        Seldom.__init__(self, "ladder_climb", can_switch, can_sleep)

    def heard(self, now):
        """A frame with values came."""
        self.full = self._rung = 0
        if self._since is not None:
            self._since = now

    def due(self, now):
        """The rung to try now, each once, or None. Ask at least every second."""
        if self._since is None or now - self._since < _FIRST_MS << self._rung:
            return None
        return self.climb(now - _FIRST_MS)
