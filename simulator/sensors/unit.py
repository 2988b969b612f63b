"""How one device of a series differs from the next, and how its start spoils the first readings."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """reading = (truth * gain + offset) * start-up + noise, never below zero.

    `noise` is the standard deviation in ug/m3 at zero, `noise_share` what is added per ug/m3. Just after the
    fan's start the reading is low by the share `drift`, and recovers with the time constant `drift_s`.
    """

    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    noise_share: float = 0.0
    drift: float = 0.0
    drift_s: float = 6.0

    @classmethod
    def draw(cls, chance: random.Random, *, share: float, absolute: float) -> Unit:
        """A unit within the datasheet's limits: `share` of the value, `absolute` in ug/m3.

        The limits are two and a half standard deviations; gain, offset and noise together keep to their sum.
        """
        return cls(
            gain=1 + _within(chance, 0.8 * share),
            offset=_within(chance, 0.4 * absolute),
            noise=0.03 * absolute,
            noise_share=0.05 * share,
            drift=chance.uniform(0.2, 0.5),
        )

    def measure(self, truth: float, fan_s: float, chance: random.Random) -> float:
        """A reading in ug/m3 when the fan has run for `fan_s` seconds."""
        start = 1 - self.drift * math.exp(-max(fan_s, 0.0) / self.drift_s)
        value = (max(truth, 0.0) * self.gain + self.offset) * start
        return max(0.0, value + chance.gauss(0.0, self.noise + self.noise_share * max(truth, 0.0)))


def _within(chance: random.Random, limit: float) -> float:
    return max(-limit, min(limit, chance.gauss(0.0, limit / 2.5)))
