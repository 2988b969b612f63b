"""A simulated node's serial console as the USB cable shows it: a pty that any terminal program can open.

The node's directory has a link to it, `console`. What the node prints goes to node.log as well.
"""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from pathlib import Path

_CHUNK = 4096


class Console:
    """`handle` is the node's standard input and output. close() ends the thread and takes the link away."""

    def __init__(self, link: Path, log: Path) -> None:
        self._link = link
        self._log = log
        self._near, self.handle = os.openpty()
        # The outer end is kept open here, so that it stays raw whoever comes and goes.
        self._far, self._outer = os.openpty()
        for end in (self.handle, self._outer):
            tty.setraw(end)
        for end in (self._near, self._far):
            os.set_blocking(end, False)
        self._wake, self._stop = os.pipe()
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._outer))
        self._thread = threading.Thread(target=self._carry, name="console", daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._stop)
        self._thread.join()
        self._link.unlink(missing_ok=True)
        for end in (self._near, self.handle, self._far, self._outer, self._wake):
            os.close(end)

    def _carry(self) -> None:
        with self._log.open("ab", buffering=0) as log:
            while True:
                ready, _, _ = select.select([self._near, self._far, self._wake], [], [])
                if self._near in ready:
                    data = os.read(self._near, _CHUNK)
                    log.write(data)
                    self._show(data)
                if self._far in ready:
                    self._type(os.read(self._far, _CHUNK))
                if self._wake in ready and self._near not in ready:
                    return

    def _show(self, data: bytes) -> None:
        """Like a cable: what nobody reads is lost, the oldest first."""
        try:
            written = os.write(self._far, data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            termios.tcflush(self._outer, termios.TCIFLUSH)
            os.write(self._far, data[written:])

    def _type(self, data: bytes) -> None:
        try:
            os.write(self._near, data)
        except BlockingIOError:
            return  # the chip's buffer is full: lost, as on the chip
