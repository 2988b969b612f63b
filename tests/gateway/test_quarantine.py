"""The quarantine's commands: list, show, fix and replay, beside a running gateway and without one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway import topics
from gateway.journal import Batch, Journal, JournalReader, LedgerRow, Quarantined, Rejected
from gateway.pipeline import Pipeline
from gateway.quarantine import requests
from gateway.receive import Inbox, Incoming
from gateway.service import Gateway
from tests.gateway.batches import batch, new
from tests.gateway.destinations.servers import Influx1
from tests.gateway.talker import Talker, reading
from tests.support import REPO, wait_for

NODE = "node-1"
T = 1_790_000_000
RECEIVED_MS = (T + 400) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def run(path: Path) -> Callable[..., Any]:
    """`dustline gateway quarantine ...` with that journal."""
    config = path.with_name("gateway.toml")
    config.write_text(f"[journal]\npath = '{path}'\n")

    def call(*words: str, **more: Any) -> Any:
        return CliRunner().invoke(main, ["gateway", "quarantine", *words, "--config", str(config)], **more)

    return call


def arrive(
    path: Path, *messages: bytes, node: str = NODE, topic: str | None = None, at_ms: int = RECEIVED_MS
) -> None:
    """Take messages through the pipeline's stages into the journal."""
    from gateway.check import Limits

    nowhere: Any = None
    to = topic or topics.build("warsaw", node, "readings")
    incoming = [Incoming(to, each, 1, False, 1, 1, at_ms) for each in messages]
    work = Pipeline("warsaw", Inbox(1), nowhere, nowhere, limits=Limits(), most=10).sort(incoming)
    with Journal(path) as journal:
        journal.commit(work.batch)


def message(*items: Any, boot: int = 1) -> bytes:
    return json.dumps({"v": 1, "boot": boot, "readings": items}).encode()


def entries(path: Path) -> list[Quarantined]:
    with JournalReader(path) as reader:
        return reader.quarantined()


def ledger(path: Path) -> dict[int, LedgerRow]:
    with JournalReader(path) as reader:
        return {row.boot: row for row in reader.ledger()}


def counts(path: Path, boot: int = 1) -> tuple[int, int, int, int]:
    row = ledger(path)[boot]
    return row.born, row.stored, row.quarantined, row.missing


def stored(path: Path) -> dict[tuple[int, int], Any]:
    with JournalReader(path) as reader:
        return {(each.boot, each.seq): each for each in reader.after(0, 100)}


def good(seq: int, **changes: Any) -> dict[str, Any]:
    return reading(seq, t=T + seq, **changes)


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


@pytest.mark.parametrize("running", [False, True])
def test_what_came_while_the_gateways_clock_was_behind_is_replayed_by_the_clock_of_now(
    running: bool, path: Path, run: Any, mosquitto: Any, run_gateway: Any
) -> None:
    now = int(time.time())
    days_ago = (now - 3 * 86400) * 1000
    arrive(path, message(*[reading(seq, t=now - 600 + seq) for seq in range(1, 41)]), at_ms=days_ago)
    arrive(path, message(reading(41, t=now + 86400), reading(42, pm25="much")), at_ms=days_ago)
    arrive(path, message(reading(1, t=now - 600), boot=2), node="node-2", at_ms=days_ago)
    assert counts(path) == (42, 0, 42, 0)
    if running:
        run_gateway(mosquitto().port, journal={"path": path})
    assert "ahead of the gateway's clock" in run("replay", "1").output
    said = run("replay", "--reason", "time_future", "--node", NODE, "--by-now")
    assert said.exit_code == 1
    told = [line for line in said.output.splitlines() if " [info" not in line]  # the gateway's log
    assert told[0].startswith("entry 41: not replayed: time_future: ")
    assert told[1:] == ["40 of 41 entries replayed"]
    assert counts(path) == (42, 40, 2, 0)
    assert all(abs(each.received_ms / 1000 - now) < 3600 for each in stored(path).values())
    assert run("replay", "--reason", "time_past").output == "0 of 0 entries replayed\n"


