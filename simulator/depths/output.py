"""What a run shows and how it is ended: a progress bar for people, silent in a pipe, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

STEPS = 1000
Stop = threading.Event


@contextmanager
def bar(what: str) -> Generator[Callable[[float], None], None, None]:
    """Gives a function that takes the share done, 0 to 1. It shows nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=STEPS)
        shown = -1

        def tell(share: float) -> None:
            nonlocal shown
            step = int(share * STEPS)
            if step != shown:
                shown = step
                progress.update(task, completed=step)

        yield tell


@contextmanager
def ctrl_c() -> Generator[threading.Event, None, None]:
    """An event that Ctrl-C or SIGTERM sets, so that files are closed and nodes say goodbye. A second one ends
    at once. Main thread only."""
    stop = threading.Event()
    before: dict[signal.Signals, object] = {}

    def take(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, take)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
