"""Fit a unit or a model against reference stations: the form by cross-validation, the coefficients robustly.

Hours of a unit beside a station go in, and out comes a form of formula.FORMS. Each form is tried on blocks of
days that its coefficients have not seen; neighbouring hours are alike, so folds drawn by the hour would
flatter. Of forms that do about equally well the simplest is taken: no further from the best than one standard
error over the blocks, or 2 %. Figures are those of the blocks; for a model, with three or more units, of
units not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.quality.calibration.figures import figures
from gateway.quality.calibration.formula import FORMS, RH_CAP, USUAL, Form, dried
from gateway.quality.calibration.record import CalibrationError, Coefficients, Figures, Valid
from gateway.quality.calibration.robust import growing, huber, huber_loss

Floats = npt.NDArray[np.float64]
KAPPAS = tuple(round(0.05 * step, 2) for step in range(1, 11))  # to 0.5: more than air over land has
FOLDS = 5
NO_BETTER = 0.02  # a form whose loss is less by no more than that share is no better
LEAST_FOLLOWED = 0.3


@dataclass(frozen=True)
class Rules:
    """What a collocation must have. EPA's tests take 30 days (from memory); 14 with 75 % of the hours is
    the least here. Spans are from the 5th to the 95th percentile.
    """

    hours: int = 252
    days: int = 12
    reference_ug: float = 1.0  # error of the reference's hours, ug/m3; assumed, as is the next
    reference_share: float = 0.02
    pm_span: float = 8.0  # ug/m3 of the reference
    rh_span: float = 15.0  # %; below, no form with humidity is tried
    temp_span: float = 6.0  # degC; likewise
    good_days: int = 28  # below, the report says that longer is better


class Pairs(NamedTuple):
    """Hours of one unit beside one station, shape (n,); rh and temp NaN where not measured. `starts`: UTC
    s."""

    unit: str
    station: str
    starts: npt.NDArray[np.int64]
    pm: Floats
    rh: Floats
    temp: Floats
    reference: Floats

    def where(self, mask: npt.NDArray[np.bool_]) -> Pairs:
        """Those hours only."""
        parts = (self.pm, self.rh, self.temp, self.reference)
        return Pairs(self.unit, self.station, self.starts[mask], *(part[mask] for part in parts))


class Trial(NamedTuple):
    """One form on the folds: mean loss, loss of each fold, corrected hours out of fold."""

    form: str
    loss: float
    by_fold: Floats
    corrected: Floats


@dataclass(frozen=True)
class Fit:
    """`corrected`: each hour by coefficients that have not seen it."""

    form: str
    coefficients: Coefficients
    valid: Valid
    before: Figures
    after: Figures
    folds: str
    tried: dict[str, float]
    notes: tuple[str, ...]
    pairs: Pairs
    corrected: Floats
    sha256: str


def fit(collocations: Sequence[Pairs], rules: Rules | None = None, forms: Sequence[str] = USUAL) -> Fit:
    """One unit's hours, or several units' of a model. Raises CalibrationError when they do not carry a
    fit."""
    rules = rules or Rules()
    whole = [_with_both(each) for each in collocations]
    pairs = Pairs(
        ", ".join(dict.fromkeys(each.unit for each in whole)),
        ", ".join(dict.fromkeys(each.station for each in whole)),
        np.concatenate([each.starts for each in whole]),
        np.concatenate([each.pm for each in whole]),
        np.concatenate([each.rh for each in whole]),
        np.concatenate([each.temp for each in whole]),
        np.concatenate([each.reference for each in whole]),
    )
    groups = np.concatenate([np.full(len(each.pm), number) for number, each in enumerate(whole)])
    notes = _judge(pairs, rules)
    usable = [name for name in forms if _is_usable(FORMS[name], pairs, rules)]
    if not usable:
        raise CalibrationError(
            "none of the forms asked for can be fitted: temperature or humidity hardly changed"
        )
    complete = _complete([FORMS[name] for name in usable], pairs)
    if complete.sum() < rules.hours:  # most hours have no humidity: do without
        usable = [name for name in usable if not (FORMS[name].needs_rh or FORMS[name].needs_temp)]
        notes.append("humidity or temperature are missing in most hours, so they play no part")
        complete = np.ones(len(pairs.pm), dtype=np.bool_)
    if not usable:
        raise CalibrationError(
            "humidity or temperature are missing in most hours, and the forms asked for need them"
        )
    pairs = pairs.where(complete)
    if len(whole) == 2:
        notes.append("two units hardly tell how far units of the model differ")
    groups = groups[complete]
    trials = [_try_each(name, pairs, groups, rules) for name in usable]
    best = min(trials, key=lambda trial: trial.loss)
    alone = next(trial for trial in trials if _as_good(trial, best))
    form = alone.form
    units = len(np.unique(groups))
    # What counts for a model is how it does on a unit that it has not seen.
    chosen = _try(form, pairs, groups if units >= 3 else _blocks(pairs), rules)
    told = f"{units} folds, a unit each" if units >= 3 else f"{FOLDS} folds, each of days in a row"
    coefficients = fitted(FORMS[chosen.form], pairs, rules)
    beside = np.concatenate([part.reference for part in _by_unit(pairs, groups)])
    if coefficients.gain <= 0 or _followed(alone.corrected, beside) < LEAST_FOLLOWED:
        raise CalibrationError(
            "the unit does not follow the reference. Was it beside it, and are both clocks in UTC?"
        )
    before, after = figures(pairs.pm, pairs.reference), figures(chosen.corrected, pairs.reference)
    assert before is not None  # _judge saw to it
    assert after is not None
    if after.r2 < 0.5:
        notes.append(f"it follows the reference badly (R2 {after.r2:.2f}); look at place, clock and sensor")
    return Fit(
        chosen.form,
        coefficients,
        _valid(FORMS[chosen.form], pairs),
        before,
        after,
        told,
        {trial.form: round(trial.loss, 4) for trial in trials},
        tuple(notes),
        pairs,
        chosen.corrected,
        _digest(pairs),
    )


def fitted(form: Form, pairs: Pairs, rules: Rules) -> Coefficients:
    """The form's coefficients; kappa is the one of KAPPAS with the least loss. Then levelled."""
    best: tuple[float, float, Floats] | None = None
    for kappa in KAPPAS if form.grown else (0.0,):
        line = huber(_columns(form, pairs, kappa), pairs.reference, growing)
        if best is None or line.loss < best[0]:
            best = (line.loss, kappa, line.coefficients)
    assert best is not None
    values = {name: float(f"{value:.6g}") for name, value in zip(form.terms, best[2], strict=True)}
    return _levelled(Coefficients(kappa=best[1], **values), pairs, rules)


