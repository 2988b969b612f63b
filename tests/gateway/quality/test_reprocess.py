"""`dustline reprocess`: the past by the checks and calibrations of now, as a version that can be changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from gateway.journal import Journal
from gateway.journal.bounds import Bounds, Pruner
from gateway.journal.integrity import check_fully
from gateway.journal.salvage import salvage
from gateway.quality.calibration.record import write
from gateway.quality.checks import QC_BITS, QualitySettings
from gateway.quality.follow.follower import QualityFollower
from gateway.quality.reprocess.beside import Beside
from tests.gateway.quality.correcting import (
    FAR,
    HOURS,
    PLACES,
    SHARED,
    air,
    calibration,
    configure,
    in_use,
    make_site,
    readings,
    table,
    write_calibrations,
)
from tests.gateway.quality.judging import T0
from tests.gateway.quality.test_follower import commit, wait_until_judged

Call = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_site(tmp_path)


@pytest.fixture
def call(folder: Path) -> Call:
    def run(*words: str, code: int = 0) -> Result:
        found = [*words, "--config", str(folder / "gateway.toml")]
        done = CliRunner().invoke(main, ["reprocess", *found], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    return run


def sound(folder: Path) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as db:
        assert check_fully(db) == []


def test_the_past_gets_calibrations_that_came_later_and_raw_data_stay(folder: Path, call: Call) -> None:
    raw, before = table(folder, "SELECT * FROM readings"), in_use(folder)
    hours = table(folder, "SELECT * FROM quality_hours")
    change = table(folder, "SELECT max(change) FROM quality")[0][0]
    write_calibrations(folder / "calibrations")
    told = call("--since", str(T0)).output
    assert told.startswith(f"version 1: {len(raw)} readings from 2025-01-15T00:00:00Z to ")
    assert "in use now" in told
    assert table(folder, "SELECT * FROM readings") == raw
    found = in_use(folder)
    assert {(row[-1], row[5] is None) for row in found} == {(1, False)}
    far = table(
        folder,
        "SELECT t, quality.pm25, factor FROM quality JOIN readings ON readings.id = reading_id"
        f" JOIN nodes ON nodes.id = node_id WHERE name = '{FAR}' ORDER BY t",
    )
    for t, pm25, factor in far:
        known = (t - T0 - 1) // 3600 >= 4
        assert pm25 == pytest.approx(air(t) * (1 if known else SHARED), rel=0.01)
        assert factor == (pytest.approx(1 / SHARED, rel=0.01) if known else None)
    # Every row is new to destinations.
    assert table(folder, "SELECT min(change), count(DISTINCT change) FROM quality") == [
        (change + 1, len(raw))
    ]
    # Hours are counted anew with it, and say by what.
    counted = table(folder, "SELECT run, have, pm25_cor_n, pm25_by FROM quality_hours")
    names = {f"{name}-a.v1" for name in PLACES if name != FAR} | {"sds011.v1"}
    assert {each[:3] for each in counted} == {(1, 12, 12)}
    assert {by for *_, by in counted} == names
    wrong = table(
        folder,
        "SELECT hour, pm25_cor, avg(q.pm25) FROM quality_hours h JOIN readings r ON r.node_id = h.node_id"
        " AND r.t > h.hour * 3600 AND r.t <= h.hour * 3600 + 3600 JOIN quality q ON q.reading_id = r.id"
        " GROUP BY h.node_id, hour HAVING abs(pm25_cor - avg(q.pm25)) > 0.001",
    )
    assert wrong == []
    assert {each[-7:] for each in hours} == {(None, 0, "", None, None, 0, "")}
    sound(folder)
    # Back, and again: both are kept whole.
    call("use", "stream")
    assert in_use(folder) == before
    assert table(folder, "SELECT * FROM quality_hours") == hours
    call("use", "1")
    assert in_use(folder) == found
    assert table(folder, "SELECT count(*) FROM quality_aside WHERE run = 0") == [(len(raw),)]
    sound(folder)


def test_the_stream_and_the_past_agree(folder: Path, call: Call) -> None:
    write_calibrations(folder / "calibrations")
    call("--since", str(T0), "--aside")
    aside = table(
        folder, "SELECT reading_id, qc, pm25, pm10, factor FROM quality_aside WHERE run = 1 ORDER BY 1"
    )
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as journal:
        from gateway.quality.corrected.sources import Files

        with journal.writing() as db:
            for name in ("quality", "quality_hours", "quality_cursors"):
                db.execute(f"DELETE FROM {name}")
        files = Files(folder / "calibrations", folder / "stations.toml")
        follower = QualityFollower(journal, QualitySettings(settle_s=1), PLACES, files=files)
        follower.start()
        wait_until_judged(journal, follower)
        assert follower.stop(10)
    stream = table(folder, "SELECT reading_id, qc, pm25, pm10, factor FROM quality ORDER BY 1")
    assert stream == aside


def test_versions_are_listed_and_the_last_in_use_holds_where_two_overlap(folder: Path, call: Call) -> None:
    assert "there are none" in call("list").output
    write(calibration("sds011"), folder / "calibrations")
    call("--since", str(T0), "--until", str(T0 + 8 * 3600))
    configure(folder, '[quality]\ncorrected = "kappa-koehler"\n[quality.humid]\nat = 40\n')
    call("--since", str(T0 + 4 * 3600), "--until", str(T0 + 10 * 3600), "--node", FAR)
    lines = call("list").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert "1 calibrations, 2 stations" in lines[1]
    assert "in use in part" in lines[1]
    assert lines[2].endswith("in use         kappa-koehler") or "kappa-koehler" in lines[2]
    said = json.loads(call("list", "--json").output)["versions"]
    nodes, per_hour = len(PLACES), 12
    assert [(one["readings"], one["in_use"], one["state"]) for one in said] == [
        (8 * nodes * per_hour, 8 * nodes * per_hour - 4 * per_hour, "in use"),
        (6 * per_hour, 6 * per_hour, "in use"),
    ]
    humid = table(
        folder,
        "SELECT DISTINCT name, run FROM quality JOIN readings ON readings.id = reading_id"
        f" JOIN nodes ON nodes.id = node_id WHERE qc & {QC_BITS['humid']}",
    )
    assert humid == [(FAR, 2)]
    # One that is in use cannot be dropped; the other way round it can.
    assert "is in use for 72 readings" in call("drop", "2", code=2).output
    call("use", "stream")
    call("use", "1")
    assert "version 2 is deleted" in call("drop", "2").output
    assert table(folder, "SELECT count(*) FROM quality_aside WHERE run = 2") == [(0,)]
    sound(folder)


def test_what_the_stream_says_later_goes_before_an_older_version(folder: Path, call: Call) -> None:
    write_calibrations(folder / "calibrations")
    call("--since", str(T0))
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as journal:
        follower = QualityFollower(journal, QualitySettings(settle_s=1), PLACES)
        late = readings(1, first=3)[0]
        late.seq, late.t = 5000, (late.t or 0) + 60  # between two readings that are judged
        commit(journal, late)
        follower.start()
        wait_until_judged(journal, follower)
        assert follower.stop(10)
    assert table(folder, "SELECT count(*) FROM quality WHERE run = 0")[0][0] >= 1
    call("use", "stream")
    assert table(folder, "SELECT count(*) FROM quality WHERE run <> 0") == [(0,)]
    rows = len(readings(HOURS)) + 1
    assert table(folder, "SELECT count(*) FROM quality") == [(rows,)]
    sound(folder)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "from when on?"),
        (("--since", "2999-01-01"), "must be before --until"),
        (("--since", "yesterday"), "write a date such as"),
        (("--since", str(T0), "--node", "nobody"), "knows no node 'nobody'"),
        (("use", "7"), "there is no version '7'"),
        (("drop", "x"), "there is no version 'x'"),
    ],
)
def test_what_cannot_be_done_is_told(call: Call, words: tuple[str, ...], told: str) -> None:
    assert told in call(*words, code=2).output


def test_a_bad_calibration_and_switched_off_checks_are_told(folder: Path, call: Call) -> None:
    (folder / "calibrations" / "bad.json").write_text("{")
    assert "bad.json" in call("--since", str(T0), code=2).output
    configure(folder, "[quality]\nenabled = false\n")
    assert "quality.enabled is false" in call("--since", str(T0), code=2).output
    assert table(folder, "SELECT count(*) FROM quality_runs") == [(0,)]


def test_what_the_journal_has_no_more_is_refused(folder: Path, call: Call) -> None:
    with Journal(folder / "journal.sqlite") as journal:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=1), [])
        assert pruner.step()
    (newest,) = table(folder, "SELECT max(newest_t) FROM gone")[0]
    told = call("--since", str(T0), code=2).output
    assert "are no longer all in the journal" in told
    call("--since", str(newest))
    sound(folder)


def test_pruning_and_salvage_know_of_what_is_aside(folder: Path, call: Call) -> None:
    write_calibrations(folder / "calibrations")
    call("--since", str(T0))
    with Journal(folder / "journal.sqlite") as journal:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=1), [])
        assert pruner.step()
        assert check_fully(journal._db) == []
    left = table(folder, "SELECT count(*) FROM readings")[0][0]
    assert left < len(readings(HOURS))
    assert table(folder, "SELECT count(*) FROM quality_aside") == [(left,)]
    report = salvage(folder / "journal.sqlite")
    assert (report.damaged, report.kept["quality_aside"], report.kept["quality_runs"]) == ({}, left, 1)
    call("use", "stream")
    assert table(folder, "SELECT count(*) FROM quality WHERE run = 0") == [(left,)]


def test_two_at_a_time_are_refused(folder: Path, call: Call) -> None:
    with Beside(folder / "journal.sqlite"):
        assert "another reprocess is at work" in call("--since", str(T0), code=2).output
