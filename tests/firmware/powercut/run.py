"""The power-cut test's processes on MicroPython, and their results as one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dustline import firmware_path

HERE = Path(__file__).parent
# The same firmware with a small outbox: a day then fills segments, leaves them, thins and packs them many
# times, and a start reads little. Each text must be found, or the test would not run what it says.
SMALLER = (
    ("_SEGMENT_BYTES = const(16384)", "_SEGMENT_BYTES = const(2048)"),
    ('"outbox_kb": (64,', '"outbox_kb": (1,'),
    ("_FEW = const(8)", "_FEW = const(1)"),
)
DAY = 1440
SHORT = 120


@dataclass
class Form:
    """How much is cut: see node_side/cuts.py."""

    minutes: int = DAY
    every: int = 1
    second: int = 10
    littlefs: int = 40


@dataclass
class Result:
    cuts: int = 0
    violations: int = 0


def firmware(directory: Path) -> Path:
    """A copy of the firmware, with SMALLER."""
    copy = directory / "firmware"
    shutil.copytree(firmware_path.folder(), copy, ignore=shutil.ignore_patterns("__pycache__"))
    missing = {old for old, _ in SMALLER}
    for path in copy.rglob("*.py"):
        text = path.read_text()
        for old, new in SMALLER:
            if old in text:
                missing.discard(old)
                text = text.replace(old, new)
        path.write_text(text)
    if missing:
        raise SystemExit(
            f"powercut: not found in the firmware, correct tests/firmware/powercut/run.py: {missing}"
        )
    return copy


def run(
    micropython: str,
    form: Form,
    parts: int,
    broken: str = "",
    folder: Path | None = None,
    limit: float = 7200,
) -> Result:
    """Print what the processes find, and return the sum."""
    with tempfile.TemporaryDirectory(prefix="dustline-powercut-") as scratch:
        copy = folder or firmware(Path(scratch))
        began = time.monotonic()
        commands = [
            ["main.py", form.minutes, part, parts, form.every, form.second, broken] for part in range(parts)
        ]
        if form.littlefs and not broken:
            commands.append(["littlefs.py", form.littlefs])
        outputs = together(micropython, commands, copy, parts, limit)
        result = Result()
        for output in outputs:
            print(output, end="")
            words = dict(line.rsplit(" ", 1) for line in output.splitlines() if line.startswith("total "))
            result.cuts += int(words["total cuts"])
            result.violations += int(words["total violations"])
        print(f"powercut: {time.monotonic() - began:.0f} s in {parts} processes")
        return result


def together(
    micropython: str, commands: Sequence[Sequence[object]], copy: Path, at_once: int, limit: float
) -> list[str]:
    """Run them, so many at once; what each printed, in their order."""
    environment = {**os.environ, "MICROPYPATH": f"{HERE / 'node_side'}:{copy}:.frozen"}
    outputs: list[str] = []
    for first in range(0, len(commands), at_once):
        running = [
            subprocess.Popen(
                [micropython, "-X", "heapsize=128m", str(HERE / "node_side" / str(name)), *map(str, words)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, *words in commands[first : first + at_once]
        ]
        try:
            for process in running:
                output, _ = process.communicate(timeout=limit)
                if process.returncode:
                    raise SystemExit(f"powercut: {process.args} ended with {process.returncode}:\n{output}")
                outputs.append(output)
        finally:
            for process in running:
                process.kill()
                process.wait()
    return outputs
