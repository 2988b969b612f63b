"""A UART's line from the sensor to the node: bytes come at its pace, and a full buffer drops the rest."""

from __future__ import annotations

import math

from simulator.sensors.base import Sensor

BITS = 10  # 8N1
# The sensor is asked this often for what it sends: so exactly is known when a frame begins.
STEP_MS = 10
LONGEST_MS = 5000
FAR_MS = 86_400_000  # later than anything that is asked for


class Wire:
    """`now` in ms. `dropped`: bytes that found the buffer full. `most`: the most that it held."""

    def __init__(self, sensor: Sensor, rxbuf: int, now: int = 0) -> None:
        self.sensor = sensor
        self.rxbuf = rxbuf
        self.dropped = self.most = 0
        self._byte_ms = BITS * 1000 / sensor.baud
        self._held = bytearray()
        self._sent = bytearray()  # on the wire, or waiting to go onto it
        self._first_at = 0.0  # ms when the first of these has arrived
        self._free_at = 0.0  # ms when the wire is free again
        self._now = now

    @property
    def held(self) -> int:
        """Bytes in the receive buffer."""
        return len(self._held)

    def write(self, data: bytes, now: int) -> None:
        self._go_on(now)
        self.sensor.receive(data, now / 1000)

    def read(self, most: int, now: int) -> bytes:
        self._go_on(now)
        data = bytes(self._held[:most])
        del self._held[:most]
        return data

    def quiet_ms(self) -> int:
        """For how long nothing can arrive, unless the node writes."""
        if self._sent:
            return 0
        soonest = self.sensor.due() * 1000 - self._now
        return int(min(max(soonest, 0), LONGEST_MS))

    def _go_on(self, now: int) -> None:
        while self._now < now:
            self._now = min(self._step_to(), now)
            data = self.sensor.advance(self._now / 1000)
            if data:
                if not self._sent:
                    self._first_at = max(self._free_at, self._now) + self._byte_ms
                self._sent += data
                self._free_at = self._first_at + (len(self._sent) - 1) * self._byte_ms
        if self._sent and self._first_at <= now:
            n = min(int((now - self._first_at) / self._byte_ms) + 1, len(self._sent))
            self._arrive(bytes(self._sent[:n]))
            del self._sent[:n]
            self._first_at += n * self._byte_ms

    def _step_to(self) -> int:
        """The next instant at which the sensor is asked; later than now."""
        return self._now + STEP_MS

    def _arrive(self, data: bytes) -> None:
        room = self.rxbuf - len(self._held)
        self._held += data[:room]
        self.dropped += max(0, len(data) - room)
        self.most = max(self.most, len(self._held))


class Line(Wire):
    """A Wire that goes from one frame to the next, not in steps of 10 ms: days have many of those."""

    def _step_to(self) -> int:
        """When the sensor next does something by itself."""
        due = min(self.sensor.due() * 1000, self._now + FAR_MS)
        return max(math.ceil(due), self._now + 1)

    def quiet_ms(self) -> int:
        return 0 if self._sent else min(self._step_to() - self._now, LONGEST_MS)
