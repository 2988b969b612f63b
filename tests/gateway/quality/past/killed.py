"""A process that is killed: `dustline reprocess` over InfluxDB in small and slow steps. Its words are the
command's.

python -m tests.gateway.quality.past.killed --since ... --config ...
"""

from __future__ import annotations

import sys
from pathlib import Path

from dustline.cli import main
from gateway.quality.follow import offline
from gateway.quality.reprocess import beside, switch
from gateway.quality.reprocess.past import command


class Slow(beside.Beside):
    def __init__(self, path: Path, rest: float | None = None) -> None:
        super().__init__(path, 6.0)


if __name__ == "__main__":
    offline.PIECE_S, switch.PAGE, beside._REST = 300, 20, 60.0
    command.Beside = Slow  # type: ignore[misc]
    main(["reprocess", *sys.argv[1:]])
