"""Pseudo-terminals with an emulated sensor at the far end, at the pace of the real wire."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import termios
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


class Wire:
    """A pty. `handle` is the node's end, raw and non-blocking; what lies unread in it is its receive buffer.

    Bytes that come while that buffer is full are dropped, the newest first; while nobody listens, all are.
    """

    def __init__(self) -> None:
        self.far, self.handle = os.openpty()
        tty.setraw(self.handle)
        # These settings belong to the open file, which the node's process inherits.
        os.set_blocking(self.handle, False)
        os.set_blocking(self.far, False)
        self.dropped = 0
        self._rxbuf: int | None = None
        self._lock = threading.Lock()

    def listen(self, rxbuf: int | None) -> None:
        """Begin anew with an empty buffer of that many bytes, or stop with None."""
        with self._lock:
            self._rxbuf = rxbuf
            self.dropped = 0
            while self.waiting():
                os.read(self.handle, 4096)

    def waiting(self) -> int:
        """Bytes in the receive buffer."""
        answer = fcntl.ioctl(self.handle, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])

    def put(self, data: bytes) -> None:
        """Bytes from the far end."""
        with self._lock:
            if self._rxbuf is None:
                return
            taken = data[: max(0, self._rxbuf - self.waiting())]
            try:
                written = os.write(self.far, taken) if taken else 0
            except BlockingIOError:
                written = 0
            self.dropped += len(data) - written

    def close(self) -> None:
        os.close(self.far)
        os.close(self.handle)


class SilentWire:
    """A UART with nothing at its far end: nothing comes, all that is written is gone."""

    dropped = 0

    def __init__(self) -> None:
        # A socket that is never read loses datagrams without a word, so the node's end never fills up.
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(("127.0.0.1", 0))
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.connect(self._sink.getsockname())
        self._near.setblocking(False)

    @property
    def handle(self) -> int:
        return self._near.fileno()

    def listen(self, rxbuf: int | None) -> None:
        pass

    def waiting(self) -> int:
        return 0

    def __enter__(self) -> SilentWire:
        return self

    def __exit__(self, *_: object) -> None:
        self._near.close()
        self._sink.close()


class SerialLine:
    """Pumps bytes between `sensor` and a wire. open() starts a thread, close() ends it."""

    def __init__(self, sensor: Sensor, clock: Callable[[], float]) -> None:
        self.sensor = sensor
        self._clock = clock
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> Wire:
        """Make a new wire and power the sensor on."""
        wire = Wire()
        self.sensor.power(True, self._clock())
        self._closing.clear()
        self._thread = threading.Thread(target=self._pump, args=(wire,), name="serial line", daemon=True)
        self._thread.start()
        return wire

    def close(self) -> None:
        """End the thread, cut the sensor's power, hang up."""
        if self._thread is None:
            return
        self._closing.set()
        self._thread.join()
        self._thread = None
        self.sensor.power(False, self._clock())

    def change(self, what: Callable[[Sensor], None]) -> None:
        """Do something to the sensor (a fault, a power cycle) while the pump is stopped."""
        with self._lock:
            what(self.sensor)

    def power_cycle(self, off_s: float = 0.0) -> None:
        self.change(lambda sensor: sensor.power(False, self._clock()))
        self._closing.wait(off_s)
        self.change(lambda sensor: sensor.power(True, self._clock()))

    def _pump(self, wire: Wire) -> None:
        queue = bytearray()
        sent_at = time.monotonic()
        while not self._closing.is_set():
            ready, _, _ = select.select([wire.far], [], [], TICK_S if queue else IDLE_S)
            with self._lock:
                if ready:
                    self.sensor.receive(os.read(wire.far, 4096), self._clock())
                was_idle = not queue
                queue += self.sensor.advance(self._clock())
            now = time.monotonic()
            if was_idle:
                sent_at = now  # an idle wire saves up no credit
            allowed = int((now - sent_at) * BYTES_PER_SECOND)
            if queue and allowed:
                sent_at += allowed / BYTES_PER_SECOND
                wire.put(bytes(queue[:allowed]))
                del queue[:allowed]
        wire.close()
