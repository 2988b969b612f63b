"""For all readings that the contract lets through: no crash, the same answer each time, late as in order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.quality.checks import QC_BITS, Judge, QualitySettings, Sample
from gateway.quality.checks import series as checks_series
from gateway.quality.checks.base import Check, Series, Step
from gateway.quality.checks.bits import PROVISIONAL, UNJUDGED
from gateway.quality.checks.memory import Memory
from gateway.quality.checks.models import Model
from gateway.quality.checks.quick import ASK, CALM, PLAIN, Look, look_of
from gateway.quality.checks.settings import CheckSettings
from tests.gateway.quality.judging import T0, judge_all, places, sample, series, wobbling

SEED = 20250115
ALL_BITS = sum(QC_BITS.values())
value = st.none() | st.floats(-1000, 100_000) | st.sampled_from([0.0, -0.0, 1.0, 2.0, 999.9, 5e-324])


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    made: list[Sample] = []
    minute = 0.0
    for id in range(1, draw(st.integers(1, 40)) + 1):
        minute += draw(st.sampled_from([-600.0, -1.0, 0.0, 1.0, 1.0, 1.0, 10.0, 100.0, 5000.0]))
        timed = draw(st.sampled_from([True] * 9 + [False]))
        made.append(
            sample(
                minute,
                draw(value),
                id=id,
                t=T0 + round(60 * minute) if timed else None,
                tq=draw(st.sampled_from(["ntp", "held", "back"])) if timed else "none",
                node_id=(number := draw(st.integers(1, 4))),
                node=f"n{number}",
                slot=draw(st.sampled_from("aab")),
                model=draw(st.sampled_from(["sds011", "sds011", "pms5003", "sps30", "new"])),
                flags=draw(
                    st.sampled_from(["", "", "stuck", "no_frame bad_checksum", "climate_stuck", "new"])
                ),
                received_ms=(T0 + draw(st.integers(-1000, 10**6))) * 1000,
                up=draw(st.integers(0, 2**53)),
                dt=draw(st.integers(0, 86400)),
                pm10=draw(value),
                pm1=draw(value),
                pm25_cf1=draw(value),
                n03=draw(value),
                rh=draw(value),
                temp=draw(value),
                press=draw(value),
            )
        )
    return made


@seed(SEED)
@settings(max_examples=100, deadline=None)
@given(samples())
def test_no_reading_breaks_a_check_and_answers_are_the_same_each_time(made: list[Sample]) -> None:
    judge = Judge(QualitySettings(), places(4))
    first = judge_all(made, judge)
    assert judge.errors == {}
    assert all(qc & ~ALL_BITS == 0 and not qc & UNJUDGED for qc in first.values())
    assert judge_all(made, where=places(4)) == first


@seed(SEED)
@settings(max_examples=60, deadline=None)
@given(samples())
def test_in_order_no_judgement_is_provisional(made: list[Sample]) -> None:
    ordered = sorted((each for each in made if each.t is not None), key=lambda each: (each.t or 0, each.id))
    assert not any(qc & PROVISIONAL for qc in judge_all(ordered).values())


def test_a_late_reading_is_marked_and_judged_by_what_needs_no_order() -> None:
    ordered = series(wobbling(60))
    late = ordered.pop(30)._replace(rh=90.0, pm25=500.0, pm10=600.0)
    found = judge_all([*ordered, late])
    assert found[late.id] == PROVISIONAL | QC_BITS["humid"]
    # It has not disturbed the others.
    assert all(found[each.id] == 0 for each in ordered)


class Faulty(Check[CheckSettings]):
    """Fails on 13."""

    name: ClassVar[str] = "rate"
    ordered: ClassVar[bool] = True

    def watch(self, series: Series) -> Step:
        def step(s: Sample) -> int:
            if s.pm25 == 13.0:
                raise ZeroDivisionError("made for a test")
            return 0

        return step


def test_a_bug_in_a_check_is_counted_logged_once_and_harms_no_other(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = Judge(QualitySettings(), {}, [Faulty(CheckSettings())])
    values = wobbling(40, 20.0)
    for at in (10, 15, 20):
        values[at] = 13.0
    values[30] = 200.0
    made = series(values, rh=90.0)
    found = judge_all(made, judge)
    assert judge.errors == {"rate": 3}
    assert [at for at, each in enumerate(made) if found[each.id] & UNJUDGED] == [10, 15, 20]
    assert all(qc & QC_BITS["humid"] for qc in found.values())
    assert found[made[30].id] & QC_BITS["spike"]
    told = capsys.readouterr()
    assert (told.out + told.err + caplog.text).count("a bug in a check") == 1


def test_a_version_names_checks_and_their_settings() -> None:
    def hash_of(**sections: object) -> str:
        return Judge(QualitySettings.model_validate(sections), {}).version.hash

    assert hash_of() == hash_of()
    assert len({hash_of(), hash_of(humid={"at": 80.0}), hash_of(humid={"enabled": False})}) == 3
    judge = Judge(QualitySettings(), {})
    assert '"name":"spike"' in judge.version.checks
    assert '"name":"neighbours"' in judge.version.checks


def told(made: list[Sample], look: str, **sections: object) -> tuple[dict[int, int], list[object]]:
    """Bits of each and hours; "asked": each check is asked about each reading, "quick": as it is."""
    with pytest.MonkeyPatch.context() as patch:
        if look == "asked":
            patch.setattr(checks_series, "look_of", lambda *_: lambda *_: ASK)
        judge = Judge(QualitySettings.model_validate(sections), places(4))
        found = judge_all(made, judge)
        judge.network.advance(made[-1].received_ms // 1000 + 10**6)
        return found, [*judge.take_hours()]


@seed(SEED)
@settings(max_examples=100, deadline=None)
@given(samples())
def test_a_quick_look_says_what_all_checks_would_have_said(made: list[Sample]) -> None:
    assert told(made, "quick") == told(made, "asked")


@pytest.mark.parametrize(("slots", "off"), [("a", ""), ("ab", ""), ("a", "spike"), ("a", "clock")])
def test_a_quick_look_is_right_in_usual_air_too_where_it_is_mostly_taken(slots: str, off: str) -> None:
    rng = random.Random(SEED)
    level, made, minute = 20.0, list[Sample](), 0.0
    for id in range(1, 5001):
        minute += 1.0 if rng.random() < 0.998 else rng.choice([-30.0, 20.0, 70.0])
        level = max(0.5, level + rng.gauss(0, 1))
        value = round(level * (1.0 if rng.random() < 0.98 else rng.choice([6.0, 40.0])), 2)
        rare = rng.random()
        if made and id % 500 / 500 > 0.8:
            value = made[-1].pm25 or value  # stands still
        made.append(
            sample(
                minute,
                value,
                id=id,
                t=T0 + round(60 * minute),
                tq="held" if rare < 0.01 or 0.045 < rare < 0.05 else "ntp",
                slot=rng.choice(slots),
                flags="stuck" if 0.01 < rare < 0.02 else "",
                rh=90.0 if 0.02 < rare < 0.04 else 60.0,
                up=1000 + round(60 * minute) + (500 if 0.04 < rare < 0.05 else 0),
                received_ms=(T0 + round(60 * minute) + (-300 if 0.05 < rare < 0.06 else 2)) * 1000,
            )
        )
    seen = Counter[int]()

    def counted(model: Model, checks: Iterable[Check[Any]]) -> Look:
        look = look_of(model, checks)

        def each(s: Sample, m: Memory) -> int:
            said = look(s, m)
            seen[said] += 1
            return said

        return each

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks_series, "look_of", counted)
        quick = told(made, "quick", **({off: {"enabled": False}} if off else {}))
    asked = told(made, "asked", **({off: {"enabled": False}} if off else {}))
    assert quick == asked
    assert seen[CALM] > len(made) / 2
    assert min(seen[ASK], seen[PLAIN]) > 100
    bits = 0
    for qc in asked[0].values():
        bits |= qc
    wanted = {"humid", "clock", "rate", "spike", "stuck", "provisional"} - {off}
    assert [name for name in wanted if not bits & QC_BITS[name]] == []
