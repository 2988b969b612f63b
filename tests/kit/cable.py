"""The far end of fake_serial.js: a board in its loader, a node's console, or nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

FAKE = Path(__file__).with_name("fake_serial.js")


class End(Protocol):
    def exchange(self, data: bytes) -> bytes: ...


class Silent:
    """A board that answers nothing."""

    def exchange(self, data: bytes) -> bytes:
        return b""


class Cable:
    """`ends`: what the port leads to at its first opening, its second, and so on; the last one stays. One may
    be made when it is needed."""

    def __init__(self, *ends: End | Callable[[], End]) -> None:
        self._ends = list(ends)
        self.opened = 0
        self.bauds: list[int] = []
        self.refuse: str | None = None  # requestPort() fails with this name
        self.busy: str | None = None  # open() fails with this sentence
        self.sent = b""  # by the page

    def attach(self, page: Any) -> None:
        page.expose_binding("__cable", lambda _, kind, data: self._take(kind, data))
        page.add_init_script(path=str(FAKE))

    def _take(self, kind: str, data: str) -> str | None:
        if kind == "choose":
            return self.refuse
        if kind == "open":
            if self.busy is None:
                self.opened += 1
                at = min(self.opened, len(self._ends)) - 1
                end = self._ends[at]
                if callable(end):
                    self._ends[at] = end()
                self.bauds.append(int(data))
            return self.busy
        if kind == "data":
            raw = base64.b64decode(data)
            self.sent += raw
            end = self._ends[min(self.opened, len(self._ends)) - 1]
            assert not callable(end)
            return base64.b64encode(end.exchange(raw)).decode()
        return None
