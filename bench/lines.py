"""Lines of code per room: .venv/bin/python -m bench.lines

Counts lines of tracked source files that are neither blank nor a comment alone.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = {".py": "#", ".js": "//", ".css": "/*", ".html": "<!--", ".sh": "#"}
ROOMS = ("firmware", "gateway", "simulator", "dustline", "tests", "bench", "scripts")


def main() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for name in tracked.splitlines():
        room, suffix = name.split("/")[0], Path(name).suffix
        if room not in ROOMS or suffix not in KINDS:
            continue
        files[room] += 1
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            text = line.strip()
            lines[room] += bool(text) and not text.startswith(KINDS[suffix])
    for room in ROOMS:
        print(f"{room:10} {files[room]:4} files {lines[room]:6} lines")


if __name__ == "__main__":
    main()
