"""A process that kills itself: `dustline reprocess` in small steps. Its words are the command's.

python -m tests.gateway.quality.reprocess_killed --since ... --config ...

SQLite counts what it does in the journal. KILL_AT: at that count the process is gone, so where it is hit does
not depend on how busy the machine is. COUNTS: a file that gets how many there were in all.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path

from dustline.cli import main
from gateway.quality.follow import offline
from gateway.quality.reprocess import beside, switch

INSTRUCTIONS = 100  # of SQLite's machine, to a count


counted = 0
kill_at = int(os.environ.get("KILL_AT", 0))
opened = beside.Beside.__init__


def count() -> int:
    global counted
    counted += 1
    if counted == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0


def open_and_count(self: beside.Beside, path: Path) -> None:
    opened(self, path)
    self._db.set_progress_handler(count, INSTRUCTIONS)


if __name__ == "__main__":
    offline.PIECE_S, switch.PAGE = 300, 20
    beside.Beside.__init__ = open_and_count  # type: ignore[method-assign]
    if "COUNTS" in os.environ:
        atexit.register(lambda: Path(os.environ["COUNTS"]).write_text(str(counted)))
    main(["reprocess", *sys.argv[1:]])
