"""The gateway's own machine and configuration: disk, clock, rate, window; and the command's outside."""

from __future__ import annotations

import ctypes
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.config import Settings
from gateway.journal import Batch, Journal, NewReading
from gateway.preflight import clock, disk
from gateway.preflight.disk import check_file, check_filesystem, check_space, check_speed
from gateway.preflight.finding import NAMES, Finding
from gateway.preflight.load import check_window, window_finding
from gateway.preflight.rate import Rate, find_rate
from tests.gateway.conftest import make_settings

SLOW = Rate(2.0, "test")


def settings(tmp_path: Path, **more: Any) -> Settings:
    return make_settings(tmp_path, 1, **more)


# Disk.


@pytest.mark.parametrize(
    ("mounts", "level", "word"),
    [
        ("/dev/sda1 / ext4 rw 0 0", "ok", "ext4"),
        ("/dev/sda1 / ext4 rw 0 0\nserver:/x {} nfs4 rw 0 0", "fail", "nfs4"),
        ("/dev/sda1 / nfs rw 0 0\n/dev/sdb1 {} xfs rw 0 0", "ok", "xfs"),
        ("/dev/sda1 / ext4 rw 0 0\n//nas/x {} cifs rw 0 0", "fail", "cifs"),
        ("none {} tmpfs rw 0 0", "fail", "power cut"),
        ("overlay / overlay rw 0 0", "warn", "volume"),
        ("a {} fuse.s3fs rw 0 0", "warn", "not known"),
        ("", "warn", "cannot be seen"),
    ],
)
def test_file_system_must_suit(mounts: str, level: str, word: str, tmp_path: Path) -> None:
    home = tmp_path / "with a blank"
    home.mkdir()
    (tmp_path / "mounts").write_text(mounts.format(str(home).replace(" ", "\\040")) + "\n")
    found = check_filesystem(home / "deeper" / "journal.sqlite")
    assert found.level == level
    assert word in found.text
    assert bool(found.change) is (level == "fail" or "volume" in word or "not known" in word)


def test_this_machines_mounts_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOUNTS", Path("/proc/mounts"))
    assert "cannot be seen" not in check_filesystem(tmp_path / "journal.sqlite").text


class Disk:
    """Stands for os.statvfs's answer."""

    def __init__(self, free: int, flags: int = 0, inodes: int = 10**6) -> None:
        self.f_bavail, self.f_frsize, self.f_flag = free // 4096, 4096, flags
        self.f_files, self.f_favail = 10**6, inodes


@pytest.mark.parametrize(("about", "word"), [(Disk(1, os.ST_RDONLY), "read-only"), (Disk(1, 0, 5), "inodes")])
def test_disk_that_takes_no_file(
    about: Disk, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: about)
    found = check_filesystem(tmp_path / "journal.sqlite")
    assert found.level == "fail"
    assert word in found.text


@pytest.mark.parametrize(
    ("free_gb", "journal", "level", "change"),
    [
        (0.1, {}, "fail", "path = "),
        (100, {"max_mb": 5000}, "ok", ""),
        # 2/s of 200 bytes are 35 MB a day.
        (100, {"keep_days": 1000, "max_mb": 0}, "ok", ""),
        (10, {"keep_days": 1000, "max_mb": 0}, "warn", "max_mb = 7999"),
        (100, {}, "ok", ""),
        (10, {}, "warn", "max_mb = 7999"),
        (0.5, {"max_mb": 5000}, "fail", "max_mb = 399"),
    ],
)
def test_room_for_what_is_to_be_kept(
    free_gb: float, journal: dict[str, Any], level: str, change: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk(int(free_gb * 1e9)))
    found = check_space(settings(tmp_path, journal=journal), SLOW)
    assert found.level == level, found
    assert change in " ".join(found.change)
    assert bool(found.change) is bool(change)


