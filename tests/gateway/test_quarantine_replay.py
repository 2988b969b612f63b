"""Replay of many entries, beside a running gateway, by two programs at once, and to a destination."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal, JournalReader
from gateway.quarantine import requests
from gateway.service import Gateway
from tests.gateway.batches import batch, new
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quarantining import (
    NODE,
    arrive,
    counts,
    entries,
    good,
    message,
    runner,
    stored,
)
from tests.gateway.talker import Talker, reading
from tests.support import REPO, wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def run(path: Path) -> Callable[..., Any]:
    return runner(path)


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
