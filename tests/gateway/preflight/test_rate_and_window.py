"""What the network sends, and whether the window holds a batch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.journal import Batch, Journal, NewReading
from gateway.preflight.load import check_window, window_finding
from gateway.preflight.rate import Rate, find_rate
from tests.gateway.conftest import make_settings

SLOW = Rate(2.0, "test")


def settings(tmp_path: Path, **more: Any) -> Settings:
    return make_settings(tmp_path, 1, **more)


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
