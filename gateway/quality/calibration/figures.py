"""How well a sensor follows a reference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gateway.quality.calibration.record import Figures

Floats = npt.NDArray[np.float64]
FEWEST = 3


def figures(sensor: Floats, reference: Floats) -> Figures | None:
    """Of pairs, NaN where one is missing. A line by least squares with the reference on the x axis, as in
    EPA's reports; r2 is the square of the correlation. None for fewer than three pairs or a reference that
    stands still.
    """
    there = np.isfinite(sensor) & np.isfinite(reference)
    x, y = reference[there], sensor[there]
    if len(x) < FEWEST:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    xx, xy, yy = float(dx @ dx), float(dx @ dy), float(dy @ dy)
    if xx == 0.0:
        return None
    slope = xy / xx
    off = y - x
    return Figures(
        n=len(x),
        slope=round(slope, 4),
        intercept=round(float(y.mean()) - slope * float(x.mean()), 3),
        r2=round(xy * xy / (xx * yy), 4) if yy else 0.0,
        rmse=round(float(np.sqrt(np.mean(off * off))), 3),
        mae=round(float(np.mean(np.abs(off))), 3),
        bias=round(float(off.mean()), 3),
    )


def words(of: Figures | None) -> str:
    """One line of them."""
    if of is None:
        return "too few pairs"
    return (
        f"slope {of.slope:.3f}, intercept {of.intercept:+.2f}, R2 {of.r2:.3f}, RMSE {of.rmse:.2f}, "
        f"MAE {of.mae:.2f}, bias {of.bias:+.2f} ug/m3, n {of.n}"
    )