def test_speed_is_measured_on_the_journals_disk_and_judged_by_the_rate(tmp_path: Path) -> None:
    found, speed = check_speed(settings(tmp_path), SLOW)
    assert found.level == "ok"
    assert speed is not None
    assert (speed.batch, speed.seconds > 0) == (500, True)
    found, _ = check_speed(settings(tmp_path), Rate(1e9, "test"))
    assert found.level == "fail"
    assert "path =" in found.change[0]
    # Of the trial nothing stays.
    assert [each.name for each in tmp_path.iterdir()] == ["mounts"]


def test_journal_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    assert check_file(tmp_path / "text").level == "fail"
    assert check_file(tmp_path / "new.sqlite").level == "ok"


def test_disk_on_which_sqlite_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr(Journal, "commit", refuse)
    found, speed = check_speed(settings(tmp_path), SLOW)
    assert (found.level, speed) == ("fail", None)
    assert "locking protocol" in found.text


# Window.


@pytest.mark.parametrize(
    ("broker", "journal", "level", "change"),
    [
        ({}, {}, "ok", ()),
        ({"receive_maximum": 100}, {}, "fail", ("gateway.toml, [broker]: receive_maximum = 1000",)),
        ({"receive_maximum": 600}, {}, "warn", ("gateway.toml, [broker]: receive_maximum = 1000",)),
        ({"receive_maximum": 100}, {"batch": 50}, "ok", ()),
        ({"protocol": 311}, {}, "ok", ()),
    ],
)
def test_window_below_the_batch(
    broker: dict[str, Any], journal: dict[str, Any], level: str, change: tuple[str, ...], tmp_path: Path
) -> None:
    found = check_window(settings(tmp_path, broker={"port": 1, **broker}, journal=journal))
    assert (found.level, found.change) == (level, change)


def test_what_was_not_sent_proves_no_window(tmp_path: Path) -> None:
    assert "at least 100" in window_finding(settings(tmp_path), 100, 100, SLOW, None).text
    # Each batch waits 50 ms: 2,000 a second at most.
    assert window_finding(settings(tmp_path), 100, 200, SLOW, None).level == "warn"
    assert window_finding(settings(tmp_path), 100, 200, Rate(1100, "test"), None).level == "fail"


# Clock.


@pytest.mark.parametrize(("state", "level"), [(0, "ok"), (5, "warn"), (-1, "warn")])
def test_kernels_word_about_the_clock(state: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def adjtimex(self, _buffer: Any) -> int:
            return state

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Libc())
    found = [each for each in clock.check_clocks(Settings()) if each.name == "clock.ntp"]
    assert [each.level for each in found] == [level]


@pytest.fixture
def dated() -> Iterator[tuple[str, list[float]]]:
    """A server that answers with the date of now plus so many seconds."""
    ahead = [0.0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int(time.time() + ahead[0]))

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", ahead
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("ahead", "level", "side"),
    [(0, "ok", ""), (40, "warn", "ahead of"), (-40, "warn", "behind"), (-4000, "fail", "behind")],
)
def test_databases_clock(
    ahead: float, level: str, side: str, dated: tuple[str, list[float]], tmp_path: Path
) -> None:
    url, offset = dated
    offset[0] = ahead
    influx = {"enabled": True, "api": "v1", "database": "d", "url": url}
    (found,) = [
        each
        for each in clock.check_clocks(settings(tmp_path, influx=influx))
        if each.name == "clock.database"
    ]
    assert found.level == level, found
    assert side in found.text


@pytest.mark.parametrize(("ahead", "level"), [(-30, "ok"), (0, "ok"), (30, "warn"), (600, "fail")])
def test_nodes_clocks(ahead: int, level: str, tmp_path: Path) -> None:
    now = int(time.time())
    values = {"pm25": 1.0}
    with Journal(tmp_path / "journal.sqlite", synchronous="NORMAL") as journal:
        readings = [
            NewReading(
                (now - 60) * 1000, "n", 1, seq, now - 60 + shift, tq, 1, 60, 1, "a", "sds011", (), values
            )
            # One node whose clock is wrong, and times that are not NTP's, do not count.
            for seq, (shift, tq) in enumerate(
                [(ahead, "ntp"), (ahead, "ntp"), (9000, "ntp"), (5000, "held"), (5000, "held")], 1
            )
        ]
        journal.commit(Batch("warsaw", readings=readings))
    (found,) = [each for each in clock.check_clocks(settings(tmp_path)) if each.name == "clock.nodes"]
    assert found.level == level, found


