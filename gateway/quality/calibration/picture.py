"""The report as a picture: hours of unit and reference as dots, raw and corrected, in SVG."""

from __future__ import annotations

from html import escape

import numpy as np
import numpy.typing as npt

from gateway.quality.calibration.figures import words
from gateway.quality.calibration.fit import Fit
from gateway.quality.calibration.record import Calibration, Figures

Floats = npt.NDArray[np.float64]
SIDE, LEFT, TOP, GAP = 320, 60, 92, 84
MOST_DOTS = 4000


def draw(calibration: Calibration, made: Fit) -> str:
    """An SVG document of some 720 by 500 px."""
    reference = made.pairs.reference
    top = _nice(float(np.percentile(np.concatenate([reference, made.pairs.pm, made.corrected]), 99.5)))
    wide, high = LEFT + 2 * SIDE + GAP + 30, TOP + SIDE + 96
    span = f"{calibration.origin.since:%Y-%m-%d} to {calibration.origin.until:%Y-%m-%d} UTC"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f"<title>Calibration {escape(calibration.id)}</title>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        _text(LEFT, 24, f"{calibration.id}: {calibration.subject}, field {calibration.field}", size=15),
        _text(LEFT, 44, f"beside {made.pairs.station[:80]}, {span}"),
        _text(LEFT, 62, f"form {calibration.form}: {formula(calibration)}"),
        *_panel(LEFT, "raw", reference, made.pairs.pm, top, calibration.before),
        *_panel(
            LEFT + SIDE + GAP, "corrected, out of fold", reference, made.corrected, top, calibration.after
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def formula(calibration: Calibration) -> str:
    """Its formula with its numbers."""
    c = calibration.coefficients
    gain = f"{c.gain:.4g}" if not c.gain_temp else f"({c.gain:.4g} {c.gain_temp:+.3g} T)"
    text = f"{gain} pm" + (f" / growth(RH, kappa {c.kappa:g})" if c.kappa else "") + f" {c.offset:+.3g}"
    return text + (f" {c.rh:+.3g} RH" if c.rh else "") + (f" {c.temp:+.3g} T" if c.temp else "")


def _panel(left: int, title: str, x: Floats, y: Floats, top: float, of: Figures | None) -> list[str]:
    scale = SIDE / top
    low = TOP + SIDE
    first, _, rest = words(of).partition(", RMSE")
    out = [_text(left, TOP - 8, title, size=13), *_axes(left, top)]
    # What lies outside of the frame is cut off by an inner picture.
    out.append(
        f'<svg x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}" viewBox="{left} {TOP} {SIDE} {SIDE}">'
    )
    out.append(_line(left, low, left + SIDE, TOP, 'stroke="#888" stroke-dasharray="5 4"'))
    step = -(-len(x) // MOST_DOTS)
    dots = "".join(
        f"M{left + a * scale:.1f} {low - b * scale:.1f}h0"
        for a, b in zip(x[::step].tolist(), y[::step].tolist(), strict=True)
    )
    look = 'stroke="#1463a5" stroke-opacity="0.35" stroke-width="3" stroke-linecap="round"'
    out.append(f'<path d="{dots}" {look}/>')
    if of is not None:
        ends = (low - of.intercept * scale, low - (of.intercept + of.slope * top) * scale)
        out.append(_line(left, ends[0], left + SIDE, ends[1], 'stroke="#c0392b" stroke-width="1.5"'))
    return [
        *out,
        "</svg>",
        _text(left, low + 60, first),
        _text(left, low + 77, f"RMSE{rest}" if rest else ""),
    ]


def _axes(left: int, top: float) -> list[str]:
    low = TOP + SIDE
    out = [f'<rect x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>']
    for step in range(6):
        along, text = SIDE * step / 5, f"{top * step / 5:g}"
        out.append(f'<path d="M{left + along:.1f} {low}v4M{left} {low - along:.1f}h-4" stroke="#888"/>')
        out.append(_text(left + along, low + 18, text, anchor="middle"))
        out.append(_text(left - 7, low - along + 4, text, anchor="end"))
    return [*out, _text(left + SIDE / 2, low + 36, "reference, ug/m3", anchor="middle")]


def _line(x: float, y: float, to_x: float, to_y: float, look: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" {look}/>'


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'


def _nice(value: float) -> float:
    """The next of 10, 20, 25, 50, 100, ... that is no smaller."""
    base = 10.0 ** np.floor(np.log10(max(value, 1.0)))
    return float(next(base * step for step in (1.0, 2.0, 2.5, 5.0, 10.0) if base * step >= value))
