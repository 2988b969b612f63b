"""Average the samples of one window in constant memory.

Mean and spread of PM2.5 and PM10 by Welford's method, which keeps its precision in the chip's 32-bit floats;
of the others a plain sum, which for whole numbers leaves nothing to the collector.
"""

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
_SPREAD = ("pm25", "pm10")


class Sampler:
    def __init__(self):
        self.n = 0
        # name -> [count, sum], and for what has a spread [count, mean, sum of squared deviations]
        self._sums = {}

    def add(self, values, samples=1):
        """Take one sample: a dict that may hold other things; what the contract does not name is left out.
        With samples=0 it counts for the means of what it holds, but not for `n`."""
        self.n += samples
        for name in values:
            if name not in FIELDS:
                continue
            value = values[name]
            if value is None:
                continue
            sums = self._sums.get(name)
            if sums is None:
                self._sums[name] = [1, value, 0.0] if name in _SPREAD else [1, value]
                continue
            sums[0] += 1
            if len(sums) == 2:
                sums[1] += value
                continue
            off = value - sums[1]
            sums[1] += off / sums[0]
            sums[2] += off * (value - sums[1])

    def close(self):
        """Return {"n", means, "pm25_sd", "pm10_sd"} and start anew. No spread below two samples."""
        out = {}
        out["n"] = self.n
        for name in FIELDS:
            sums = self._sums.get(name)
            if sums is None:
                continue
            mean = sums[1] if name in _SPREAD else sums[1] / sums[0]
            out[name] = int(mean + 0.5) if name[0] == "n" else round(float(mean), 2)
            if name in _SPREAD and sums[0] > 1:
                out[name + "_sd"] = round((max(sums[2], 0.0) / (sums[0] - 1)) ** 0.5, 2)
        self.n = 0
        self._sums = {}
        return out
