"""When a sensor stays mute: what to try next, from the gentlest means to the strongest, and never give up.

Functions of a node.Seldom. The rungs are resync, reinit, sleep_wake if it can sleep and, with a switch for
its supply, power_cycle. measure.py has what goes on all the time: heard() and due().

counts  rung -> how often it was due, since the start
full    whole passes since the sensor was last heard
since   ms: the silence of this pass counts from here; None = no frame is expected
rung    the next one's number
"""

from micropython import const

_PAUSE_MS = const(60000)  # after the first whole pass, doubled by each further one
_LONGEST_MS = const(600000)
_RUNGS = ("resync", "reinit", "sleep_wake", "power_cycle")


def load(it, can_switch=False, can_sleep=True):
    """Nothing is expected yet."""
    it.counts = {}
    it.full = it.rung = 0
    it.since = None
    it.last = 3 if can_switch else 2 if can_sleep else 1


def expect(it, now):
    """The sensor was told to run. Nothing changes when it was expected to run already."""
    if it.since is None:
        it.since = now


def rest(it):
    """The sensor was told to sleep: it may be silent. A new expect() begins at the lowest rung."""
    it.since = None
    it.rung = 0


def climb(it, began):
    """The rung that is due. `began`: since when a pass would count that has its first rung now."""
    rung = _RUNGS[it.rung]
    it.counts[rung] = it.counts.get(rung, 0) + 1
    it.rung += 1
    if it.rung > it.last:
        # The next pass starts after a pause, which its own first rung's wait comes on top of.
        it.since = began + min(_PAUSE_MS << min(it.full, 4), _LONGEST_MS)
        it.rung = 0
        it.full += 1
    return rung
