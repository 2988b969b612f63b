"""Numbers that come out the same on every machine: chance by counting, and exp and cos of our own.

Chance: a number is a hash of what it is for (seed, purpose, place, time), by the finaliser of SplitMix64
(Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195). There is no state, so no order of asking matters.
Only whole numbers, + - * / sqrt, rint and ldexp are used on arrays, which IEEE 754 defines to the last bit.
numpy's own exp and cos are not used: their last bit differs between processors and versions. Sums run in a
fixed order (loops over terms), never by numpy.sum or a matrix product, which choose theirs by the processor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_MIX1, _MIX2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_LN2_HIGH, _LN2_LOW, _LOG2_E = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 1.4426950408889634
_TURN = 6.283185307179586


def key(*parts: int | str) -> int:
    """64 bits for what a number is for: key(seed, "wind"). The same in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def mixed(base: int | Keys, counters: npt.ArrayLike) -> Keys:
    """64 random bits for each of `counters` (whole numbers); `base` is a key or an array of such."""
    at = np.atleast_1d(np.asarray(counters)).astype(np.int64).view(np.uint64)
    start = np.atleast_1d(np.asarray(base, dtype=np.uint64))
    bits = at * np.uint64(_STEP) + start
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(_MIX1)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(_MIX2)
    bits ^= bits >> np.uint64(31)
    return bits


def uniform(bits: Keys) -> Floats:
    """Evenly in [0, 1)."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(bits: Keys) -> Floats:
    """Mean 0 and standard deviation 1, between -3.47 and 3.47: the sum of four even 16-bit numbers."""
    low = np.uint64(0xFFFF)
    total = (
        (bits & low)
        + ((bits >> np.uint64(16)) & low)
        + ((bits >> np.uint64(32)) & low)
        + (bits >> np.uint64(48))
    )
    # The variance of one is (65536^2 - 1) / 12.
    return (total.astype(np.float64) - 2 * 65535.0) * (1.7320508075688772 / 65536.0)


def exp(x: npt.ArrayLike) -> Floats:
    """e to the x for -700 to 700, to some 1e-15 of the value."""
    value = np.minimum(np.maximum(np.asarray(x, dtype=np.float64), -700.0), 700.0)
    power = np.rint(value * _LOG2_E)
    rest = value - power * _LN2_HIGH
    rest = rest - power * _LN2_LOW
    out = np.full_like(rest, 1.0 / 6227020800.0)
    for divisor in (479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0):
        out *= rest
        out += 1.0 / divisor
    for divisor in (2.0, 1.0, 1.0):
        out *= rest
        out += 1.0 / divisor
    return np.ldexp(out, power.astype(np.int32))


def cosine(turns: npt.ArrayLike) -> Floats:
    """cos(2 pi x) of turns, to some 1e-13."""
    part = np.asarray(turns, dtype=np.float64)
    part = np.abs(part - np.rint(part))
    angle = (0.25 - part) * _TURN
    square = angle * angle
    out = np.full_like(square, 0.0)
    for n in range(21, 1, -2):
        out = (1.0 - out) * square * (1.0 / ((n - 1) * n))
    return angle * (1.0 - out)


def sine(turns: npt.ArrayLike) -> Floats:
    return cosine(np.asarray(turns, dtype=np.float64) - 0.25)


def smooth(base: int, at: Floats, octaves: Sequence[tuple[float, float]]) -> Floats:
    """Noise over time (or any axis) with mean 0: a sum of (length, standard deviation) octaves.

    Each is a cubic B-spline through hashed knots, so smooth, of nearly even variance (+/-4 %) and
    independent of what else is asked.
    """
    total = np.zeros_like(at)
    for number, (length, size) in enumerate(octaves):
        own = key(base, number)
        place = at / length
        knot = np.floor(place)
        f = place - knot
        g = 1.0 - f
        first = knot.astype(np.int64)
        weights = (
            g * g * g,
            3.0 * f * f * f - 6.0 * f * f + 4.0,
            3.0 * g * g * g - 6.0 * g * g + 4.0,
            f * f * f,
        )
        part = np.zeros_like(at)
        for step, weight in enumerate(weights):
            part = part + weight * normal(mixed(own, first + (step - 1)).reshape(at.shape))
        total = total + part * (size * 1.443 / 6.0)
    return total


def ramp(at: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high`, smooth between."""
    x = np.minimum(np.maximum((at - low) / (high - low), 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def bell(at: Floats) -> Floats:
    """exp(-x^2 / 2)."""
    return exp(-0.5 * at * at)
