"""Words and CRCs of Sensirion's I2C devices as tests write and read them."""

from __future__ import annotations

from simulator.sensors.i2c import I2cDevice
from simulator.sensors.sensirion import crc8, with_crcs


def send(device: I2cDevice, code: int, now: float, data: bytes = b"") -> None:
    """A 16-bit command, with words after it."""
    device.write(code.to_bytes(2, "big") + with_crcs(data), now)


def fetch(device: I2cDevice, code: int, n: int, now: float, wait: float = 0.02) -> bytes:
    """The words in the `n` bytes that a command gives after `wait`; asserts their number and CRCs."""
    send(device, code, now)
    return words(device.read(n, now + wait), n)


def words(data: bytes, n: int) -> bytes:
    assert len(data) == n
    for i in range(0, n, 3):
        assert crc8(data[i : i + 2]) == data[i + 2]
    return b"".join(data[i : i + 2] for i in range(0, n, 3))