def _levelled(c: Coefficients, pairs: Pairs, rules: Rules) -> Coefficients:
    """Stretched so that corrected against true values has the slope 1.

    A sensor's own scatter flattens a line fitted to it (regression dilution): peaks would be read too low
    and clean air too high. So the corrected hours are held against the reference, and that line is made
    1:1. The reference's own error flattens this line too; its share of the variance is taken out.
    """
    reference = pairs.reference
    made = corrected(c, pairs.pm, pairs.rh, pairs.temp)
    slope, rise = huber(np.stack([reference, np.ones_like(reference)], axis=1), made, growing).coefficients
    middle = float(np.mean(reference))
    own = (rules.reference_ug + rules.reference_share * middle) ** 2
    true_slope = float(slope) / max(0.8, 1.0 - own / float(np.var(reference)))
    if true_slope < 0.2:  # it does not follow the reference at all; the caller will see
        return c
    rise = float(slope) * middle + float(rise) - true_slope * middle
    return stretched(c, 1.0 / true_slope, -rise / true_slope)


def stretched(c: Coefficients, gain: float, offset: float = 0.0) -> Coefficients:
    """The coefficients whose value is `gain` times that of `c`, plus `offset`."""
    terms = {name: float(f"{getattr(c, name) * gain:.6g}") for name in ("gain", "gain_temp", "rh", "temp")}
    return Coefficients(kappa=c.kappa, offset=float(f"{c.offset * gain + offset:.6g}"), **terms)


def corrected(c: Coefficients, pm: Floats, rh: Floats, temp: Floats) -> Floats:
    """The formula on arrays. NaN where something that it needs is missing; not below 0. No range is looked
    at."""
    wet = np.minimum(rh, RH_CAP) if c.kappa or c.rh else np.zeros_like(pm)
    warm = temp if c.temp or c.gain_temp else np.zeros_like(pm)
    value = (c.gain + c.gain_temp * warm) * dried(pm, wet, c.kappa) + c.offset + c.rh * wet + c.temp * warm
    return np.maximum(value, 0.0)


def _columns(form: Form, pairs: Pairs, kappa: float) -> Floats:
    pm, temp, rh = pairs.pm, pairs.temp, np.minimum(pairs.rh, RH_CAP)
    dry = dried(pm, rh, kappa)
    made = {
        "gain": dry,
        "gain_temp": dry * temp,
        "offset": np.ones_like(pm),
        "rh": rh,
        "temp": temp,
    }
    return np.stack([made[name] for name in form.terms], axis=1)


def _with_both(pairs: Pairs) -> Pairs:
    return pairs.where(np.isfinite(pairs.pm) & np.isfinite(pairs.reference))


