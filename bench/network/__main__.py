"""Every bad network, one node each, and the ledger: .venv/bin/python -m bench.network

--fast is CI's form: shorter faults, a sample of the places to cut. --only NAME,NAME plays some cases.
Nodes of the real firmware, Mosquitto, the gateway as a process; `dustline ledger` is the judge.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.network.run import failures, play, table


def main() -> int:
    parser = argparse.ArgumentParser(description="Bad networks between real nodes and a real broker.")
    parser.add_argument("--fast", action="store_true", help="CI's form: shorter, and a sample")
    parser.add_argument("--only", default="", help="names of cases, with commas")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="a new folder for logs and journals, which is kept")
    words = parser.parse_args()
    began = time.monotonic()
    print(f"seed {words.seed}")
    with tempfile.TemporaryDirectory(prefix="dustline-network-") as temporary:
        directory: Path = words.keep or Path(temporary)
        outcomes = play(
            directory, fast=words.fast, only=set(filter(None, words.only.split(","))), seed=words.seed
        )
    print(*table(outcomes), *failures(outcomes), sep="\n")
    print(f"{time.monotonic() - began:.0f} s")
    missing = sum(outcome.missing for outcome in outcomes)
    leaked = sum(outcome.leaked for outcome in outcomes)
    print(f"network: cases={len(outcomes)} missing={missing} leaked={leaked}")
    return 0 if all(outcome.well for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
