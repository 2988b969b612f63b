"""A pseudo-terminal with an emulated sensor at its far end, at the pace of the real wire."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from collections.abc import Callable

from simulator.sensors.base import Sensor

BAUD = 9600
BYTES_PER_SECOND = BAUD / 10  # 8N1: ten bits a byte
TICK_S = 0.02
IDLE_S = 0.05


def steady_unix_clock() -> Callable[[], float]:
    """Unix time that neither jumps nor runs backwards when the host's clock is set."""
    offset = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset


class SerialLine:
    """Pumps bytes between `sensor` and the pty `path`. open() starts a thread, close() ends it."""

    def __init__(self, sensor: Sensor, clock: Callable[[], float]) -> None:
        self.sensor = sensor
        self.path = ""
        self.lost = 0  # bytes that nobody read while the kernel's buffer was full
        self._clock = clock
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._ours = self._theirs = -1

    def open(self) -> str:
        """Make a new pty, power the sensor on and return the path to give to the chip."""
        # We hold the far end open too: a node may come and go without hanging up the line.
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._ours)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)
        self.sensor.power(True, self._clock())
        self._closing.clear()
        self._thread = threading.Thread(target=self._pump, name=f"serial {self.path}", daemon=True)
        self._thread.start()
        return self.path

    def close(self) -> None:
        """End the thread, cut the sensor's power, hang up."""
        if self._thread is None:
            return
        self._closing.set()
        self._thread.join()
        self._thread = None
        self.sensor.power(False, self._clock())
        os.close(self._ours)
        os.close(self._theirs)

    def change(self, what: Callable[[Sensor], None]) -> None:
        """Do something to the sensor (a fault, a power cycle) while the pump is stopped."""
        with self._lock:
            what(self.sensor)

    def power_cycle(self, off_s: float = 0.0) -> None:
        self.change(lambda sensor: sensor.power(False, self._clock()))
        self._closing.wait(off_s)
        self.change(lambda sensor: sensor.power(True, self._clock()))

    def _pump(self) -> None:
        queue = bytearray()
        sent_at = time.monotonic()
        while not self._closing.is_set():
            ready, _, _ = select.select([self._ours], [], [], TICK_S if queue else IDLE_S)
            with self._lock:
                if ready:
                    self.sensor.receive(os.read(self._ours, 4096), self._clock())
                was_idle = not queue
                queue += self.sensor.advance(self._clock())
            now = time.monotonic()
            if was_idle:
                sent_at = now  # an idle wire saves up no credit
            allowed = int((now - sent_at) * BYTES_PER_SECOND)
            if queue and allowed:
                sent_at += allowed / BYTES_PER_SECOND
                self._put(bytes(queue[:allowed]))
                del queue[:allowed]

    def _put(self, data: bytes) -> None:
        try:
            taken = os.write(self._ours, data)
        except BlockingIOError:
            taken = 0
        self.lost += len(data) - taken
