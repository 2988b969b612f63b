"""Fitting: the right answer where it is known, in spite of bad hours; and no answer where the hours do not
carry one."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.quality.calibration.figures import figures
from gateway.quality.calibration.fit import Pairs, Rules, corrected, fit
from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.robust import huber
from tests.gateway.quality.collocations import pairs

# Brownlee's stack-loss data: air flow, water temperature, acid, loss.
STACK_LOSS = """80 27 89 42,80 27 88 37,75 25 90 37,62 24 87 28,62 22 87 18,62 23 87 18,62 24 93 19,62 24 93
20, 58 23 87 15,58 18 80 14,58 18 89 14,58 17 88 13,58 18 82 11,58 19 93 12,50 18 89 8,50 18 86 7,50 19 72
8,50 19 79 8, 50 20 80 9,56 20 82 15,70 20 91 15"""


def test_huber_gives_the_published_result_for_the_stack_loss_data() -> None:
    """Venables and Ripley, MASS, section 6.5: rlm(stack.loss ~ ., stackloss)."""
    rows = np.array([row.split() for row in STACK_LOSS.replace("\n", " ").split(",")], dtype=np.float64)
    line = huber(np.column_stack([np.ones(len(rows)), rows[:, :3]]), rows[:, 3])
    assert line.coefficients == pytest.approx([-41.0265, 0.8294, 0.9261, -0.1278], abs=6e-5)
    assert line.scale == pytest.approx(2.4405, abs=2e-3)


def test_a_wet_unit_gets_its_growth_and_gain_back() -> None:
    given, _ = pairs()
    made = fit([given])
    assert made.form == "growth"
    assert made.coefficients.kappa == pytest.approx(0.3, abs=0.1)
    assert made.before.rmse > 3 * made.after.rmse
    # Days that it has not seen.
    later, true = pairs(days=20, seed=2)
    after = figures(corrected(made.coefficients, later.pm, later.rh, later.temp), true)
    assert after is not None
    assert after.slope == pytest.approx(1.0, abs=0.05)
    assert abs(after.bias) < 0.7
    assert after.r2 > 0.95


def test_a_dry_unit_gets_a_straight_line() -> None:
    """Of forms that do equally well, the simplest."""
    made = fit([pairs(kappa=0.0)[0]])
    assert made.form == "linear"
    assert made.coefficients.gain == pytest.approx(1 / 1.3, rel=0.05)
    assert made.valid.rh is None


def test_bad_hours_do_not_bend_the_line() -> None:
    sound, broken = fit([pairs()[0]]), fit([pairs(broken=0.05)[0]])
    later, _ = pairs(days=20, seed=2)
    one, other = (corrected(each.coefficients, later.pm, later.rh, later.temp) for each in (sound, broken))
    assert np.median(np.abs(one - other) / one) < 0.04


def test_a_noisy_unit_is_not_flattened() -> None:
    """A plain line fitted to noisy hours reads peaks too low; the slope against the truth must stay 1."""
    given, _ = pairs(days=40, noise=0.25)
    made = fit([given])
    slopes: list[float] = []
    for seed in range(2, 8):
        later, true = pairs(days=40, noise=0.25, seed=seed)
        of = figures(corrected(made.coefficients, later.pm, later.rh, later.temp), true)
        assert of is not None
        slopes.append(of.slope)
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.06)


def test_figures_after_are_out_of_fold() -> None:
    """A constant error in one block of days: coefficients that have seen it would look better than they
    are."""
    given, _ = pairs(days=28)
    shifted = given._replace(pm=np.where(np.arange(len(given.pm)) < 134, 2.0 * given.pm, given.pm))
    made = fit([shifted])
    seen = figures(corrected(made.coefficients, shifted.pm, shifted.rh, shifted.temp), shifted.reference)
    assert seen is not None
    assert made.after.rmse > seen.rmse


def test_a_model_is_judged_on_units_that_it_has_not_seen() -> None:
    units = [pairs(unit=f"n{number}/a", gain=gain)[0] for number, gain in enumerate((1.0, 1.2, 1.4))]
    made = fit(units)
    assert made.folds == "3 folds, a unit each"
    assert made.form == "growth"  # which is a question of the air: three units would not tell
    alone = fit(units[:1])
    assert made.after.rmse > 2 * alone.after.rmse  # units differ by 20 %
    assert made.pairs.unit == "n0/a, n1/a, n2/a"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (pairs(days=9)[0], "too few hours: 216 .* on 9 days; at least 252 on 12 days"),
        (pairs()[0]._replace(reference=np.full(28 * 24, 9.0)), "too narrow a range"),
        (pairs()[0]._replace(pm=np.full(28 * 24, np.nan)), "too few hours: 0"),
    ],
    ids=["short", "narrow", "mute"],
)
def test_hours_that_carry_no_calibration_are_refused(given: Pairs, why: str) -> None:
    with pytest.raises(CalibrationError, match=why):
        fit([given])


def test_a_unit_that_hung_elsewhere_is_refused() -> None:
    for seed in range(5, 10):
        elsewhere = pairs()[0]._replace(reference=pairs(seed=seed)[0].reference)
        with pytest.raises(CalibrationError, match="does not follow the reference"):
            fit([elsewhere])


def test_a_model_whose_units_differ_much_is_fitted_all_the_same() -> None:
    """In calm weeks units may differ by more than the air does."""
    calm = [pairs(unit=f"n{number}/a", gain=gain)[0] for number, gain in enumerate((0.7, 1.0, 1.4, 2.0))]
    level = calm[0].reference / np.median(calm[0].reference)
    factor = 12 * level**0.4 / calm[0].reference
    made = fit([each._replace(pm=each.pm * factor, reference=each.reference * factor) for each in calm])
    assert made.folds == "4 folds, a unit each"
    assert any("follows the reference badly" in note for note in made.notes)


def test_without_humidity_it_does_without() -> None:
    given, _ = pairs()
    made = fit([given._replace(rh=np.full_like(given.rh, np.nan), temp=np.full_like(given.temp, np.nan))])
    assert made.form == "linear"


def test_humidity_that_hardly_changes_plays_no_part() -> None:
    given, _ = pairs()
    made = fit([given._replace(rh=np.full_like(given.rh, 60.0))])
    assert made.form == "linear"
    with pytest.raises(CalibrationError, match="none of the forms"):
        fit([given._replace(rh=np.full_like(given.rh, 60.0))], forms=("growth",))


def test_short_collocations_say_so() -> None:
    assert "16 days are short: 28 or more see more kinds of air" in fit([pairs(days=16)[0]]).notes
    assert fit([pairs(days=28)[0]]).notes == ()
    assert fit([pairs(days=4)[0]], Rules(hours=24, days=2)).before.n == 96


def test_the_same_hours_have_the_same_digest() -> None:
    one, again, other = (fit([pairs(days=16, seed=seed)[0]]).sha256 for seed in (1, 1, 2))
    assert one == again != other
