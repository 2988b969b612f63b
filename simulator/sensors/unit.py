"""How one device of a series differs from the next, how its start spoils the first readings, how it ages."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

LEAST_GAIN = 0.2  # of a new device's, however old: a laser that is worn out still glows


@dataclass(frozen=True)
class Unit:
    """reading = (truth * gain + offset) * start-up + noise, never below zero.

    `noise` is the standard deviation in ug/m3 at zero, `noise_share` what is added per ug/m3. Just after the
    fan's start the reading is low by the share `drift`, and recovers with the time constant `drift_s`.

    Ageing: the scattered light, and so the gain, falls with the laser's power, evenly by the share `loss` in
    `life_h` hours of work; the noise doubles in that time. That it is even and how the noise grows are
    judgements; the devices say where their loss and life come from.
    """

    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    noise_share: float = 0.0
    drift: float = 0.0
    drift_s: float = 6.0
    loss: float = 0.2
    life_h: float = 8000.0

    @classmethod
    def draw(
        cls,
        chance: random.Random,
        *,
        share: float,
        absolute: float,
        loss: float = 0.2,
        life_h: float = 8000.0,
    ) -> Unit:
        """A unit within the datasheet's limits: `share` of the value, `absolute` in ug/m3.

        The limits are two and a half standard deviations; gain, offset and noise together keep to their sum.
        """
        return cls(
            gain=1 + _within(chance, 0.8 * share),
            offset=_within(chance, 0.4 * absolute),
            noise=0.03 * absolute,
            noise_share=0.05 * share,
            drift=chance.uniform(0.2, 0.5),
            loss=loss,
            life_h=life_h,
        )

    def measure(self, truth: float, fan_s: float, chance: random.Random, age_h: float = 0.0) -> float:
        """A reading in ug/m3 when the fan has run for `fan_s` seconds and the device for `age_h` hours."""
        worn = age_h / self.life_h
        start = 1 - self.drift * math.exp(-max(fan_s, 0.0) / self.drift_s)
        gain = self.gain * max(LEAST_GAIN, 1 - self.loss * worn)
        noise = (self.noise + self.noise_share * max(truth, 0.0)) * (1 + worn)
        value = (max(truth, 0.0) * gain + self.offset) * start
        return max(0.0, value + chance.gauss(0.0, noise))


def _within(chance: random.Random, limit: float) -> float:
    return max(-limit, min(limit, chance.gauss(0.0, limit / 2.5)))
