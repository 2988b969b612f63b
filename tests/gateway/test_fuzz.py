"""The reduced form of tests/gateway/fuzz.py, and that it can fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.gateway import fuzz


def test_whatever_comes_is_stored_or_quarantined(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    ends, wrong = fuzz.run(20000, seed, tmp_path)
    assert wrong == []
    assert ends["stored"] > 3000
    assert ends["quarantined"] > 8000


def test_a_bug_and_a_message_that_vanishes_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fuzz.Pipeline._check
    calls = 0

    def check(self: fuzz.Pipeline, *args: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 100 == 0:
            raise ZeroDivisionError
        if calls % 100 != 1:
            real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(fuzz.Pipeline, "_check", check)
    _, wrong = fuzz.run(2000, 1, tmp_path)
    assert any("met a bug" in text for text in wrong)
    assert any("came to nothing" in text for text in wrong)
