"""python -m tests.firmware.powercut [--update] [--fast]: cut the power everywhere, and say what it broke."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.firmware.powercut import updates
from tests.firmware.powercut.run import SHORT, Form, run
from tests.support import require


def main() -> int:
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="an hour, and a sample of the bytes, for CI")
    parser.add_argument("--update", action="store_true", help="of an update of the firmware, not of a day")
    parser.add_argument("--parts", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--firmware", type=Path, help="another folder than this repository's")
    parser.add_argument(
        "--second", type=int, help="cut the recovery from each N-th operation again; 0 = none"
    )
    options = parser.parse_args()
    if options.update:
        found = updates.run(require("micropython"), options.parts, options.fast, options.firmware)
        print("update-powercut: " + " ".join(f"{name}={count}" for name, count in found.items()))
        return 1 if sum(found.values()) > found["cuts"] or not found["cuts"] else 0
    form = Form(SHORT, 11, 40, 4) if options.fast else Form()
    if options.second is not None:
        form.second = options.second
    result = run(require("micropython"), form, options.parts, folder=options.firmware)
    print(f"powercut: cuts={result.cuts} violations={result.violations}")
    return 1 if result.violations else 0


sys.exit(main())
