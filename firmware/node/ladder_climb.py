"""What a Ladder (`it`) needs now and then only. Loaded for that."""

from micropython import const

_PAUSE_MS = const(60000)  # after the first whole pass, doubled by each further one
_LONGEST_MS = const(600000)
_RUNGS = ("resync", "reinit", "sleep_wake", "power_cycle")


def load(it, can_switch, can_sleep):
    """Nothing is expected yet."""
    it.counts = {}
    it.full = 0
    it._last = 3 if can_switch else 2 if can_sleep else 1
    it._since = None  # ms: the silence of this pass counts from here; None = no frame is expected
    it._rung = 0


def expect(it, now):
    """The sensor was told to run. Nothing changes when it was expected to run already."""
    if it._since is None:
        it._since = now


def rest(it):
    """The sensor was told to sleep: it may be silent. A new expect() begins at the lowest rung."""
    it._since = None
    it._rung = 0


def climb(it, began):
    """The rung that is due. `began`: since when a pass would count that has its first rung now."""
    rung = _RUNGS[it._rung]
    it.counts[rung] = it.counts.get(rung, 0) + 1
    it._rung += 1
    if it._rung > it._last:
        # The next pass starts after a pause, which its own first rung's wait comes on top of.
        it._since = began + min(_PAUSE_MS << min(it.full, 4), _LONGEST_MS)
        it._rung = 0
        it.full += 1
    return rung
