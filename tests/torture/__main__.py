"""make torture: kill the gateway, its broker and its database, fill its disk, and lose nothing.

500 messages a second of 200 nodes through a real Mosquitto and `dustline gateway run` into a real InfluxDB.
Nodes send a reading again until the gateway has acked it, as the contract says. At the end every reading that
was born must be in the journal by its ledger, and in the database exactly once, with its time and value.
"""

from __future__ import annotations

import argparse
import random
import sys

from tests.torture.run import FAST, FULL, torture


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill everything at random instants, lose nothing.")
    parser.add_argument("--fast", action="store_true", help="the reduced form, as CI runs it")
    parser.add_argument("--seed", type=int, help="of an earlier run")
    chosen = parser.parse_args()
    seed = random.randrange(1 << 32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    verdict = torture(FAST if chosen.fast else FULL, seed, lambda text: print(text, flush=True))
    for text in verdict.wrong[:20]:
        print(f"WRONG: {text}")
    print(verdict.line())
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
