"""Checks that look at one reading: each with what it must find and what it must leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.destinations.lines import FLAG_BITS
from gateway.journal.migrate import V3_ADDS
from gateway.quality.checks import BAD, QC_BITS, SUSPECT, QualitySettings, trust_of
from gateway.quality.checks.bits import PROVISIONAL
from tests.gateway.quality.judging import names, sample

PLANTOWER = {"model": "pms5003", "pm1": 8.0, "pm1_cf1": 8.0, "pm25_cf1": 10.0, "pm10_cf1": 15.0, "n03": 900.0}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        (PLANTOWER, []),
        ({"pm25": 0.0, "pm10": 0.0}, []),
        ({"pm25": None, "pm10": None, "flags": "no_frame"}, ["no_value"]),
        ({"pm25": -0.1}, ["range"]),
        ({"pm25": 1000.0, "pm10": 1000.0}, ["range", "saturated"]),
        ({"pm25": 900.0, "pm10": 1900.0}, []),
        ({"pm25": 900.0, "pm10": 1999.9}, ["saturated"]),
        ({"pm25": 900.0, "pm10": 2000.1}, ["range", "saturated"]),
        ({"model": "sps30", "pm25": 900.0, "pm10": 1000.1}, ["range", "saturated"]),
        ({"model": "unheard-of", "pm25": 9000.0, "pm10": 9999.0}, []),
        ({**PLANTOWER, "pm25": 670.0, "pm10": 670.0, "pm25_cf1": 1000.0}, ["saturated"]),
        ({"flags": "saturated"}, ["saturated"]),
        ({"flags": "device_error"}, ["device"]),
        ({"flags": "warming_up"}, ["warmup"]),
        ({"up": 79}, ["warmup"]),
        ({"up": 80}, []),
        ({"flags": "stuck"}, ["stuck"]),
        ({"flags": "climate_stuck"}, ["climate"]),
        ({"flags": "climate_error", "rh": None, "temp": None}, ["climate"]),
        ({"temp": -41.0}, ["climate"]),
        ({"rh": 100.1}, ["humid", "climate"]),
        ({"press": 299.0}, ["climate"]),
        ({"rh": 84.9}, []),
        ({"rh": 85.0}, ["humid"]),
        ({"rh": None}, []),
        ({"flags": "disagree"}, ["disagree"]),
        ({"flags": "out_of_range"}, []),
        # sizes
        ({"pm25": 20.0, "pm10": 16.0}, ["sizes"]),
        ({"pm25": 2.0, "pm10": 0.5}, []),
        ({**PLANTOWER, "pm1": 14.0}, ["sizes"]),
        ({**PLANTOWER, "pm25": 66.7, "pm10": 90.0, "pm25_cf1": 100.0}, []),
        ({**PLANTOWER, "pm25": 50.0, "pm10": 90.0, "pm25_cf1": 100.0}, ["sizes"]),
        ({**PLANTOWER, "pm25": 50.0, "pm10": 90.0, "pm25_cf1": 30.0}, ["sizes"]),
        # clock
        ({"t": None, "tq": "none"}, ["clock"]),
        ({"received_ms": (sample(0).t or 0) * 1000 - 120_000}, []),
        ({"received_ms": (sample(0).t or 0) * 1000 - 121_000}, ["clock"]),
        ({"received_ms": (sample(0).t or 0) * 1000 + 14 * 86_400_000}, []),
    ],
)
def test_one_reading(changes: dict[str, Any], found: list[str]) -> None:
    assert names([sample(0, **changes)]) == [found]


def test_a_free_running_clock_is_held_against_what_was_synchronised_in_its_boot() -> None:
    good = [sample(0), sample(1, tq="held"), sample(2, tq="back")]
    assert names(good) == [[], [], []]
    behind = sample(3, tq="held", up=100_000 + 180 + 7200)  # uptime went on by two hours more than t
    assert names([*good, behind])[-1] == ["clock"]
    # Another start has another uptime: nothing is known of it.
    assert names([*good, behind._replace(boot=2)])[-1] == []


def test_switched_off_its_bit_is_never_set() -> None:
    humid = sample(0, rh=99.0)
    assert names([humid], humid={"enabled": False}) == [[]]
    assert names([humid], humid={"at": 99.5}) == [[]]


def test_bits_are_apart_and_keep_their_meaning() -> None:
    bits = list(QC_BITS.values())
    assert len(set(bits)) == len(bits)
    assert all(bit.bit_count() == 1 for bit in bits)
    assert max(bits) < 1 << 31  # what a page's script can hold in 32 bits
    assert BAD & SUSPECT == 0
    # A change of these would give another meaning to what is stored and delivered.
    assert (QC_BITS["no_value"], QC_BITS["spike"], QC_BITS["humid"], QC_BITS["device"]) == (1, 32, 256, 32768)
    assert f"WHERE qc & {PROVISIONAL}" in V3_ADDS
    assert FLAG_BITS  # the node's flags are apart from these


@pytest.mark.parametrize(
    ("qc", "trust"),
    [
        (0, "good"),
        (QC_BITS["climate"] | PROVISIONAL, "good"),
        (QC_BITS["humid"], "suspect"),
        (QC_BITS["unjudged"], "suspect"),
        (QC_BITS["humid"] | QC_BITS["stuck"], "bad"),
    ],
)
def test_trust(qc: int, trust: str) -> None:
    assert trust_of(qc) == trust


def test_every_check_has_its_section() -> None:
    own = set(QC_BITS) - {"no_value", "provisional", "unjudged"}
    assert own == set(QualitySettings.model_fields) - {"enabled", "settle_s", "corrected"}
