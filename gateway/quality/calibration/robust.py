"""Robust linear regression: Huber's M-estimate by reweighted least squares, so that a few bad hours do not
bend a line.

As `rlm` of R's MASS does it: k = 1.345, scale by the median of absolute residuals / 0.6745, renewed at each
step (Huber 1981; Venables and Ripley 2002, section 8.3). A library would bring scipy along, ten times the
size of what is needed here; the test holds the published result for the stack-loss data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
K = 1.345
_STEPS, _STILL = 60, 1e-7


class Line(NamedTuple):
    coefficients: Floats  # one for each column
    scale: float  # of the standardised residuals
    loss: float  # Huber's, mean of the standardised residuals


def one(values: Floats) -> Floats:
    """Errors of the same size everywhere."""
    return np.ones_like(values)


def growing(values: Floats) -> Floats:
    """Errors of a particle sensor: 2 ug/m3 and 10 % of the value. Their proportion is what counts; it keeps
    a few smoggy hours from deciding all. An assumption."""
    return 2.0 + 0.1 * np.maximum(values, 0.0)


def huber(x: Floats, y: Floats, spread: Callable[[Floats], Floats] = one) -> Line:
    """Coefficients b with y ~ x @ b. x: (n, p), y: (n,). `spread`: size of the error at a fitted value."""
    sigma = spread(y)
    b: Floats = np.linalg.lstsq(x / sigma[:, None], y / sigma, rcond=None)[0].astype(np.float64)
    scale = 1.0
    for _ in range(_STEPS):
        fitted = x @ b
        sigma = spread(fitted)
        off = (y - fitted) / sigma
        scale = max(float(np.median(np.abs(off))) / 0.6745, 1e-12)
        weight = np.sqrt(np.minimum(1.0, K * scale / np.maximum(np.abs(off), 1e-300))) / sigma
        new: Floats = np.linalg.lstsq(x * weight[:, None], y * weight, rcond=None)[0].astype(np.float64)
        moved = float(np.max(np.abs(new - b) / (np.abs(b) + 1e-9)))
        b = new
        if moved < _STILL:
            break
    return Line(b, scale, huber_loss((y - x @ b) / spread(x @ b)))


def huber_loss(off: Floats, bend: float = 2.0) -> float:
    """Mean of what is quadratic up to `bend` and straight beyond."""
    size = np.abs(off)
    return float(np.mean(np.where(size <= bend, 0.5 * size * size, bend * (size - 0.5 * bend))))
