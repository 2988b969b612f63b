"""Average the samples of one window in constant memory (Welford's method: mean and sum of squares)."""

# The wire contract's names, and the decimals their means are given with.
_DECIMALS = {
    "pm1": 2,
    "pm25": 2,
    "pm4": 2,
    "pm10": 2,
    "pm1_cf1": 2,
    "pm25_cf1": 2,
    "pm10_cf1": 2,
    "n03": 0,
    "n05": 0,
    "n1": 0,
    "n25": 0,
    "n5": 0,
    "n10": 0,
    "temp": 2,
    "rh": 2,
    "press": 2,
}
_SPREAD = ("pm25", "pm10")


class Sampler:
    def __init__(self):
        self.n = 0
        self._sums = {}  # name -> [count, mean, sum of squared deviations]

    def add(self, values):
        """Take one sample: a dict that may hold other things; what the contract does not name is left out."""
        self.n += 1
        for name in values:
            if name not in _DECIMALS:
                continue
            value = values[name]
            if value is None:
                continue
            sums = self._sums.get(name)
            if sums is None:
                self._sums[name] = [1, float(value), 0.0]
                continue
            sums[0] += 1
            off = value - sums[1]
            sums[1] += off / sums[0]
            sums[2] += off * (value - sums[1])

    def close(self):
        """Return {"n", means, "pm25_sd", "pm10_sd"} and start anew. No spread below two samples."""
        out = {"n": self.n}
        for name, decimals in _DECIMALS.items():
            sums = self._sums.get(name)
            if sums is None:
                continue
            out[name] = round(sums[1], decimals) if decimals else int(sums[1] + 0.5)
            if name in _SPREAD and sums[0] > 1:
                out[name + "_sd"] = round((max(sums[2], 0.0) / (sums[0] - 1)) ** 0.5, 2)
        self.n = 0
        self._sums = {}
        return out
