"""What the emulated UART sensors' frames look like: an own few lines, so that an emulator's mistake shows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.sensors import make_sensor
from simulator.sensors.base import Sensor

AIR = (8.0, 20.0, 33.0)


@dataclass(frozen=True)
class Wire:
    length: int
    head: bytes

    def whole(self, frame: bytes) -> bool:
        if len(frame) != self.length or not frame.startswith(self.head):
            return False
        if self.head[0] == 0xAA:
            return frame[9] == 0xAB and sum(frame[2:8]) % 256 == frame[8]
        return sum(frame[:-2]) == int.from_bytes(frame[-2:], "big")

    def split(self, data: bytes) -> list[bytes]:
        """Of an undisturbed line, or one whose frames keep their length."""
        return [data[i : i + self.length] for i in range(0, len(data), self.length)]


SHORT, LONG = b"\x42\x4d\x00\x14", b"\x42\x4d\x00\x24"
PMS = Wire(32, b"\x42\x4d\x00\x1c")
WIRES = {
    "sds011": Wire(10, b"\xaa\xc0"),
    "pms3003": Wire(24, SHORT),
    "pms5003": PMS,
    "pms7003": PMS,
    "pmsa003": PMS,
    "pms5003t": PMS,
    "pms5003st": Wire(40, LONG),
}
every = pytest.mark.parametrize("model", WIRES)
both = pytest.mark.parametrize("model", ["sds011", "pms5003"])


def on(model: str, seed: int = 3) -> Sensor:
    sensor = make_sensor(model, lambda _: AIR, seed)
    sensor.power(True, 0.0)
    return sensor


def fine(model: str, frame: bytes) -> float:
    """The PM2.5 of a frame."""
    if model == "sds011":
        return int.from_bytes(frame[2:4], "little") / 10
    return int.from_bytes(frame[12:14], "big")
