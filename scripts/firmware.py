"""Compile the firmware into build/firmware, as a board gets it: .venv/bin/python scripts/firmware.py

Bytecode for any board (it holds no machine code), private names shortened, main.py as it is.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from simulator.bytecode import compile_tree  # noqa: E402 - it lies beside this folder
from simulator.runtime import SimulatorError  # noqa: E402


def main() -> None:
    target = ROOT / "build" / "firmware"
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    try:
        compile_tree(ROOT / "firmware", target)
    except SimulatorError as error:
        raise SystemExit(str(error)) from error
    files = [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{target.relative_to(ROOT)}: {len(files)} files, {size} bytes ({size / 1024:.1f} KiB)")


if __name__ == "__main__":
    main()
