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
from gateway.releases.view import RolloutView, rollouts_view
from gateway.stations.gather import span_of
from gateway.stations.view import StationsView, stations_view
from gateway.web.air import AirView, air_view
from gateway.web.series import MOST_ROWS, Series, series_by_slot
from gateway.web.views import LedgerView, NodeView, Place, ledger_views, node_views

T = TypeVar("T")

_THREADS = 4
# Counting every boot of every node is the dearest question; many pages ask it at once.
_LEDGER_KEPT_S = 3.0
# Of thousands of nodes each one's state is read; the gateway itself looks as often.
_ROLLOUTS_KEPT_S = 5.0
# Faults take hours to show, and hours are over once an hour. What takes long is asked more seldom, for a
# thirtieth of the time at most.
_KEPT_S = 20.0
_REST = 30
# A node's clock may run ahead of the gateway's by what the gateway's checks let through, a day at most.
_AHEAD_S = 86400


class Queries:
    """Answers from the journal. Each opens a reader for itself: it is cheap, and no thread owns one.

    The methods without `async` may be called from any thread; they raise JournalError or sqlite3.Error.
    """

    def __init__(
        self,
        journal: Path,
        places: Mapping[str, Place],
        releases: Callable[[], Path | None] = lambda: None,
    ) -> None:
        """`releases`: the file of roll-outs, None for none."""
        self._journal = journal
        self._places = places
        self._releases = releases
        self._rollouts_mutex = threading.Lock()
        self._rollouts: tuple[float, list[RolloutView]] | None = None
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="web-journal")
        self._ledger_mutex = threading.Lock()
        self._stations_mutex = threading.Lock()
        self._stations: tuple[float, StationsView] | None = None
        self._air_mutex = threading.Lock()
        self._air: dict[str, tuple[float, AirView]] = {}
        self._ledger: tuple[float, dict[str, LedgerView]] | None = None

    async def run(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, question)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def nodes(self) -> dict[str, NodeView]:
        with JournalReader(self._journal) as reader, QualityReader(self._journal) as quality:
            # Judgements first: the other way round, a node whose next reading comes in between would show
            # its last one as if that were not judged.
            judged, corrected = quality.of_latest(), quality.corrected_latest()
            return node_views(reader.latest(), reader.statuses(), self._places, judged, corrected)

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
            first = since if first is None else first
            judged = quality.between(node, first, until)
            corrected = quality.corrected_between(node, first, until)
        return series_by_slot(readings, judged, corrected), len(readings) == MOST_ROWS

    def stations(self) -> StationsView:
        """Nodes that need a visit; kept for a while, as all nodes are gone through for it."""
        with self._stations_mutex:
            began = time.monotonic()
            if self._stations is None or began > self._stations[0]:
                found = stations_view(self._journal, self._places, span_of(int(time.time())))
                self._stations = (_good_until(began), found)
            return self._stations[1]

    def air(self, name: str) -> AirView:
        """By an index, one of gateway.quality.air.CHOICES."""
        with self._air_mutex:
            began, kept = time.monotonic(), self._air.get(name)
            if kept is None or began > kept[0]:
                found = air_view(self._journal, name, int(time.time()))
                kept = self._air[name] = (_good_until(began), found)
            return kept[1]

    def rollouts(self) -> list[RolloutView]:
        """Of this machine. Raises StoreError, sqlite3.Error."""
        with self._rollouts_mutex:
            began = time.monotonic()
            if self._rollouts is None or began > self._rollouts[0]:
                found = rollouts_view(self._releases())
                done = time.monotonic()
                self._rollouts = (done + max(_ROLLOUTS_KEPT_S, _REST * (done - began)), found)
            return self._rollouts[1]

    def ledger(self) -> dict[str, LedgerView]:
        with self._ledger_mutex:
            if self._ledger is None or time.monotonic() - self._ledger[0] > _LEDGER_KEPT_S:
                with JournalReader(self._journal) as reader:
                    self._ledger = (time.monotonic(), ledger_views(reader.ledger()))
            return self._ledger[1]


def _good_until(began: float) -> float:
    """When an answer that was begun then, and is ready now, is to be worked out anew; all monotonic s."""
    done = time.monotonic()
    return done + max(_KEPT_S, _REST * (done - began))
