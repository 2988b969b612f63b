"""Do the particle sensors of one node agree? Functions of a node.Seldom.

EPA's rule for PurpleAir's two channels, in Barkjohn, Gantt and Clements 2021, "Development and
application of a United States-wide correction for PM2.5 data collected with the PurpleAir sensor",
Atmos. Meas. Tech. 14, 4617-4637, section 3.2.3: a mean is discarded when the channels differ by 5 ug/m3
or more and also by 61 % or more (two standard deviations) of their mean: 2 |A - B| / (A + B).

The paper judges means of 24 h; here it is the last hour, so that a spider's web shows the same day. EPA's
programs for shorter means take 70 % in place of 61: the flag here comes up a little earlier, and no
value is dropped for it.

A sensor takes part with at least two minutes of values in the last hour; a silent one does not, and one
that runs for less than that in an hour cannot be judged. Memory: 14 numbers a slot.
"""

from micropython import const

_BIN_MS = const(600000)  # the hour is kept in six bins
_BINS = const(6)
_ENOUGH_S = const(120)  # of the hour, on each sensor
_LEAST = const(5)  # ug/m3
_PERCENT = const(61)


def load(it):
    """Nothing is known yet."""
    it.slots = {}  # slot -> seconds per bin, then sum of value * seconds per bin
    it.bin = 0  # number of the newest bin


def add(it, slot, pm25, now_ms, seconds=60):
    """A finished window's mean PM2.5 in ug/m3 (None = it had no value) and its length."""
    number = now_ms // _BIN_MS
    while it.bin < number:
        it.bin = max(it.bin + 1, number - _BINS)
        for bins in it.slots.values():
            bins[it.bin % _BINS] = 0
            bins[it.bin % _BINS + _BINS] = 0.0
    bins = it.slots.get(slot)
    if bins is None:
        it.slots[slot] = bins = [0] * _BINS + [0.0] * _BINS
    if pm25 is not None:
        bins[number % _BINS] += seconds
        bins[number % _BINS + _BINS] += pm25 * seconds


def disagrees(it, slot):
    """Whether a slot's sensor and another one disagree. Where the other is the odd one out, as it
    disagrees with more of the sensors than this one does, only the other is flagged."""
    mine = _against(it, slot)
    return any(_differ(it, slot, other) and _against(it, other) <= mine for other in it.slots)


def _against(it, slot):
    return sum(_differ(it, slot, other) for other in it.slots)


def _differ(it, one, other):
    a = _mean(it, one)
    b = _mean(it, other)
    if a is None or b is None:
        return False
    off = abs(a - b)
    return off >= _LEAST and 200 * off >= _PERCENT * (a + b)


def _mean(it, slot):
    bins = it.slots.get(slot, ())
    seconds = sum(bins[:_BINS])
    return sum(bins[_BINS:]) / seconds if seconds >= _ENOUGH_S else None
