"""Clocks: the kernel's word, the nodes', the database's."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gateway.config import Settings
from gateway.journal import Batch, Journal, NewReading
from gateway.preflight import clock
from gateway.preflight.finding import Finding
from tests.gateway.conftest import make_settings


def settings(tmp_path: Path, **more: Any) -> Settings:
    return make_settings(tmp_path, 1, **more)


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
