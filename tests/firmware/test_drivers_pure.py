"""Drivers, sampler and measurement reach the hardware only through what they are given."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

NODE = Path(__file__).resolve().parents[2] / "firmware" / "node"
PURE = [*sorted((NODE / "drivers").glob("*.py")), NODE / "sampler.py", NODE / "measure.py"]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.Import):
            names.update(alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            names.add("." * item.level + (item.module or ""))
    return names


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_no_hardware_no_clock_no_files(path: Path) -> None:
    outside = {name for name in imported(path) if not name.startswith((".", "node."))}
    assert outside <= {"micropython", "struct"} | ({"asyncio"} if path.stem == "measure" else set())


def test_there_are_drivers_to_look_at() -> None:
    assert {"sds011", "plantower", "pmsa003i", "measure"} <= {path.stem for path in PURE}
