"""The corrections against the vectors, their refusals, and by their properties."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quality.corrections import CORRECTIONS, MASS_FIELDS, Corrected, Kappa, Measured
from gateway.quality.corrections.epa_2021 import epa_2021
from gateway.reading import FIELDS

values = st.floats(0, 1000, allow_nan=False)
humidities = st.floats(0, 100, allow_nan=False)


def epa(value: float, rh: float | None = 50.0, model: str = "pms5003", field: str = "pm25") -> Corrected:
    return CORRECTIONS.pick("epa-2021").correct(Measured(value, rh, model, field))


def kappa(value: float, rh: float | None, model: str = "sds011", **settings: float) -> Corrected:
    entry = CORRECTIONS.pick("kappa-koehler")
    assert isinstance(entry, Kappa)
    return replace(entry, **settings).correct(Measured(value, rh, model))


def test_epa_vectors(repo: Path) -> None:
    with (repo / "tests" / "vectors" / "purpleair-epa-2021.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) == 6
    for value, rh, corrected in rows:
        assert epa(float(value), float(rh)).value == float(corrected)


@pytest.mark.parametrize(
    ("x", "rh", "expected"),
    [
        (29.9, 50, 17.1076),  # just inside each piece: 0.524 x + 1.44
        (31, 50, 18.0901),  # 0.5371 x + 1.44
        (50.1, 50, 40.8186),  # 0.786 x + 1.44
        (209.5, 40, 166.969),  # 0.786 x + 2.302
        (260.1, 40, 242.239377),
        (40, 50, 27.64),  # half way: 0.655 * 40 + 1.44
        (100, 0, 84.35),  # 0.786 * 100 + 5.75
        (235, 40, 200.47345),  # half of 0.786 x - 3.448 + 5.75 and half of the smoke curve
        (300, 90, 289.526),  # 2.966 + 0.69 * 300 + 8.84e-4 * 90000; no humidity
    ],
)
def test_epa_within_each_piece(x: float, rh: float, expected: float) -> None:
    assert epa(x, rh).value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("at", [30, 50, 210, 260])
@given(rh=humidities)
def test_the_five_pieces_join(at: float, rh: float) -> None:
    assert epa_2021(at - 1e-9, rh) == pytest.approx(epa_2021(at, rh), abs=1e-6)


@given(values, values, humidities)
def test_epa_rises_with_the_raw_value_and_is_never_below_zero(a: float, b: float, rh: float) -> None:
    low, high = (epa(value, rh).value for value in sorted((a, b)))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high


@given(st.floats(50, 210), humidities)
def test_the_pieces_are_the_cf1_equation_on_the_atmospheric_channel(atm: float, rh: float) -> None:
    """Barkjohn et al. 2021 fitted CF=1; in dirty air CF=1 is 1.5 times the atmospheric channel."""
    assert epa_2021(atm, rh) == pytest.approx(0.524 * (1.5 * atm) - 0.0862 * rh + 5.75)


def test_below_zero_becomes_zero_and_says_so() -> None:
    found = epa(0, 80)
    assert (found.value, found.note) == (0.0, "the formula gives -1.146, which is below zero")
    assert epa(10).note is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (epa(10, model="sds011"), "epa-2021 is for pms5003, not for sds011"),
        (epa(10, model="pms7003"), "epa-2021 is for pms5003, not for pms7003"),
        (epa(10, field="pm25_cf1"), "epa-2021 is for the field pm25, not for pm25_cf1"),
        (epa(10, field="pm10"), "epa-2021 is for the field pm25, not for pm10"),
        (epa(10, rh=None), "epa-2021 needs the humidity, and none was measured"),
        (epa(10, rh=101.0), "a humidity of 101.0 % is none: it is 0 to 100"),
        (epa(10, rh=float("nan")), "a humidity of nan % is none: it is 0 to 100"),
        (epa(-1.0), "-1 ug/m3 is negative: a concentration is 0 or more"),
        (epa(float("nan")), "nan is not a number that can be measured"),
        (kappa(10, None), "kappa-koehler needs the humidity, and none was measured"),
        (kappa(10, -1.0), "a humidity of -1.0 % is none: it is 0 to 100"),
    ],
)
def test_what_is_not_corrected_has_its_reason(found: Corrected, reason: str) -> None:
    assert found == Corrected(None, reason)


def test_a_dried_instrument_is_not_corrected_for_humidity() -> None:
    assert kappa(10, 80.0, model="bam1020").value is None


def test_kappa_by_hand() -> None:
    """At 80 %: aw / (1 - aw) = 4; growth 1 + 0.3 / 1.65 * 4 = 1.727273; 38 / 1.727273 = 22."""
    found = kappa(38, 80)
    assert found.value == 22
    assert found.extra == {"growth": 1.727273, "kappa": 0.3, "density": 1.65, "rh_cap": 95.0}
    assert kappa(38, 80, kappa=0.33).value == pytest.approx(38 / 1.8, abs=1e-6)
    assert kappa(38, 80, density=1.2).value == 19


def test_kappa_holds_the_humidity_at_its_cap() -> None:
    capped = kappa(40, 99)
    assert (capped.value, capped.note) == (kappa(40, 95).value, "humidity held at 95 %")
    assert kappa(40, 95).note is None
    assert kappa(40, 100).value == kappa(40, 96).value


@given(values, humidities, humidities)
def test_kappa_takes_off_more_the_moister_it_is(value: float, a: float, b: float) -> None:
    drier, moister = (kappa(value, rh).value for rh in sorted((a, b)))
    assert drier is not None
    assert moister is not None
    assert 0 <= moister <= drier <= round(value, 6)


@given(values, humidities)
def test_kappa_without_hygroscopicity_changes_nothing(value: float, rh: float) -> None:
    assert kappa(value, rh, kappa=0.0).value == round(value, 6)


def test_none_gives_the_raw_value_of_any_sensor() -> None:
    for field in MASS_FIELDS:
        assert CORRECTIONS.pick("none").correct(Measured(12.3, None, "whatever", field)) == Corrected(12.3)
    assert CORRECTIONS.pick("none").correct(Measured(1.0, None, "sds011", "temp")).value is None


def test_the_fields_are_those_of_a_reading() -> None:
    assert set(MASS_FIELDS) <= set(FIELDS)
