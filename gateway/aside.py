"""Do one thing aside, such as to wait for a disk or a server, and go on with the next meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """A thread for calls, one after the other; it starts with the first. One caller.

    Not a ThreadPoolExecutor: Python waits at its end for that one's threads, also for one that hangs.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Future[T], Callable[[], T]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def begin(self, call: Callable[[], T]) -> Future[T]:
        """Have it called; its result, or what it raised, is in the future."""
        if self._thread.ident is None:
            self._thread.start()
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def close(self) -> None:
        """End when what was begun is done; waits for nothing."""
        self._calls.put(None)

    def __enter__(self) -> Aside[T]:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
                future.set_exception(error)
            # While this waits for the next call, nothing of the last one stays.
            del item, future, call
