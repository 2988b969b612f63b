"""Run all tests, eight files at a time; the few that fail beside others are run once more alone, and named.

Usage: python scripts/run_tests.py. Ends with 0 when each test has passed, be it at its second try.
Eight processes on few cores starve a test of its time now and then. A test that fails alone too, or that
fails with more than a few others, has found something: the run fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
WORKERS = ["-n", "8", "--dist", "loadfile", "--no-loadscope-reorder"]
# As many may have had too little time; more have a cause.
FEW = 5
SOME_FAILED = 1  # pytest's exit code for just that


def main() -> int:
    FAILED.unlink(missing_ok=True)
    # Compiled by one process, so that eight need not each compile the same.
    pytest("--collect-only", "-qq", quiet=True)
    ended = pytest(*WORKERS)
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if ended != SOME_FAILED or not 0 < len(failed) <= FEW:
        return ended
    print(f"\n{len(failed)} failed beside others; once more, alone:", *failed, sep="\n  ", flush=True)
    ended = pytest(*failed)
    if ended == 0:
        print("\nPassed alone, and not beside others; mend what depends on time:", *failed, sep="\n  ")
    return ended


def pytest(*words: str, quiet: bool = False) -> int:
    out = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, stdout=out, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
