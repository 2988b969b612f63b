"""The demo's judgement, and whose folder it empties."""

from __future__ import annotations

import fcntl
from pathlib import Path

from click.testing import CliRunner

from dustline.demo import demo
from dustline.demo.ledger import Row, balance, verdict


def test_both_sides_are_compared() -> None:
    row = balance("a", {1: 3, 2: 1}, {(1, 1), (1, 3), (2, 9)}, {(2, 1)})
    assert row == Row("a", born=5, stored=3, quarantined=1, missing=1)
    assert verdict([row], []) == "readings are missing from a (1)"


def test_a_node_without_a_reading_is_not_in_order() -> None:
    assert "no reading arrived from a" in str(verdict([balance("a", {}, set(), set())], []))


def test_a_node_that_never_reported_an_empty_outbox_is_not_in_order() -> None:
    """Its last word may be older than its last readings: what they both know of agrees, and readings wait."""
    row = balance("a", {1: 3}, {(1, 1), (1, 2), (1, 3)}, set())
    assert verdict([row], []) is None
    assert "a did not report an empty outbox" in str(verdict([row], ["a"]))


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    mark, journal = tmp_path / ".dustline-demo", tmp_path / "journal.sqlite"
    journal.write_text("of the other demo")
    with mark.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = CliRunner().invoke(demo, ["--seconds", "1", "--directory", str(tmp_path)])
    assert done.exit_code == 2
    assert "another demo runs" in done.output
    assert journal.exists()
