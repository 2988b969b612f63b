"""The serial wires between the chip's UARTs and the emulated sensors, at the pace of the real ones."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from simulator.board.uart import Port
from simulator.board.wave import BITS, bytes_heard, heard
from simulator.board.wiring import Fitting, Wiring
from simulator.sensors.base import Sensor

TICK_S = 0.02
IDLE_S = 0.05
# A slow receiver still takes a fast sender's last byte apart when that is long over: ten bits at 1200 baud.
TAIL_S = 0.01


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

    def take(self) -> bytes:
        """What the node has written."""
        try:
            return os.read(self.far, 4096)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.far)
        os.close(self.handle)


@dataclass
class _Talk:
    """What a sensor has sent and the wire has not yet carried."""

    fitting: Fitting
    sensor: Sensor
    bursts: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    free: float = 0.0  # when the wire is free again

    def send(self, data: bytes, now: float) -> None:
        start = max(now, self.free)  # an idle wire saves up no credit
        self.bursts.append((start, data))
        self.free = start + len(data) * BITS / self.sensor.baud

    def carried(self, baud: int, since: float, now: float) -> bytes:
        """What a receiver at `baud` has got in that time."""
        return bytes(
            byte
            for start, data in self.bursts
            for at, byte in heard(data, self.sensor.baud, baud)
            if since < start + at <= now
        )

    def forget(self, now: float) -> None:
        if not self.sensor.powered:
            self.bursts.clear()
            self.free = now
        while self.bursts and self._end(*self.bursts[0]) < now:
            self.bursts.pop(0)

    def _end(self, start: float, data: bytes) -> float:
        return start + len(data) * BITS / self.sensor.baud + TAIL_S


class SerialLines:
    """Carries bytes between the UARTs and the sensors of `wiring`. open() starts a thread, close() ends it.

    A byte gets where the wires lead: from a sensor to every UART that listens at the pin where its TX is
    soldered, from a UART to every sensor whose RX is at the pin that the UART drives. At the other end it is
    what the speed there makes of it. `failed` is told of an emulator's mistake, which ends the thread.
    """

    def __init__(self, wiring: Wiring, failed: Callable[[Exception], None]) -> None:
        self._wiring = wiring
        self._failed = failed
        self._ports: list[tuple[Port, Wire]] = []
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._talks: list[_Talk] = []
        self._to_sensors: list[tuple[float, Sensor, bytes]] = []
        self._free: dict[int, float] = {}  # when a UART has sent all that it was given
        self._now = 0.0

    def attach(self, ports: Iterable[Port], wires: Mapping[int, Wire]) -> None:
        """`wires` by the UART's number. From then on step() is to be called."""
        self._ports = [(port, wires[port.number]) for port in ports]
        for port, wire in self._ports:
            port.flush = lambda port=port, wire=wire: self._collect(port, wire)
        self._talks = [_Talk(fitting, sensor) for fitting, sensor in self._wiring.uarts()]
        self._to_sensors.clear()
        self._free.clear()
        self._now = self._wiring.clock()

    def open(self, ports: Iterable[Port], wires: Mapping[int, Wire]) -> None:
        """Attach, and call step() in a thread."""
        self.attach(ports, wires)
        self._closing.clear()
        self._thread = threading.Thread(target=self._carry, name="serial lines", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._thread is None:
            return
        self._closing.set()
        self._thread.join()
        self._thread = None

    def _carry(self) -> None:
        try:
            self._carry_on()
        except Exception as error:  # noqa: BLE001 - handed on to who can report it
            self._failed(error)

    def _carry_on(self) -> None:
        far = [wire.far for _, wire in self._ports]
        while not self._closing.is_set():
            busy = self._to_sensors or any(talk.bursts for talk in self._talks)
            select.select(far, [], [], TICK_S if busy else IDLE_S)
            self.step()

    def _collect(self, port: Port, wire: Wire) -> None:
        """Put what the node has written on the wire."""
        with self._wiring.lock:
            data = wire.take()
            if not data:
                return
            # One byte after the other, also of what was written while earlier ones were on their way.
            start = max(self._wiring.clock(), self._free.get(port.number, 0.0))
            self._free[port.number] = there = start + len(data) * BITS / port.baud
            for talk in self._talks:
                if port.talks is not None and talk.fitting.hears == port.talks:
                    got = bytes_heard(data, port.baud, talk.sensor.baud)
                    self._to_sensors.append((there, talk.sensor, got))

    def step(self) -> None:
        """Carry what is due by now."""
        with self._wiring.lock:
            for port, wire in self._ports:
                self._collect(port, wire)
            self._step(self._wiring.clock())

    def _step(self, now: float) -> None:
        arrived = [each for each in self._to_sensors if each[0] <= now]
        self._to_sensors = [each for each in self._to_sensors if each[0] > now]
        for _, sensor, data in arrived:
            sensor.receive(data, now)
        for talk in self._talks:
            data = talk.sensor.advance(now)
            if data:
                talk.send(data, now)
            for port, wire in self._ports:
                if talk.bursts and port.listens == talk.fitting.talks:
                    wire.put(talk.carried(port.baud, self._now, now))
            talk.forget(now)
        self._now = now


class SerialLine:
    """One sensor's line, for tests that make trouble."""

    def __init__(self, sensor: Sensor, slot: str, wiring: Wiring) -> None:
        self.sensor = sensor
        self._slot = slot
        self._wiring = wiring

    def change(self, what: Callable[[Sensor], None]) -> None:
        """Do something to the sensor (a fault, a brown-out) while nothing else does."""
        with self._wiring.lock:
            what(self.sensor)

    def power_cycle(self, off_s: float = 0.0) -> None:
        self._wiring.plug(self._slot, False)
        time.sleep(off_s)
        self._wiring.plug(self._slot, True)
