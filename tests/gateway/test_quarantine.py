"""The quarantine's commands: list, show, fix and replay, without a running gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway import topics
from gateway.journal import Batch, Journal, Rejected
from tests.gateway.quarantining import (
    NODE,
    RECEIVED_MS,
    T,
    arrive,
    counts,
    entries,
    good,
    ledger,
    message,
    runner,
    stored,
)
from tests.gateway.talker import reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def run(path: Path) -> Callable[..., Any]:
    return runner(path)


def test_one_value_is_corrected_and_the_reading_stored(path: Path, run: Any) -> None:
    arrive(path, message(good(1), good(2, pm25="much"), good(3)))
    assert counts(path) == (3, 2, 1, 0)
    (entry,) = entries(path)
    said = run("replay", str(entry.id))
    assert said.exit_code == 1
    assert "not replayed: reading: pm25: must be a valid number" in said.output
    said = run("fix", str(entry.id), "--set", "pm25=12.3")
    assert said.exit_code == 0, said.output
    assert "would still refuse" not in said.output
    assert counts(path) == (3, 2, 1, 0)
    (fixed,) = entries(path)
    assert fixed.payload == entry.payload
    assert json.loads(fixed.fixed or "")["readings"][0]["pm25"] == 12.3
    said = run("replay", str(entry.id))
    assert (said.exit_code, said.output) == (0, f"entry {entry.id}: 1 stored\n")
    assert counts(path) == (3, 3, 0, 0)
    found = stored(path)[1, 2]
    assert (found.values["pm25"], found.received_ms) == (12.3, RECEIVED_MS)
    (done,) = entries(path)
    assert done.replayed_ms
    # Once and no more; and the node's own repetition changes nothing.
    assert "has been replayed already" in run("replay", str(entry.id)).output
    arrive(path, message(good(2, pm25="much")))
    assert counts(path) == (3, 3, 0, 0)
    assert "replayed 20" in run().output
    assert run("--open").output == "there is no such entry\n"


def test_fix_builds_on_the_earlier_one_and_says_what_is_still_wrong(path: Path, run: Any) -> None:
    arrive(path, message(good(2, pm25="much", rh="wet")))
    said = run("fix", "1", "--set", "pm25=1")
    assert "a replay would still refuse it: reading: rh: must be" in said.output
    assert "would still" not in run("fix", "1", "--set", "rh=50").output
    assert run("replay", "1").exit_code == 0
    assert stored(path)[1, 2].values["rh"] == 50


@pytest.mark.parametrize(
    "change",
    ["pm25=NaN", "pm25=1e999", 'slot="\\ud800"', "slot=\udcff", "slot=" + "a" * 9000, "pm25=" + "[" * 99999],
)
def test_fix_that_nobody_could_read_is_not_kept(change: str, path: Path, run: Any) -> None:
    """Once kept, it would be what every later --set builds on."""
    arrive(path, message(good(2, pm25="much")))
    said = run("fix", "1", "--set", change)
    assert (said.exit_code, said.output.count("\n")) == (1, 1), said.output
    assert "nothing is kept" in said.output
    assert run("fix", "1", "--set", "pm25=1").exit_code == 0
    assert run("replay", "1").exit_code == 0
    assert stored(path)[1, 2].values["pm25"] == 1


def test_a_time_is_judged_by_when_the_reading_came(path: Path, run: Any) -> None:
    arrive(path, message(reading(1, t=T + 10**6), reading(2, t=T + 10**6)))
    assert run("fix", "1", "--set", f"t={T}").exit_code == 0
    assert run("fix", "2", "--set", "t=null", "--set", "tq=none").exit_code == 0
    assert run("replay", "1", "2").exit_code == 0
    assert {each.t for each in stored(path).values()} == {T, None}


def test_whole_message_with_several_readings(path: Path, run: Any, tmp_path: Path) -> None:
    cut = message(good(1), good(2), good(3, pm25="much"))
    arrive(path, cut[:-1])
    assert ledger(path) == {}
    (entry,) = entries(path)
    assert "give a corrected one by --payload FILE" in run("fix", str(entry.id), "--set", "pm25=1").output
    (tmp_path / "whole.json").write_bytes(cut)
    assert run("fix", str(entry.id), "--payload", str(tmp_path / "whole.json")).exit_code == 0
    said = run("replay", str(entry.id))
    assert said.output == f"entry {entry.id}: 2 stored, 1 quarantined anew (reading)\n"
    assert counts(path) == (3, 2, 1, 0)
    assert [each.reason for each in entries(path)] == ["reading", "not_json"]


def test_message_under_a_wrong_name_or_an_erased_nodes_boot(path: Path, run: Any) -> None:
    arrive(path, message(good(1)), topic="dl/1/warsaw/0/Node_1/readings")
    arrive(path, message(good(1), boot=7))
    arrive(path, message(good(1, pm25=77), boot=7))
    (conflict, name) = entries(path)
    assert (conflict.reason, name.reason) == ("conflict", "topic")
    assert run("fix", str(name.id), "--node", NODE).exit_code == 0
    refused = run("replay", str(conflict.id))
    assert "another reading of node node-1 is stored as boot 7, seq 1" in refused.output
    assert len(entries(path)) == 2
    assert run("fix", str(conflict.id), "--boot", "1007").exit_code == 0
    assert run("replay", str(conflict.id), str(name.id)).exit_code == 0
    assert {key: each.values["pm25"] for key, each in stored(path).items()} == {
        (1, 1): 0.1,
        (7, 1): 0.1,
        (1007, 1): 77.0,
    }


def test_health_counts_what_was_born_and_status_is_over(path: Path, run: Any) -> None:
    arrive(path, b'{"v":1,"boot":1', topic=topics.build("warsaw", NODE, "health"))
    health = (
        '{"v":1,"boot":1,"up":1,"t":null,"heap_free":1,"reset":"power","born":[[1,4]],'
        '"outbox":{"depth":0,"bytes":0,"aside":0},"sensors":[],"counters":{}}'
    )
    assert run("fix", "1", "--payload", "-", input=health).exit_code == 0
    assert run("replay", "1").output == "entry 1: what it says was born is noted\n"
    assert counts(path) == (4, 0, 0, 4)
    arrive(path, b"{}", topic=topics.build("warsaw", NODE, "status"))
    online = '{"v":1,"online":true,"boot":1,"fw":"0.1","reset":"power","config":0,"sensors":[]}'
    assert "moment only, which is over" in run("fix", "2", "--payload", "-", input=online).output


def test_what_was_cut_short_is_not_guessed(path: Path, run: Any) -> None:
    with Journal(path) as journal:
        cut = Rejected(
            RECEIVED_MS, topics.build("warsaw", NODE, "readings"), NODE, None, None, "x", "y", b"{", 9
        )
        journal.commit(Batch("warsaw", rejected=[cut]))
    assert "only 1 of 9 bytes were kept" in run("replay", "1").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "9"), "there is no entry 9"),
        (("fix", "9", "--set", "a=1"), "there is no entry 9"),
        (("replay", "9"), "there is no such entry"),
        (("fix", "1"), "say what to change"),
        (("fix", "1", "--set", "pm25"), "write KEY=VALUE"),
        (("fix", "1", "--node", "No Name"), "a node's name is"),
        (("replay",), "name entries, or give --reason"),
        (("replay", "1", "--reason", "reading"), "name entries, or give --reason"),
        (("replay", "1", "--node", "n1"), "name entries, or give --reason"),
        (("replay", "--node", "n1"), "name entries, or give --reason"),
    ],
)
def test_mistakes_are_told_plainly(words: tuple[str, ...], told: str, path: Path, run: Any) -> None:
    arrive(path, message(good(1, pm25="much")))
    result = run(*words)
    assert result.exit_code in (1, 2)
    assert told in result.output
    assert counts(path) == (1, 0, 1, 0)


def test_list_and_show(path: Path, run: Any, tmp_path: Path) -> None:
    arrive(path, message(good(1, pm25="\x1b[2J")), b"\x1b[2Jnot json")
    assert run().output == run("list").output
    assert "#2  2026-" in run("list", "--limit", "1").output
    shown = run("show", "1").output
    assert "topic    dl/1/warsaw/" in shown
    assert '"pm25":"\\u001b[2J"' in shown
    assert "\x1b" not in shown + run("show", "2").output
    assert json.loads(run("show", "1", "--json").output)["reason"] == "reading"
    config = tmp_path / "gateway.toml"
    before = CliRunner().invoke(main, ["gateway", "quarantine", "--config", str(config), "show", "1"])
    assert before.exit_code == 2
    assert "write options behind 'show'" in before.output
