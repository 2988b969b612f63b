"""The page's questions to the journal, asked in a few threads of their own and never on the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gateway.journal import JournalReader
from gateway.quality.follow.reader import QualityReader
from gateway.web.series import MOST_ROWS, Series, series_by_slot
from gateway.web.views import LedgerView, NodeView, Place, ledger_views, node_views

T = TypeVar("T")

_THREADS = 4
# Counting every boot of every node is the dearest question; many pages ask it at once.
_LEDGER_KEPT_S = 3.0
# A node's clock may run ahead of the gateway's by what the gateway's checks let through, a day at most.
_AHEAD_S = 86400


class Queries:
    """Answers from the journal. Each opens a reader for itself: it is cheap, and no thread owns one.

    The methods without `async` may be called from any thread; they raise JournalError or sqlite3.Error.
    """

    def __init__(self, journal: Path, places: Mapping[str, Place]) -> None:
        self._journal = journal
        self._places = places
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="web-journal")
        self._ledger_mutex = threading.Lock()
        self._ledger: tuple[float, dict[str, LedgerView]] | None = None

    async def run(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, question)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def nodes(self) -> dict[str, NodeView]:
        with JournalReader(self._journal) as reader, QualityReader(self._journal) as quality:
            return node_views(reader.latest(), reader.statuses(), self._places, quality.of_latest())

    def series(self, node: str, since: int) -> tuple[list[Series], bool] | None:
        """Chart columns from `since` (UTC s) on, and whether older readings were left out.

        None when there is no such node.
        """
        until = int(time.time()) + _AHEAD_S
        with JournalReader(self._journal) as reader, QualityReader(self._journal) as quality:
            readings = reader.series(node, since, until, MOST_ROWS)
            if not readings and node not in node_views(reader.latest(), reader.statuses(), self._places):
                return None
            first = readings[0].t if readings else since
            judged = quality.between(node, since if first is None else first, until)
        return series_by_slot(readings, judged), len(readings) == MOST_ROWS

    def ledger(self) -> dict[str, LedgerView]:
        with self._ledger_mutex:
            if self._ledger is None or time.monotonic() - self._ledger[0] > _LEDGER_KEPT_S:
                with JournalReader(self._journal) as reader:
                    self._ledger = (time.monotonic(), ledger_views(reader.ledger()))
            return self._ledger[1]
