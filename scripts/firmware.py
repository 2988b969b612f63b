"""Compile the firmware into build/firmware, as a board gets it: .venv/bin/python scripts/firmware.py

Bytecode that any board can load, joined and with short names (docs/node/build.md), main.py with its imports
led there. build/firmware.map leads back: `scripts/firmware.py --explain < console.txt` prints a board's
console with the source's files, lines and names in its tracebacks.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dustline.node.build import bundle_of, files_of, room_of, version_of  # noqa: E402 - beside this folder
from dustline.node.bundle import SIGNATURE_BYTES  # noqa: E402
from simulator.bytecode import compile_tree, explained, map_of  # noqa: E402
from simulator.runtime import SimulatorError  # noqa: E402

TARGET = ROOT / "build" / "firmware"
LARGEST_KIB = {"node": 100, "whole": 125}  # node: what measures day by day; whole: every file of a board


def main() -> None:
    parser = argparse.ArgumentParser(description="Compile the firmware, or explain a board's tracebacks.")
    parser.add_argument(
        "--explain", action="store_true", help="print standard input with the source's files, lines and names"
    )
    if parser.parse_args().explain:
        if not map_of(TARGET).exists():
            raise SystemExit(f"{map_of(TARGET)} is not there: build the firmware that the board runs first")
        sys.stdout.write(explained(TARGET, sys.stdin.read()))
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.parent.mkdir(exist_ok=True)
    try:
        compile_tree(ROOT / "firmware", TARGET, link=True)
    except SimulatorError as error:
        raise SystemExit(str(error)) from error
    files = files_of(TARGET)
    where = TARGET.relative_to(ROOT)
    rooms = {"node": 0, "setup": 0, "update": 0, "stage": 0}
    for path, data in files.items():
        rooms[room_of(path)] += len(data)
    rooms["whole"] = sum(rooms.values())
    for room, size in rooms.items():
        most = f", at most {LARGEST_KIB[room]}" if room in LARGEST_KIB else ""
        print(f"{room:7}{size:8} bytes {size / 1024:6.1f} KiB{most}")
    bundle = bundle_of(TARGET, version_of(ROOT / "firmware"), "0.0.0")
    signed = len(bundle.body) + SIGNATURE_BYTES
    print(f"signed bundle, what an update loads: {signed} bytes ({signed / 1024:.1f} KiB)")
    print(f"{where}: {len(files)} files, for xtensawin and any other")
    over = [room for room, most in LARGEST_KIB.items() if rooms[room] >= most * 1024]
    if over:
        said = ", ".join(f"{room} {rooms[room] / 1024:.1f} of {LARGEST_KIB[room]} KiB" for room in over)
        raise SystemExit(f"{where}: larger than it may be: {said}")


if __name__ == "__main__":
    main()
