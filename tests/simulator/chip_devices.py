"""Devices that do nothing but what a test of the wiring needs."""

from __future__ import annotations

from simulator.sensors.base import Device, Sensor
from simulator.sensors.i2c import I2cDevice, Nack


def still(_: float) -> tuple[float, float, float]:
    return (5.0, 10.0, 20.0)


class Parrot(Sensor):
    """Keeps what it hears in `got`, and answers each piece of it by `answer`."""

    model = "parrot"

    def __init__(self, answer: bytes = b"", baud: int = 9600) -> None:
        super().__init__(still)
        self.answer = answer
        self.baud = baud
        self.got = b""
        self.boots = 0

    def _boot(self, now: float) -> None:
        self.boots += 1

    def _run(self, now: float) -> None:
        pass

    def _obey(self, now: float) -> None:
        self.got += bytes(self._heard)
        self._heard.clear()
        if self.answer:
            self._send(self.answer, now)


class Memory(I2cDevice):
    """256 bytes: a write's first byte is the place to begin at. Places from 0xF0 on are not acknowledged."""

    model = "memory"

    def __init__(self, address: int = 0x50) -> None:
        super().__init__(still)
        self.address = address
        self.data = bytearray(range(256))
        self.at = 0

    def _boot(self, now: float) -> None:
        self.at = 0

    def write(self, data: bytes, now: float) -> None:
        if data:
            if data[0] >= 0xF0:
                raise Nack
            self.at = data[0]
            self.data[self.at : self.at + len(data) - 1] = data[1:]

    def read(self, n: int, now: float) -> bytes:
        return bytes(self.data[self.at : self.at + n])


class Thermometer(Device):
    """On one data wire."""

    model = "thermometer"

    def __init__(self, says: bytes) -> None:
        super().__init__(still)
        self.says = says

    def _boot(self, now: float) -> None:
        pass

    def read(self, now: float) -> bytes:
        return self.says
