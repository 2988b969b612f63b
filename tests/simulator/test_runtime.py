"""The simulator finds what it runs, or says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulator.runtime import SimulatorError, find_firmware, find_micropython

REPO = Path(__file__).resolve().parents[2]


def test_micropython_is_found_or_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, micropython: str
) -> None:
    monkeypatch.delenv("DUSTLINE_MICROPYTHON", raising=False)
    assert str(find_micropython().path) == micropython
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", str(tmp_path / "none"))
    with pytest.raises(SimulatorError, match=r"DUSTLINE_MICROPYTHON names .*none"):
        find_micropython()
    other = tmp_path / "micropython"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", str(other))
    assert find_micropython().source == "named by DUSTLINE_MICROPYTHON"
    monkeypatch.delenv("DUSTLINE_MICROPYTHON")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_micropython().path == other
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SimulatorError, match=r"pip install 'dustline\[sim\]'"):
        find_micropython()


def test_the_checkouts_firmware_is_found() -> None:
    assert find_firmware() == REPO / "firmware"
