"""What else `dustline reprocess` does with what an InfluxDB gives back: versions, and what is no reading."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from gateway.journal import Journal
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.correcting import FAR, HOURS, PLACES, make_site, readings, write_calibrations
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import Call, judged, raw

pytestmark = pytest.mark.needs_influxd
UNTIL = T0 + HOURS * 3600


def past(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "journal.sqlite.past.sqlite") as db:
        return db.execute(query).fetchall()


def test_versions_of_both_are_listed_used_and_dropped(influx: Influx1, folder: Path, call: Call) -> None:
    before, points = judged(influx), raw(influx)
    call("--since", str(T0), "--until", str(UNTIL))
    first = judged(influx)
    lines = call("list").splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1", "p1"]
    assert "in use" in lines[2]
    listed = json.loads(call("list", "--json"))["versions"]
    assert [(each["name"], each["source"], each["state"]) for each in listed] == [
        ("1", "journal", "in use"),
        ("p1", "influxdb", "in use"),
    ]
    assert "is in use for" in call("drop", "p1", code=2)
    # Back: InfluxDB has again what the gateway said; a corrected value that was none before stays, as it does
    # not take a field back.
    assert "versions that were: 1, p1" in call("use", "stream")
    assert {key: each[0] for key, each in judged(influx).items()} == {
        key: each[0] for key, each in before.items()
    }
    assert "version p1 is in use" in call("use", "p1")
    assert judged(influx) == first
    # Used once more, it is written once more, as to a server that has lost some.
    influx.write("past", f"reading,network=warsaw,node=n1,slot=a qc=77i {T0 + 300}")
    call("use", "p1")
    assert judged(influx) == first
    assert "there is no version 'p7'" in call("use", "p7", code=2)
    call("use", "stream")
    assert "version p1 is deleted" in call("drop", "p1")
    assert past(folder, "SELECT count(*) FROM quality_aside WHERE run > 0") == [(0,)]
    assert raw(influx) == points


def test_aside_nothing_changes_until_it_is_used_and_of_one_node_no_other(
    influx: Influx1, folder: Path, call: Call
) -> None:
    before = judged(influx)
    told = call("--since", str(T0), "--until", str(T0 + 3 * 3600), "--node", FAR, "--aside")
    assert "`dustline reprocess use p1` brings it into use" in told
    assert judged(influx) == before
    assert past(folder, "SELECT count(*) FROM quality_aside") == [(36,)]
    call("use", "p1")
    changed = {key for key, each in judged(influx).items() if each != before[key]}
    assert {name for name, _, _ in changed} == {FAR}
    assert len(changed) == 36
    told = call("--since", str(T0), "--until", str(T0 + 3 * 3600), "--node", "nobody", code=2)
    assert "has no readings of node nobody of network 'warsaw' from 2025-01-15T00:00:00Z" in told


def test_of_one_node_both_parts_are_as_by_a_whole_journal(
    influx: Influx1, folder: Path, call: Call, tmp_path: Path
) -> None:
    like = tmp_path / "like"
    like.mkdir()
    make_site(like)
    write_calibrations(like / "calibrations")
    words = ("--since", str(T0 + 3600), "--until", str(UNTIL), "--node", FAR)
    wanted = site.by_journal(like, tmp_path / "whole", *words)
    call(*words)
    pruned = site.pruned_upto(folder)
    found = {key: each for key, each in judged(influx).items() if key[2] <= pruned}
    found |= {key: each for key, each in site.judged_in(folder / "journal.sqlite").items() if key[2] > pruned}
    assert found == wanted


def test_a_journal_that_began_anew_asks_for_influxdb(
    influx: Influx1, folder: Path, call: Call, tmp_path: Path
) -> None:
    wanted = site.judged_in(folder / "journal.sqlite")
    for file in folder.glob("journal.sqlite*"):
        file.unlink()
    Journal(folder / "journal.sqlite").close()
    assert "version 1: 0 readings" in call("--since", str(T0), "--until", str(UNTIL))
    told = call("--since", str(T0), "--until", str(UNTIL), "--from", "influxdb")
    assert f"version p1: {len(PLACES) * HOURS * 12} readings" in told
    found = judged(influx)
    assert {key: qc for key, (qc, _, _) in found.items() if key in wanted} == {
        key: qc for key, (qc, _, _) in wanted.items()
    }
    assert all(pm25 is not None for _, pm25, _ in found.values())


def test_what_is_no_reading_is_left_out_and_counted(influx: Influx1, folder: Path, call: Call) -> None:
    t = T0 + 330
    good = 'n=58i,dt=60i,boot=1i,seq=9001i,up=100330i,flags=1024i,model="sds011",tq="ntp",pm25=50.0,pm10=75.0'
    influx.write(
        "past",
        "\n".join(
            [
                f"reading,network=warsaw,node=old,slot=a {good} {t}",  # a flag not known here, and no delay
                f"reading,network=warsaw,node=n1,slot=a qc=3i {t}",
                f"reading,network=warsaw,node=n2,slot=a pm25=3.0 {t}",
                f"reading,network=warsaw,node=Odd_Name,slot=a {good} {t}",
                f"reading,network=warsaw,node=n3,slot=a,room=1 {good} {t}",
                f"reading,network=warsaw,node=n3,slot=a,room=2 {good} {t}",
                f"reading,network=other,node=n4,slot=a {good} {t}",
                f"other,network=warsaw,node=n4,slot=a {good} {t}",
            ]
        ),
    )
    before = judged(influx)
    told = call("--since", str(T0), "--until", str(T0 + 3 * 3600))
    assert "version p1: 181 readings" in told
    assert "left out: 1 points without a reading, with a judgement only" in told
    assert "left out: 4 points that Dustline did not write" in told
    assert "1 readings are without `delay`" in told
    assert "unknown to the journal, and judged like any other: 1 nodes (old)" in told
    assert past(folder, "SELECT flags FROM readings JOIN nodes ON nodes.id = node_id WHERE name = 'old'") == [
        ("flag1073741824",)
    ]
    found = judged(influx)
    assert found["old", "a", t][0] is not None
    for key in (("n1", "a", t), ("n2", "a", t), ("Odd_Name", "a", t), ("n4", "a", t)):
        assert found.get(key) == before.get(key)


def test_nodes_of_other_gateways_are_theirs(influx: Influx1, folder: Path, call: Call) -> None:
    site.configure(folder, site.influx1(influx.url), '[broker]\nshards = "1/2"\n')
    told = call("--since", str(T0), "--until", str(T0 + 3 * 3600))
    named = {name for (name,) in past(folder, "SELECT name FROM nodes")}
    assert named
    assert named < set(PLACES)
    assert f"left out: {(len(PLACES) - len(named)) * 36} of nodes of other gateways" in told


def test_what_came_later_is_read_too_and_the_rest_is_not_read_again(
    influx: Influx1, folder: Path, call: Call
) -> None:
    words = ("--since", str(T0), "--until", str(T0 + 3 * 3600))
    assert "180 read now" in call(*words)
    assert "0 read now" in call(*words)
    late = readings(1)[0]
    influx.write(
        "past",
        f"reading,network=warsaw,node={late.node},slot=a pm25=50.0,pm10=75.0,n=58i,dt=60i,boot=1i,seq=5000i,"
        f'up={late.up + 60}i,delay=90000i,flags=0i,model="sds011",tq="ntp" {(late.t or 0) + 60}',
    )
    told = call(*words)
    assert "61 read now" in told
    assert "version p3: 181 readings" in told
    # Deleted, it is made anew.
    for file in folder.glob("journal.sqlite.past.sqlite*"):
        file.unlink()
    assert "version p1: 181 readings" in call(*words)


def test_hours_that_influxdb_has_no_more_go_with_their_judgements(
    influx: Influx1, folder: Path, call: Call
) -> None:
    words = ("--since", str(T0), "--until", str(T0 + 3 * 3600))
    call(*words)
    influx.query(f"DELETE FROM reading WHERE time > {T0}s AND time <= {T0 + 3600}s", "past")
    told = call(*words)
    assert "version p2: 120 readings" in told
    assert min(t for _, _, t in judged(influx)) > T0 + 3600
