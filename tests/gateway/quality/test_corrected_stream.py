"""Calibrations applied to what comes: the right one, by name, and the error that all units share, off."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal, NewReading
from gateway.journal.integrity import check_fully
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import write
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.corrected.corrector import Corrector
from gateway.quality.corrected.sources import Files, Held
from gateway.quality.follow import correct, store
from gateway.quality.follow import follower as follow
from gateway.quality.follow.batch import judge_batch
from gateway.quality.follow.follower import QualityFollower
from tests.gateway.quality.correcting import (
    ANCHORS,
    FAR,
    PLACES,
    SHARED,
    air,
    calibration,
    readings,
    write_calibrations,
    write_stations,
)
from tests.gateway.quality.judging import T0
from tests.gateway.quality.test_follower import commit, new, wait_until_judged
from tests.support import wait_for

Start = Callable[..., QualityFollower]
Row = tuple[float | None, str | None, float | None]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite", synchronous="NORMAL") as made:
        yield made


@pytest.fixture
def start(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(follow, "PAUSE_S", 0.01)
    monkeypatch.setattr(correct, "LOOK_S", 0.0)
    running: list[QualityFollower] = []

    def begin(folder: Path | None, stations: Path | None = None, **sections: Any) -> QualityFollower:
        settings = QualitySettings.model_validate({"settle_s": 1, **sections})
        running.append(QualityFollower(journal, settings, PLACES, files=Files(folder, stations)))
        running[-1].start()
        return running[-1]

    yield begin
    for each in running:
        assert each.stop(10)


def rows_of(journal: Journal, node: str) -> dict[int, Row]:
    """By seq: corrected PM2.5, by what, and the factor in it."""
    with journal.writing() as db:
        found = db.execute(
            "SELECT seq, quality.pm25, quality_corrections.pm25, factor FROM quality"
            " JOIN readings ON readings.id = reading_id JOIN nodes ON nodes.id = node_id"
            " LEFT JOIN quality_corrections ON quality_corrections.id = calibration"
            " WHERE name = ? ORDER BY seq",
            (node,),
        )
        return {seq: (pm25, by, factor) for seq, pm25, by, factor in found}


HOURS = (
    "SELECT hour * 3600, have, round(pm25, 1), pm25_cor, pm25_cor_n, pm25_by, factor, pm10_cor, pm10_cor_n,"
    " pm10_by FROM quality_hours JOIN nodes ON nodes.id = node_id WHERE name = ? ORDER BY hour"
)


def hours_of(journal: Journal, node: str) -> list[tuple[Any, ...]]:
    with journal.writing() as db:
        return db.execute(HOURS, (node,)).fetchall()


def raw_of(journal: Journal) -> list[tuple[Any, ...]]:
    with journal.writing() as db:
        return db.execute("SELECT * FROM readings ORDER BY id").fetchall()


def test_each_reading_gets_the_calibration_of_its_unit_and_time_by_name(
    journal: Journal, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "calibrations"
    later = datetime.fromtimestamp(T0 + 60 * 10, UTC)
    write(calibration("sds011"), folder)
    write(calibration("n1-a", node="n1", **{"from": later}, coefficients={"gain": 0.25}), folder)
    commit(journal, *(new(seq, 20.0 + seq / 10) for seq in range(1, 21)))
    commit(journal, new(30, 20.0, "n2", model="pms5003"), new(31, 20.0, "n3", t=None, tq="none"))
    before = raw_of(journal)
    follower = start(folder)
    wait_until_judged(journal, follower)
    found = rows_of(journal, "n1")
    assert found[9] == (pytest.approx(0.5 * 20.9), "sds011.v1", None)
    assert found[10] == (pytest.approx(0.25 * 21.0), "n1-a.v1", None)  # it holds from that second on
    assert rows_of(journal, "n2") == {30: (None, None, None)}  # no calibration of that model
    assert rows_of(journal, "n3") == {31: (None, None, None)}  # no time, so none can be chosen
    assert raw_of(journal) == before
    # A new version in the folder holds for what comes from then on, without a restart.
    write(calibration("n1-a", node="n1", version=2, **{"from": later}, coefficients={"gain": 0.3}), folder)

    def is_taken() -> bool:
        seq = is_taken_at[-1] + 1
        is_taken_at.append(seq)
        commit(journal, new(seq, 22.0 + seq % 7 / 10))
        wait_until_judged(journal, follower)
        return rows_of(journal, "n1")[seq][1] == "n1-a.v2"

    is_taken_at = [100]
    wait_for(is_taken, what="the new version to be taken")
    with journal.writing() as db:
        assert check_fully(db) == []
        checks = [text for (text,) in db.execute("SELECT checks FROM quality_versions ORDER BY id")]
    assert ['"calibrations":2' in text for text in checks] == [True, False]


def test_a_file_that_cannot_be_read_leaves_what_was_known(
    journal: Journal, start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "calibrations"
    write(calibration("sds011"), folder)
    commit(journal, new(1))
    follower = start(folder)
    wait_until_judged(journal, follower)
    (folder / "bad.json").write_text("{")
    commit(journal, new(2))
    wait_until_judged(journal, follower)
    commit(journal, new(3))
    wait_until_judged(journal, follower)
    assert [by for _, by, _ in rows_of(journal, "n1").values()] == ["sds011.v1"] * 3
    told = capsys.readouterr().out
    assert told.count("cannot be read; those known before hold on") == 1
    assert "bad.json" in told


@pytest.mark.parametrize(
    ("by", "model", "wanted"),
    [
        ("none", "pms5003", (None, None)),
        ("epa-2021", "pms5003", (6.68, "epa-2021.v2021")),
        ("epa-2021", "sds011", (None, None)),  # not the sensor that it was fitted for
        ("kappa-koehler", "sds011", (pytest.approx(10 / (1 + 0.3 / 1.65)), "kappa-koehler.v1")),
    ],
)
def test_a_setting_chooses_what_corrects(
    journal: Journal, start: Start, by: str, model: str, wanted: tuple[Any, ...]
) -> None:
    commit(journal, new(1, 10.0, model=model))
    wait_until_judged(journal, start(None, corrected=by))
    assert rows_of(journal, "n1")[1][:2] == wanted


def test_the_shared_error_comes_off_by_hours_that_are_over_and_only_by_those(
    journal: Journal, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "calibrations"
    write_calibrations(folder)
    # From hour 9 on the stations say five times as much: no value before hour 11 may know of it.
    stations = write_stations(tmp_path / "stations", 14, spoilt_from=9)
    commit(journal, *readings(14))
    wait_until_judged(journal, start(folder, stations))
    far = rows_of(journal, FAR)
    for seq, (pm25, by, factor) in far.items():
        hour, truth = (seq - 1) // 12, air(T0 + 300 * seq)
        assert by == "sds011.v1"
        if hour < 4:  # less than three hours are known that ended an hour ago
            assert (factor, pm25) == (None, pytest.approx(truth * SHARED, rel=0.01))
        elif hour < 11:
            assert (factor, pm25) == (pytest.approx(1 / SHARED, rel=0.01), pytest.approx(truth, rel=0.01))
        else:
            assert factor is not None
            assert factor > 1 / SHARED + 0.1
    # An hour's mean is of these values, and names them.
    hours = hours_of(journal, FAR)
    assert len(hours) == 13
    for number, (begin, have, raw, mean, n, by, factor, *coarse) in enumerate(hours):
        assert (have, n, by) == (12, 12, "sds011.v1")
        told = [far[number * 12 + each][0] or 0.0 for each in range(1, 13)]
        assert mean == pytest.approx(sum(told) / 12, abs=0.001)
        assert factor == far[number * 12 + 1][2]
        assert raw == pytest.approx(2 * SHARED * air(begin + 1), abs=0.2)
        assert coarse == [None, 0, ""]
    # Units beside stations get it, too, and their own calibrations stay without it for finding the next.
    assert rows_of(journal, ANCHORS[0])[60][1:] == ("n1-a.v1", pytest.approx(1 / SHARED, rel=0.01))


def test_a_restart_at_any_point_goes_on_with_the_same_factors(
    journal: Journal, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 10_000))
    print("seed", seed)
    rng = random.Random(seed)
    folder = tmp_path / "calibrations"
    write_calibrations(folder)
    stations = write_stations(tmp_path / "stations", 12)
    commit(journal, *readings(12))
    wait_until_judged(journal, start(folder, stations))
    whole = {name: (rows_of(journal, name), hours_of(journal, name)) for name in PLACES}
    with journal.writing() as db:
        for table in ("quality", "quality_hours", "quality_shared", "quality_cursors"):
            db.execute(f"DELETE FROM {table}")
    monkeypatch.setattr(follow, "BATCH", 20)
    for _ in range(6):
        follower = start(folder, stations)
        wanted = min(720, len(rows_of(journal, FAR)) * len(PLACES) + rng.randint(1, 100))

        def has_so_many(wanted: int = wanted) -> bool:
            with journal.writing() as db:
                return bool(db.execute("SELECT count(*) FROM quality").fetchone()[0] >= wanted)

        wait_for(has_so_many, what="some judgements")
        assert follower.stop(10)
    wait_until_judged(journal, start(folder, stations))
    assert {name: (rows_of(journal, name), hours_of(journal, name)) for name in PLACES} == whole


def with_rh(seq: int, rh: float | None = 50.0) -> NewReading:
    value = 20.0 + seq * 7 % 11 / 10
    values = {"pm25": value, "pm10": 30.0 + seq % 3, "rh": rh}
    return new(seq, values={name: each for name, each in values.items() if each is not None})


def two_calibrations(folder: Path) -> None:
    """The second begins 20 minutes into the third hour; both need the humidity. And one for PM10."""
    humid = {"form": "linear-rh", "coefficients": {"gain": 0.5, "rh": 0.01}}
    humid["valid"] = {"pm": (2.0, 200.0), "rh": (20.0, 90.0)}
    second = datetime.fromtimestamp(T0 + 60 * 140, UTC)
    write(calibration("dry", **humid), folder)
    write(calibration("dry", version=2, **{**humid, "from": second}), folder)
    write(calibration("coarse", field="pm10"), folder)


def test_an_hour_is_of_corrected_values_when_three_quarters_are_and_names_what_made_them(
    journal: Journal, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "calibrations"
    two_calibrations(folder)
    # Of the second hour 16 readings have no humidity, of the fourth 15.
    dry = {*range(65, 81), *range(190, 205)}
    commit(journal, *(with_rh(seq, None if seq in dry else 50.0) for seq in range(1, 312)))
    wait_until_judged(journal, start(folder))
    made = rows_of(journal, "n1")
    means = [sum(made[seq][0] or 0.0 for seq in range(60 * h + 1, 60 * h + 61)) / 60 for h in range(5)]
    found = hours_of(journal, "n1")
    assert [each[:2] for each in found] == [(T0 + 3600 * h, 60) for h in range(5)]
    first, second, third, fourth, fifth = (each[3:7] for each in found)
    assert first == (pytest.approx(means[0], abs=0.001), 60, "dry.v1", None)
    assert second == (None, 44, "", None)  # raw, although most are corrected
    # The hour in which one follows the other has both, and says so.
    assert third == (pytest.approx(means[2], abs=0.001), 60, "dry.v1, dry.v2", None)
    assert fourth[1:] == (45, "dry.v2", None)
    assert fourth[0] == pytest.approx(means[3] * 60 / 45, abs=0.001)
    assert fifth[1:] == (60, "dry.v2", None)
    # PM10 is for itself.
    assert {each[8:] for each in found} == {(60, "coarse.v1")}
    assert {each[7] for each in found} == {15.5}


@pytest.mark.parametrize("seed", [1, 2])
def test_hours_of_a_backlog_are_those_of_the_same_in_order(
    journal: Journal, start: Start, tmp_path: Path, seed: int
) -> None:
    print("seed", seed)
    folder = tmp_path / "calibrations"
    two_calibrations(folder)
    rng = random.Random(seed)
    everything = [with_rh(seq) for seq in range(1, 321)]
    fresh, backlog = everything[250:], everything[:250]
    arrival: list[NewReading] = []
    while fresh or backlog:
        source = fresh if fresh and (not backlog or rng.random() < 0.3) else backlog
        arrival += [source.pop(0) for _ in range(min(len(source), rng.randint(1, 30)))]
    follower = start(folder)
    for at in range(0, len(arrival), 40):
        commit(journal, *arrival[at : at + 40])
    wait_until_judged(journal, follower)
    assert follower.figures.late > 100
    late = hours_of(journal, "n1")
    assert follower.stop(10)
    with journal.writing() as db:
        samples = store.samples_between(db, T0 - 1, T0 + 60 * 321)
    ordered = Judge(QualitySettings(), PLACES)
    made = judge_batch(ordered, samples, Corrector("calibration", Held(Library.load(folder)), {}))
    wanted = [
        (each.hour * 3600, each.have, each.pm25_cor, each.pm25_cor_n, each.pm25_by) for each in made.hours
    ]
    assert [(each[0], each[1], *each[3:6]) for each in late][: len(wanted)] == wanted
    assert [by for *_, by in wanted] == ["dry.v1", "dry.v1", "dry.v1, dry.v2", "dry.v2", "dry.v2"]