def test_replay_goes_on_where_a_request_ended(path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(path, message(*[good(seq, pm25="much") for seq in (1, 2, 3)]))
    for entry in ("1", "2", "3"):
        run("fix", entry, "--set", "pm25=1")
    monkeypatch.setattr(requests, "_REPLAY_SECONDS", -1.0)
    assert run("replay", "--reason", "reading").output == "3 of 3 entries replayed\n"
    assert counts(path) == (3, 3, 0, 0)


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


def test_beside_a_running_gateway(mosquitto: Any, run_gateway: Any, talk: Any, path: Path, run: Any) -> None:
    port = mosquitto().port
    gateway: Gateway = run_gateway(port, journal={"path": path})
    node: Talker = talk(port)
    node.readings(reading(1), reading(2, pm25="much"))
    wait_for(lambda: node.acked(1, 2), what="the ack")
    assert counts(path) == (2, 1, 1, 0)
    said = run("fix", "1", "--set", "pm25=5")
    assert said.exit_code == 0, said.output
    said = run("replay", "1")
    assert said.output.endswith("entry 1: 1 stored\n")
    assert counts(path) == (2, 2, 0, 0)
    said = run("replay", "1")
    assert "replayed already" in said.output
    node.readings(reading(3))
    wait_for(lambda: node.acked(1, 3), what="the ack of the next")
    assert gateway.journal.cursor("x") == 0


def test_request_that_nobody_answers_is_withdrawn(
    path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(path, message(good(1, pm25="much")))
    monkeypatch.setattr(requests, "ANSWER_SECONDS", 0.2)
    with Journal(path):
        said = run("replay", "1")
    assert said.exit_code == 1
    assert "gave no answer" in said.output
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (0,)


def test_request_of_long_ago_is_not_carried_out(mosquitto: Any, run_gateway: Any, path: Path) -> None:
    arrive(path, message(good(1, pm25="much")))
    with sqlite3.connect(path) as db:
        old = int((time.time() - 600) * 1000)
        db.execute(
            "INSERT INTO requests (asked_ms, request) VALUES (?, ?)",
            (old, '{"what":"fix","id":1,"topic":"t","message":"m"}'),
        )
        db.execute(
            "INSERT INTO requests (asked_ms, request) VALUES (?, 'no json')", (int(time.time() * 1000),)
        )
    db.close()
    run_gateway(mosquitto().port, journal={"path": path})

    def answers() -> list[Any]:
        with sqlite3.connect(path) as reader:
            return reader.execute("SELECT answer FROM requests").fetchall()

    ((answer,),) = wait_for(lambda: (found := answers()) and len(found) == 1 and found[0][0] and found)
    assert "failed on it" in answer
    assert entries(path)[0].fixed is None


def test_two_programs_at_once_store_it_once(path: Path, run: Any) -> None:
    arrive(path, message(good(1, pm25="much"), good(2)))
    assert run("fix", "1", "--set", "pm25=5").exit_code == 0
    config = path.with_name("gateway.toml")
    words = [
        sys.executable,
        "-m",
        "dustline.cli",
        "gateway",
        "quarantine",
        "replay",
        "1",
        "--config",
        str(config),
    ]
    with Journal(path) as journal:
        from gateway.config import Settings
        from gateway.journal.schema import open_reader

        settings = Settings()
        both = [subprocess.Popen(words, cwd=REPO, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        ended = threading.Event()
        reader = open_reader(path)
        while not ended.is_set():
            requests.serve(journal, reader, lambda its, request: requests.carry_out(its, request, settings))
            if all(each.poll() is not None for each in both):
                ended.set()
        reader.close()
    outputs = sorted((each.communicate()[0], each.returncode) for each in both)
    assert outputs == [
        ("entry 1: 1 stored\n", 0),
        ("entry 1: not replayed: it has been replayed already\n", 1),
    ]
    assert counts(path) == (2, 2, 0, 0)


@pytest.fixture
def influx(tmp_path: Path) -> Any:
    server = Influx1(tmp_path / "influx", [])
    server.start()
    server.query("CREATE DATABASE air")
    yield server
    server.stop()


def test_reading_that_a_destination_refused_is_delivered_there(
    influx: Influx1, mosquitto: Any, run_gateway: Any, talk: Any, path: Path, run: Any
) -> None:
    """The database has `pm25` as text at first, and is put right."""
    port = mosquitto().port
    stamp = reading(1)["t"]
    influx.write("air", f'reading,network=warsaw,node=node-1,slot=a pm25="text" {stamp - 5}')
    settings = {"enabled": True, "api": "v1", "url": influx.url, "database": "air"}
    run_gateway(port, journal={"path": path}, influx=settings)
    node: Talker = talk(port)
    node.readings(reading(1, t=stamp))
    (entry,) = wait_for(lambda: entries(path) if path.exists() else None, 20, what="the refusal")
    assert (entry.reason, entry.seq) == ("refused", 1)
    assert entry.destination
    assert counts(path) == (1, 1, 0, 0)
    assert "the reading itself is good and stored" in run("fix", "1", "--set", "pm25=1").output
    said = run("replay", "1")
    assert said.exit_code == 1
    assert "refused again" in said.output
    influx.query('DROP MEASUREMENT "reading"', "air")
    said = run("replay", "1")
    assert said.output.endswith(f"entry 1: delivered to {entry.destination}\n")
    rows = influx.query('SELECT "pm25" FROM "reading"', "air")
    assert [(row["time"], row["pm25"]) for row in rows] == [(stamp, 0.1)]
    (done,) = entries(path)
    assert done.replayed_ms


def test_reading_refused_by_another_destination_stays(path: Path, run: Any) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(new(1)))
        journal.delivered("influxdb http://gone air", 1, [(reader.after(0, 1)[0], "no")])
    said = run("replay", "1")
    assert "destination influxdb http://gone air is not configured; the entry stays" in said.output
