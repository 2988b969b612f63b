"""`dustline stations` on a real journal; and what the list costs."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.stations import fill
from gateway.journal import Batch, Claim, Journal, NewReading, Sighting
from gateway.journal.schema import open_reader
from gateway.journal.spans import SPAN_BITS
from gateway.stations import gather
from gateway.stations.cli import stations
from gateway.stations.gather import facts_of, span_of
from gateway.stations.rank import rank
from gateway.stations.view import stations_view

DAY = 86400
HEALTH: dict[str, Any] = {
    "heap_free": 61440,
    "rssi": -60,
    "reset": "watchdog",
    "outbox": {"depth": 0, "bytes": 0, "aside": 0},
    "sensors": [],
}


def reading(node: str, seq: int, t: int, boot: int = 1) -> NewReading:
    values = {"pm25": 10.0 + seq % 7}
    return NewReading(t * 1000 + 2000, node, boot, seq, t, "ntp", seq * 60, 60, 58, "a", "sds011", (), values)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`calm` is well; `gone` has been silent for two days; `jumpy` starts anew each hour and lost readings;
    `new` is on the map only."""
    now = int(time.time())
    (tmp_path / "gateway.toml").write_text(
        'network = "warsaw"\nnodes_file = "nodes.toml"\n[journal]\npath = "j.sqlite"\n'
        "[influx]\nenabled = true\n"  # no address, no token: nobody needs them to look into the journal
    )
    (tmp_path / "nodes.toml").write_text(
        "".join(
            f'[nodes.{name}]\nlabel = "{name.title()} \\u001b[31m"\nlat = 52.2\nlon = 21.0\n'
            for name in ("calm", "gone", "jumpy", "new")
        )
    )
    batch = Batch("warsaw")
    for seq, t in enumerate(range(now - 3 * DAY, now, 1800), 1):
        batch.readings.append(reading("calm", seq, t))
        if t < now - 2 * DAY:
            batch.readings.append(reading("gone", seq, t))
        boot = max(1, 1 + (t - (now - DAY)) // 3600)
        batch.readings.append(reading("jumpy", seq, t, boot))
    health = {**HEALTH, "boot": 24}
    batch.sightings = [
        Sighting(now * 1000, "calm", True, online=True, boot=1, health={**HEALTH, "boot": 1}),
        Sighting((now - 2 * DAY) * 1000, "gone", True, online=False, boot=1),
        Sighting(now * 1000, "jumpy", True, online=True, boot=24, health=health),
    ]
    batch.claims = [Claim(now * 1000, "calm", 1, 200)]
    with Journal(tmp_path / "j.sqlite", synchronous="NORMAL") as journal:
        journal.commit(batch)
    return tmp_path


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(stations, ["--config", str(home / "gateway.toml"), *words])


def test_the_command_ranks_and_says_why_in_two_languages(home: Path) -> None:
    done = call(home)
    assert done.exit_code == 1, done.output
    assert done.output.startswith("3 of 4 nodes need a visit.\n")
    names = [
        line.split()[1].strip(",") for line in done.output.splitlines() if line[:5].strip()[:1].isdigit()
    ]
    assert names[1:] == ["gone", "new", "jumpy", "calm"]
    assert "Nothing was heard from it since " in done.output
    assert "It restarted 23 times in a day, the last time by watchdog. Update its firmware" in done.output
    assert "56 of 199 readings of the last days never arrived and do not wait in its outbox" in done.output
    assert "The checks have judged nothing yet" in done.output
    assert "\x1b" not in done.output
    polish = call(home, "--lang", "pl").output
    assert "Nie odzywa się od " in polish
    assert "Liczba ponownych uruchomień w ciągu doby: 23" in polish


def test_the_json_document_has_it_all(home: Path) -> None:
    done = call(home, "--json", "--all")
    assert done.exit_code == 1
    found = json.loads(done.output)
    assert [one["node"] for one in found["stations"]] == ["gone", "new", "jumpy", "calm"]
    assert (found["nodes"], found["visits"], found["silent"], found["many_silent"]) == (4, 3, 1, False)
    assert found["unjudged_since"] == 0
    (reason,) = found["stations"][0]["reasons"]
    assert (reason["kind"], reason["weight"]) == ("silent", 90)
    assert reason["words"]["en"]["text"].startswith("Nothing was heard from it since ")
    assert set(reason["words"]) == {"en", "pl"}


def test_what_went_before_since_is_not_looked_at(home: Path) -> None:
    found = json.loads(call(home, "--json", "--since", str(int(time.time()) - 3600)).output)
    assert found["since"] > time.time() - 3700
    kinds = {one["node"]: [each["kind"] for each in one["reasons"]] for one in found["stations"]}
    assert "missing" in kinds["calm"]


def test_a_mistake_is_a_plain_message(home: Path, tmp_path: Path) -> None:
    future = call(home, "--since", "2999-01-01")
    assert (future.exit_code, "is in the future" in future.output) == (2, True)
    (home / "gateway.toml").write_text('[journal]\npath = "none.sqlite"\n')
    gone = call(home)
    assert gone.exit_code == 2, "1 says that a node needs a visit"
    assert "there is no such file" in gone.output
    assert "Traceback" not in gone.output


def test_a_network_of_healthy_nodes_needs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path, nodes=20, days=3)
    places = {f"node-{at:05}": SimpleNamespace(label="") for at in range(20)}
    found = stations_view(path, places, span_of(int(time.time())))
    assert (found["nodes"], found["visits"], found["stations"]) == (20, 0, [])
    assert found["unjudged_since"] is None


def test_many_silent_at_once_point_to_the_broker(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path, nodes=6, days=2)
    later = stations_view(path, {}, span_of(int(time.time()) + 6 * 3600))
    assert (later["silent"], later["many_silent"]) == (6, True)


def test_a_node_costs_the_same_in_a_journal_of_ten_times_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In instructions of SQLite's machine, which no busy computer changes."""
    small, large = tmp_path / "small.sqlite", tmp_path / "large.sqlite"
    # More than a day of readings, and as many in the newest span of ids.
    fill(small, nodes=10, days=16, readings=2000)
    fill(large, nodes=10, days=160, readings=2000 + 5 * (1 << SPAN_BITS) // 10)
    cost = {path: _steps(path, monkeypatch) for path in (small, large)}
    assert cost[large] < 1.1 * cost[small], cost


def _steps(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    count = 0

    def another() -> int:
        nonlocal count
        count += 1
        return 0

    def counted(journal: Path) -> Any:
        db = open_reader(journal)
        db.set_progress_handler(another, 100)
        return db

    with monkeypatch.context() as patch, closing(open_reader(path)):
        patch.setattr(gather, "open_reader", counted)
        at = span_of(int(time.time()))
        assert len(rank(facts_of(path, {}, at), at)) == 10
    assert count > 10
    return count