def _judge(pairs: Pairs, rules: Rules) -> list[str]:
    """Raises CalibrationError; else what the report is to say."""
    hours = len(pairs.pm)
    days = len(np.unique(pairs.starts // 86400))
    if hours < rules.hours or days < rules.days:
        raise CalibrationError(
            f"too few hours: {hours} with both unit and reference, on {days} days; at least {rules.hours} on "
            f"{rules.days} days are needed. Leave the unit beside the station for longer"
        )
    span = _span(pairs.reference)
    if span < rules.pm_span:
        raise CalibrationError(
            f"too narrow a range: 90 % of the reference's hours lie within {span:.1f} ug/m3, at least "
            f"{rules.pm_span:g} are needed. Leave the unit there until the air has been clean and dirty"
        )
    notes: list[str] = []
    if days < rules.good_days:
        notes.append(f"{days} days are short: {rules.good_days} or more see more kinds of air")
    return notes


def _span(values: Floats) -> float:
    there = values[np.isfinite(values)]
    return float(np.subtract(*np.percentile(there, (95, 5)))) if len(there) else 0.0


def _is_usable(form: Form, pairs: Pairs, rules: Rules) -> bool:
    wet = not form.needs_rh or _span(pairs.rh) >= rules.rh_span
    return wet and (not form.needs_temp or _span(pairs.temp) >= rules.temp_span)


def _complete(forms: Sequence[Form], pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Hours that have what any of the forms needs: all forms are tried on the same hours."""
    there = np.ones(len(pairs.pm), dtype=np.bool_)
    if any(form.needs_rh for form in forms):
        there &= np.isfinite(pairs.rh)
    if any(form.needs_temp for form in forms):
        there &= np.isfinite(pairs.temp)
    return there


def _blocks(pairs: Pairs) -> npt.NDArray[np.int64]:
    """The fold of each hour: FOLDS blocks of whole days in a row."""
    day = pairs.starts // 86400
    days = np.unique(day)
    return np.searchsorted(days, day) * FOLDS // len(days)


def _try_each(name: str, pairs: Pairs, groups: npt.NDArray[np.int64], rules: Rules) -> Trial:
    """On blocks of days of each unit by itself: the form is a matter of the air, not of how units differ.

    The loss of a block is the mean over the units, as they share their days.
    """
    done = [_try(name, part, _blocks(part), rules) for part in _by_unit(pairs, groups)]
    losses: Floats = np.mean(np.stack([each.by_fold for each in done]), axis=0)
    return Trial(name, float(np.mean(losses)), losses, np.concatenate([each.corrected for each in done]))


def _by_unit(pairs: Pairs, groups: npt.NDArray[np.int64]) -> list[Pairs]:
    parts = [pairs.where(groups == group) for group in np.unique(groups)]
    return [part for part in parts if len(np.unique(part.starts // 86400)) >= FOLDS] or [pairs]


def _try(name: str, pairs: Pairs, folds: npt.NDArray[np.int64], rules: Rules) -> Trial:
    out = np.full(len(pairs.pm), np.nan)
    losses: list[float] = []
    for fold in np.unique(folds):
        held = folds == fold
        c = fitted(FORMS[name], pairs.where(~held), rules)
        out[held] = corrected(c, pairs.pm[held], pairs.rh[held], pairs.temp[held])
        losses.append(huber_loss((out[held] - pairs.reference[held]) / growing(pairs.reference[held])))
    return Trial(name, float(np.mean(losses)), np.array(losses), out)


def _as_good(trial: Trial, best: Trial) -> bool:
    off = trial.by_fold - best.by_fold
    error = float(np.std(off, ddof=1)) / np.sqrt(len(off)) if len(off) > 1 else 0.0
    return float(np.mean(off)) <= max(error, NO_BETTER * best.loss)


def _valid(form: Form, pairs: Pairs) -> Valid:
    """From the lowest to the highest hour."""

    def span(values: Floats) -> tuple[float, float]:
        return round(float(np.min(values)), 2), round(float(np.max(values)), 2)

    return Valid(
        pm=span(pairs.pm),
        rh=span(pairs.rh) if form.needs_rh else None,
        temp=span(pairs.temp) if form.needs_temp else None,
    )


def _followed(made: Floats, reference: Floats) -> float:
    """Like R2, of the middle half of the hours: 1 for a perfect unit, 0 for one that tells nothing."""
    off, own = made - reference, reference - np.median(reference)
    return 1.0 - float(np.median(np.abs(off - np.median(off))) / np.median(np.abs(own))) ** 2


def _digest(pairs: Pairs) -> str:
    """Of the hours as text, so that it is the same everywhere."""
    columns = (pairs.starts, pairs.pm, pairs.rh, pairs.temp, pairs.reference)
    rows = zip(*(part.tolist() for part in columns), strict=True)
    lines = "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows)
    return hashlib.sha256(f"{pairs.unit}\n{pairs.station}\n{lines}".encode()).hexdigest()
