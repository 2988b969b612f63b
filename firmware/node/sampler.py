"""What is kept of a sensor's samples, in constant memory: for a window's means, and for whether the sensor
still measures. What is made of it, close() and is_stuck(), is in window.py.

Mean and spread of PM2.5 and PM10 by Welford's method, which keeps its precision in the chip's 32-bit floats;
of the others a plain sum, which for whole numbers leaves nothing to the collector.
"""

from micropython import const

# Names on the wire. The order is the format of record.py: append, never reorder.
FIELDS = (
    "pm1",
    "pm25",
    "pm4",
    "pm10",
    "pm1_cf1",
    "pm25_cf1",
    "pm10_cf1",
    "pm25_sd",
    "pm10_sd",
    "n03",
    "n05",
    "n1",
    "n25",
    "n5",
    "n10",
    "temp",
    "rh",
    "press",
)
_PM25 = const(1)
_PM10 = const(3)
_PM25_SD = const(7)
_PM10_SD = const(8)
_TEMP = const(15)  # from here on it is no particles


class Sampler:
    def __init__(self):
        self.n = 0  # samples of the window
        # Of pm25 and pm10 the mean, and at the place of their spread the sum of squared deviations.
        self.sums = [0] * len(FIELDS)
        self.counts = [0] * len(FIELDS)  # how many of each
        self.last = [None] * _TEMP  # the newest particle values
        self.since = 0  # ms of the first of the equal frames
        self.frames = 0  # how many there were
        self.newest = 0  # ms of the last of them

    def add(self, values, samples=1):
        """Take one sample: a dict that may hold other things; what the contract does not name is left out.
        With samples=0 it counts for the means of what it holds, but not for `n`."""
        self.n += samples
        counts = self.counts
        sums = self.sums
        for i in range(len(FIELDS)):
            value = values.get(FIELDS[i])
            if value is None:
                continue
            counts[i] += 1
            if i in (_PM25, _PM10):
                off = value - sums[i]
                sums[i] += off / counts[i]
                sums[_PM25_SD if i == _PM25 else _PM10_SD] += off * (value - sums[i])
            else:
                sums[i] += value

    def see(self, event, now_ms):
        """Look whether a frame differs from the one before. Leaves nothing to the collector but what it
        compares with."""
        last = self.last
        for i in range(_TEMP):
            value = event.get(FIELDS[i])
            if value != last[i]:
                last[i] = value
                self.since = now_ms
                self.frames = 0
        self.frames += 1
        self.newest = now_ms