def test_no_journal_says_nothing_of_nodes_clocks(tmp_path: Path) -> None:
    assert "clock.nodes" not in [each.name for each in clock.check_clocks(settings(tmp_path))]


def test_impossible_date_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    found: list[Finding] = list(clock.check_clocks(Settings()))
    assert (found[0].name, found[0].level) == ("clock.date", "fail")


# Rate.


def fill(path: Path, spans: list[int]) -> None:
    """That many readings in each of the last spans of 10 minutes, the oldest first."""
    now_ms = time.time_ns() // 1_000_000
    readings: list[NewReading] = []
    for at, count in enumerate(spans):
        back = len(spans) - at
        for number in range(count):
            received = now_ms - back * 600_000 + 1000 + number
            seq = len(readings) + 1
            readings.append(
                NewReading(received, "n", 1, seq, None, "none", 1, 60, 1, "a", "sds011", (), {"pm25": 1.0})
            )
    with Journal(path, synchronous="NORMAL") as journal:
        journal.commit(Batch("warsaw", readings=readings))


def test_rate_is_taken_from_where_it_is_known(tmp_path: Path) -> None:
    assert find_rate(settings(tmp_path), None).known is False
    assert find_rate(settings(tmp_path), None).finding().level == "warn"
    assert find_rate(settings(tmp_path), 7.5) == Rate(7.5, "--rate")
    places = tmp_path / "nodes.toml"
    places.write_text("".join(f"[nodes.n{at}]\nlat = 52\nlon = 21\n" for at in range(60)))
    with_places = {"nodes_file": str(places)}
    found = find_rate(settings(tmp_path, **with_places), None)
    assert found.per_s == pytest.approx(1.1)
    assert "60 nodes" in found.source
    # One of two shards has some of them.
    part = find_rate(settings(tmp_path, **with_places, broker={"port": 1, "shards": "1/2"}), None)
    assert 0.3 < part.per_s < 0.8
    # A flood after an outage and a quiet night do not decide.
    fill(tmp_path / "journal.sqlite", [0] * 20 + [60] * 20 + [6000])
    found = find_rate(settings(tmp_path), None)
    assert found.per_s == pytest.approx(60 / 600 * 1.1)
    assert "journal" in found.source
    assert "60 nodes" in find_rate(settings(tmp_path, **with_places), None).source
    assert found.outage == 66


# The command.


def test_text_is_in_groups_and_a_finding_ends_with_1(toml: Any, free_port: Any) -> None:
    config = toml(free_port(), journal="batch = 5000")
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config), "--rate", "2"])
    assert result.exit_code == 1
    at = [
        result.output.index(words)
        for words in (
            "ok    config: ",
            "\nwarnings:\nwarn  ",
            "\nwould lose data or stall:\nFAIL  window.batch: ",
            "\n       change: gateway.toml, [broker]: receive_maximum = 10000\n",
            "FAIL  broker.connect: ",
            "2 would lose data or stall, ",
        )
    ]
    assert at == sorted(at)


def test_json_has_the_same_in_one_document(toml: Any, free_port: Any) -> None:
    config = toml(free_port())
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config), "--rate", "2", "--json"])
    document = json.loads(result.output)
    assert document["fail"] == 1
    assert {"name", "level", "text", "change"} == set(document["findings"][0])
    assert {each["name"] for each in document["findings"]} <= NAMES.keys()


@pytest.mark.parametrize("words", [["--rate", "0"], ["--rate", "many"], ["--unknown"]])
def test_wrong_command_line_ends_with_2(words: list[str], toml: Any) -> None:
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(toml(1)), *words])
    assert result.exit_code == 2


def test_every_name_is_documented(repo: Path) -> None:
    table = (repo / "docs/city-it.md").read_text().split("## Before it runs")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [row.strip().strip("`") for row in rows] == list(NAMES)
