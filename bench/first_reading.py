"""From a clean checkout to the first stored reading: .venv/bin/python -m bench.first_reading

Clones this checkout, runs `make demo` in the clone, and prints the seconds until set-up was done and until
the first reading was stored. The set-up's time depends on the network and on what pip and npm have
cached.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 900.0


def stored(url: str) -> int:
    """Readings that the demo's gateway has."""
    try:
        with urllib.request.urlopen(f"{url}api/ledger", timeout=2) as answer:
            return sum(int(node["stored"]) for node in json.load(answer)["nodes"])
    except (urllib.error.URLError, TimeoutError):
        return 0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dustline-clean-") as folder:
        clone = Path(folder) / "dustline"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        log = Path(folder) / "log.txt"
        started = time.monotonic()
        with log.open("wb") as output:
            demo = subprocess.Popen(
                ["make", "demo", "SECONDS=40"], cwd=clone, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            url, ready = "", 0.0
            while time.monotonic() - started < PATIENCE_S and demo.poll() is None:
                if not url:
                    lines = [line for line in log.read_text().splitlines() if line.startswith("page: ")]
                    url, ready = (lines[0].removeprefix("page: "), time.monotonic()) if lines else ("", 0.0)
                elif stored(url):
                    seconds = time.monotonic() - started
                    print(
                        f"started after {ready - started:.1f} s, first stored reading after {seconds:.1f} s"
                    )
                    break
                time.sleep(0.1)
            else:
                print(f"no reading was stored:\n{log.read_text()}")
            demo.wait(180)
        finally:
            demo.terminate()


if __name__ == "__main__":
    main()
