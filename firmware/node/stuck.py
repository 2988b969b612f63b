"""Does a particle sensor still measure, or does it repeat itself?"""

from micropython import const

_FRAMES = const(30)
_MS = const(600000)
_LOW_MS = const(3600000)
_LOW = const(10)  # ug/m3
_COUNTS = const(7)  # from here on _NAMES are particle counts
_NAMES = (
    "pm1",
    "pm25",
    "pm4",
    "pm10",
    "pm1_cf1",
    "pm25_cf1",
    "pm10_cf1",
    "n03",
    "n05",
    "n1",
    "n25",
    "n5",
    "n10",
)


class Stuck:
    """`stuck` is True while every PM value and count has been the same for at least 30 frames and 10 minutes;
    for an hour, when all of them are zero, or when there are no counts and no value is above 10 ug/m3. One
    value that differs ends it.

    Why this takes no healthy sensor for a stuck one, in clean air either (the limits are judgements):
    - Plantower: whole ug/m3 rest for minutes in clean air, but the counts per 0.1 L come along and move: n03
      is some hundreds there, and chance alone spreads a count of 100 by 10. A PMS3003 has no counts, so its
      small integers get the hour.
    - SDS011: steps of 0.1 ug/m3, of which even calm air spans several within minutes; near its limit of
      detection it may rest at 0.0 or 0.3, so it gets the hour there as well.
    - SPS30, SEN5x: floats or tenths of five sizes together, which move with every frame.
    - An hour of nothing but zeros is rare outdoors: it is a blocked inlet, a fan that stands still or a dead
      laser. In air below 1 ug/m3, a sensor that reads low may give it as well (of four emulated units of
      each model, half did at 0 and a quarter at 0.5 ug/m3, none at 1.5): it is a flag, the values stay.

    Sleep between the frames counts as time. Nothing is left to the collector but what see() compares with.
    """

    def __init__(self):
        self.stuck = False
        self._last = [None] * len(_NAMES)
        self._since = 0  # ms of the first of the equal frames
        self._frames = 0

    def see(self, event, now_ms):
        """Take one event of kind data."""
        last = self._last
        same = True
        low = zero = True
        for i in range(len(_NAMES)):
            value = event.get(_NAMES[i])
            if value != last[i]:
                last[i] = value
                same = False
            if value:
                zero = False
                if i >= _COUNTS or value > _LOW:
                    low = False
        if not same:
            self._since = now_ms
            self._frames = 0
        self._frames += 1
        need = _LOW_MS if zero or low else _MS
        self.stuck = self._frames >= _FRAMES and now_ms - self._since >= need
