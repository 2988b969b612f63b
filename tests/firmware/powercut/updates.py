"""Power cuts in an update: the versions that it is about, and the processes on MicroPython."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from dustline import firmware_path
from dustline.node import signing
from dustline.node.bundle import make
from tests.firmware.powercut.run import together

SCENARIOS = ("good", "back", "loop", "unsigned")
FILLER = 9000  # bytes: some blocks, and some pieces; a real version only takes longer
LARGE = 100000


def versions(folder: Path, filler: int) -> None:
    key = rsa.generate_private_key(signing.EXPONENT, signing.BITS)
    noise = random.Random(17)

    def files(name: str) -> dict[str, bytes]:
        return {"run.mpy": name.encode(), "filler.mpy": noise.randbytes(filler)}

    old, new = (make(files(version), version, "1.0.0") for version in ("1.0.0", "2.0.0"))
    evil = make(files("evil"), "2.0.0", "1.0.0")
    (folder / "old.fw").write_bytes(signing.sign(old, key).whole)
    (folder / "new.fw").write_bytes(signing.sign(new, key).whole)
    (folder / "evil.fw").write_bytes(evil.body + signing.sign(new, key).signature)
    (folder / "keys.json").write_text(signing.keys_json("esp32", [key.public_key()]))


def run(
    micropython: str,
    parts: int,
    fast: bool,
    firmware: Path | None = None,
    scenarios: Sequence[str] = SCENARIOS,
    every: int = 2,
) -> dict[str, int]:
    """Print what the processes find; what is counted, by name. `bricked`: a start finds nothing to run.
    `unsigned`: it would run what is no signed version. `wrong`: it runs, but does not end as it must."""
    total = {"cuts": 0, "bricked": 0, "unsigned": 0, "wrong": 0}
    # (bytes of a version, every so many operations, of those the recovery of every so many)
    rounds = [(FILLER, every, 40)] if fast else [(FILLER, 1, 40), (LARGE, 17, 0)]
    for filler, step, second in rounds:
        with tempfile.TemporaryDirectory(prefix="dustline-updates-") as scratch:
            versions(Path(scratch), filler)
            commands = [
                ["updates.py", scratch, name, part, parts, step, second]
                for name in scenarios
                for part in range(parts)
            ]
            for output in together(micropython, commands, firmware or firmware_path.folder(), parts, 3600):
                print(output, end="")
                for line in output.splitlines():
                    if line.startswith("total "):
                        _, name, count = line.split()
                        total[name] += int(count)
    return total
