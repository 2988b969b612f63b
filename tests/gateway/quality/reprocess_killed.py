"""A process that is killed: `dustline reprocess` in small and slow steps. Its words are the command's.

python -m tests.gateway.quality.reprocess_killed --since ... --config ...
"""

from __future__ import annotations

import sys

from dustline.cli import main
from gateway.quality.follow import offline
from gateway.quality.reprocess import beside, switch

if __name__ == "__main__":
    offline.PIECE_S, switch.PAGE, beside._REST = 300, 20, 60.0
    main(["reprocess", *sys.argv[1:]])
