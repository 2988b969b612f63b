"""The firmware's pure parts on CPython: where they are, and what MicroPython has and CPython lacks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType


def folder() -> Path:
    """What is copied to a board: `firmware` in a checkout, `dustline/firmware` in an installed wheel."""
    here = Path(__file__).resolve().parent
    for place in (here.parent / "firmware", here / "firmware"):
        if (place / "main.py").is_file():
            return place
    raise FileNotFoundError(f"no firmware in {here.parent / 'firmware'} nor in {here / 'firmware'}")


def _same(value: int) -> int:
    return value


def importable() -> None:
    """Make `import node...` work: the firmware's root on the path, and MicroPython's `const`."""
    root = str(folder())
    if root not in sys.path:
        sys.path.append(root)
    if "micropython" not in sys.modules:
        micropython = ModuleType("micropython")
        vars(micropython)["const"] = _same
        sys.modules["micropython"] = micropython
