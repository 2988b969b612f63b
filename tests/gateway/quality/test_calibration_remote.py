"""Remote calibration: gains from afar, in well-mixed hours only, with an uncertainty that is honest."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.remote import Floats, Network, RemoteRules, gain_of, mixed_hours, place_error

T0 = 1_767_571_200
HOURS = 24 * 28
GAINS = np.array([1.0, 1.0, 1.0, 1.0, 0.7, 1.4, 1.1, 0.9])  # the first four hang beside the stations
PLACES = np.array([(52.16, 21.03), (52.22, 21.0), (52.29, 21.04), (52.2, 20.9)])
RULES = RemoteRules()


def network(seed: int = 1, local: float = 0.5, common: float = 0.2) -> Network:
    """Air that is the same everywhere on even days; on odd ones every place has its own.

    `common`: what all units read too much alike, by the hour.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(HOURS)
    level = 18 + 8 * np.sin(2 * np.pi * hours / 120)
    mixed = (hours // 24 % 2 == 0)[:, None]
    at = np.vstack([PLACES, PLACES + 0.02])
    own = np.exp(local * (rng.normal(size=(HOURS // 24, len(at)))))[hours // 24]  # each day another
    true = level[:, None] * np.where(mixed, 1.0, own) * (1 + 0.02 * rng.normal(size=(HOURS, len(at))))
    alike = np.exp(common * np.sin(2 * np.pi * hours / 50))[:, None]
    units = true * alike * (1 + 0.05 * rng.normal(size=true.shape)) / GAINS[None, :]
    stations = true[:, :4] * (1 + 0.02 * rng.normal(size=(HOURS, 4)))
    starts = T0 + 3600 * np.arange(HOURS, dtype=np.int64)
    return Network(starts, stations, PLACES, units, at, [0, 1, 2, 3])


def gains(of: Network, rules: RemoteRules = RULES) -> Floats:
    mixed = mixed_hours(of, rules)
    place = place_error(of, mixed, rules)
    return np.array([gain_of(unit, of, mixed, rules, place).gain for unit in range(4, 8)])


def test_gains_are_found_from_afar() -> None:
    for seed in range(1, 6):
        assert gains(network(seed)) == pytest.approx(GAINS[4:], rel=0.04), seed


def test_hours_in_which_every_place_has_its_own_air_do_not_count() -> None:
    mixed = mixed_hours(network(), RULES)
    odd = np.arange(HOURS) // 24 % 2 == 1
    assert (mixed.hours & odd).sum() < 0.1 * HOURS  # by chance the stations agree on a day
    assert mixed.hours.sum() > 250
    assert mixed.lost["stations differ"] > 0.4 * HOURS
    # With all hours taken the gains would be off by more.
    everything = RemoteRules(station_spread=99, network_spread=99)
    off = [np.abs(np.log(gains(network(), rules) / GAINS[4:])).mean() for rules in (RULES, everything)]
    assert off[1] > 2 * off[0]


def test_what_all_units_read_alike_drops_out_with_calibrated_units_as_anchors() -> None:
    """Particles that scatter more light do so for all. Stations as anchors let it through."""
    one = network(common=0.0)
    shifted = one._replace(units=one.units * 1.25)
    assert gains(shifted) == pytest.approx(GAINS[4:], rel=0.04)
    by_stations = gains(shifted._replace(anchors=[]))
    assert by_stations == pytest.approx(GAINS[4:] / 1.25, rel=0.04)


def test_uncertainty_covers_the_error_of_the_place() -> None:
    of = network()
    mixed = mixed_hours(of, RULES)
    small, large = (gain_of(5, of, mixed, RULES, place) for place in (0.0, 0.1))
    assert small.gain == large.gain
    assert 0 < small.uncertainty < 0.05
    assert large.uncertainty == pytest.approx(np.hypot(small.uncertainty, 0.1))
    # A station at which the air is always dirtier shows how far places may differ.
    dirty = of.stations.copy()
    dirty[:, 0] *= 1.15
    for biased, sound in ((of._replace(stations=dirty), of), (of._replace(stations=dirty, anchors=[]), of)):
        assert place_error(biased, mixed, RULES) > place_error(sound, mixed, RULES) + 0.03


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"wind": np.full(HOURS, 1.0)}, "too little wind"),
        ({"stations": np.where(np.arange(4)[None, :] < 2, network().stations, np.nan)}, "too few stations"),
        ({"stations": network().stations * 0.1}, "too little in the air"),
    ],
)
def test_conditions_take_hours_away(change: dict[str, Floats], lost: str) -> None:
    of = network()._replace(**change)
    mixed = mixed_hours(of, RULES)
    assert mixed.lost[lost] > 0
    assert mixed.hours.sum() < 20
    with pytest.raises(CalibrationError, match="well-mixed hours on"):
        gain_of(5, of, mixed, RULES, 0.0)


def test_units_that_differ_and_hours_asked_for() -> None:
    of = network()
    wild = of.units * np.exp(np.random.default_rng(3).normal(size=of.units.shape))
    assert mixed_hours(of._replace(units=wild), RULES).hours.sum() < 0.2 * mixed_hours(of, RULES).hours.sum()
    night = mixed_hours(of, RemoteRules(hours_utc=(23, 4)))
    assert set((of.starts[night.hours] // 3600 % 24).tolist()) == {23, 0, 1, 2, 3}
    windy = mixed_hours(of._replace(wind=np.full(HOURS, np.nan)), RULES)  # not known: not asked
    assert (windy.hours == mixed_hours(of, RULES).hours).all()


def test_a_broken_unit_is_not_calibrated() -> None:
    of = network()
    units = of.units.copy()
    units[:, 5] *= 5
    mixed = mixed_hours(of, RULES)
    with pytest.raises(CalibrationError, match="it is broken rather than off"):
        gain_of(5, of._replace(units=units), mixed, RULES, 0.0)


def test_anchors_far_away_do_not_count() -> None:
    of = network()
    far = of._replace(unit_at=of.unit_at + np.where(np.arange(8)[:, None] == 5, 1.0, 0.0))
    with pytest.raises(CalibrationError, match="0 well-mixed hours"):
        gain_of(5, far, mixed_hours(far, RULES), RULES, 0.0)
