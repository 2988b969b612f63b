"""Sensors that are read, a fixed number of bytes each time: over I2C, and the DHT22 on its pin."""

from __future__ import annotations

import struct
from collections.abc import Hashable
from typing import Any

from bench.corruption.air import Sample
from bench.corruption.damage import BYTES, PIN, WORDS
from bench.corruption.rig import Event, Rig
from bench.corruption.stream import (
    PM,
    Plantower,
    plantower_frame,
    plantower_naive,
    plantower_words,
    sps30_floats,
)
from dustline import firmware_path

firmware_path.importable()

from node.drivers import make_driver, sensirion  # noqa: E402

_SLOW = sensirion.crc8
_CRC = bytes(_SLOW(bytes((high, low))) for high in range(256) for low in range(256))


def _crc8(data: Any, start: int = 0, end: int | None = None) -> int:
    if end != start + 2:
        return _SLOW(data, start, end)
    return _CRC[data[start] << 8 | data[start + 1]]


sensirion.crc8 = _crc8


def sealed(data: bytes) -> bytes:
    """Each two bytes with their CRC."""
    out = bytearray()
    for i in range(0, len(data), 2):
        out += data[i : i + 2]
        out.append(_CRC[data[i] << 8 | data[i + 1]])
    return bytes(out)


def opened(raw: bytes) -> bytes | None:
    """The words without their CRCs; None when one is wrong."""
    for i in range(0, len(raw), 3):
        if _CRC[raw[i] << 8 | raw[i + 1]] != raw[i + 2]:
            return None
    return b"".join([raw[i : i + 2] for i in range(0, len(raw), 3)])


class Polled(Rig):
    """The driver's own dialogue. What is damaged is the read that brings the values, no other."""

    MODEL, BUS = "", "i2c"
    COMMAND = b""  # what is written before the values are read
    SIZE = 0
    ANSWERS: dict[bytes, bytes] = {}  # noqa: RUF012
    STEP_MS = 5100

    def start(self) -> None:
        self.driver: Any = make_driver(self.MODEL, self.BUS)
        if hasattr(self.driver, "wake"):
            self.driver.wake(0)
        self._now = 0
        self._written = b""
        self.until_values()

    def until_values(self) -> list[Event]:
        """Go on with the dialogue until the driver asks for values."""
        events: list[Event] = []
        while True:
            self._now += self.STEP_MS
            wish = self.driver.tick(self._now)
            if wish is None:
                continue
            if not isinstance(wish, int):
                self._written = bytes(wish)
            elif wish == self.SIZE and self._written == self.COMMAND:
                return events
            else:
                events += self.driver.feed(self.answer(self._written, wish))

    def answer(self, written: bytes, size: int) -> bytes:
        return self.ANSWERS.get(written) or sealed(bytes(size // 3 * 2))

    def read(self, chunks: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for chunk in chunks:
            events += self.driver.feed(chunk)
            events += self.until_values()
        return [event for event in events if event["kind"] == "data"]

    def naive(self, chunks: list[bytes]) -> list[Hashable]:
        return [key for key in map(self.key, chunks) if key is not None]

    def key(self, chunk: bytes) -> Hashable:
        """The values of one read, None when its checksum is wrong."""
        raise NotImplementedError


class Pmsa003i(Polled):
    MODEL = "pmsa003i"
    KINDS = BYTES
    SIZE = 32
    LIMITS = Plantower.LIMITS

    def frame(self, sample: Sample) -> bytes:
        return plantower_frame([*plantower_words(sample), 0x9700])

    def key(self, chunk: bytes) -> Hashable:
        return next(iter(plantower_naive(chunk, 28, Plantower.VALUES)), None)


class Sps30I2c(Polled):
    MODEL = "sps30"
    KINDS = WORDS
    COMMAND = b"\x03\x00"
    SIZE = 60
    STEP_MS = 450
    LIMITS = dict.fromkeys(PM, (0, 1000))
    ANSWERS = {  # noqa: RUF012
        b"\x02\x02": sealed(b"\0\1"),
        b"\xd1\x00": sealed(b"\2\2"),
        b"\xd0\x33": sealed(b"A1B2C3D4" * 4),
    }

    def frame(self, sample: Sample) -> bytes:
        return sealed(sps30_floats(sample))

    def key(self, chunk: bytes) -> Hashable:
        data = opened(chunk)
        return data and data[:16]


class Sen5x(Sps30I2c):
    """The datasheet's range of temperature and humidity is the operating one."""

    MODEL = "sen55"
    COMMAND = b"\x03\xc4"
    SIZE = 24
    LIMITS = dict.fromkeys(PM, (0, 1000)) | {"temp": (-10, 50), "rh": (0, 100)}
    ANSWERS = {b"\x02\x02": sealed(b"\0\1"), b"\xd0\x14": sealed(b"SEN55".ljust(32, b"\0"))}  # noqa: RUF012

    def frame(self, sample: Sample) -> bytes:
        masses = (round(x * 10) for x in (sample.pm1, sample.pm25, sample.pm4, sample.pm10))
        climate = (round(sample.rh * 100), round(max(sample.temp, -9) * 200), 1000, 10)
        return sealed(struct.pack(">4H4h", *masses, *climate))

    def key(self, chunk: bytes) -> Hashable:
        data = opened(chunk)
        return data and data[:12]


class Sht3x(Polled):
    MODEL = "sht3x"
    KINDS = WORDS
    COMMAND = b"\x24\x00"
    SIZE = 6
    LIMITS = {"temp": (-40, 125), "rh": (0, 100)}  # noqa: RUF012

    def frame(self, sample: Sample) -> bytes:
        return sealed(
            struct.pack(">HH", round((sample.temp + 45) / 175 * 65535), round(sample.rh / 100 * 65535))
        )

    def key(self, chunk: bytes) -> Hashable:
        return opened(chunk)


class Sht4x(Sht3x):
    MODEL = "sht4x"
    COMMAND = b"\xfd"

    def frame(self, sample: Sample) -> bytes:
        rh = round((sample.rh + 6) / 125 * 65535)
        return sealed(struct.pack(">HH", round((sample.temp + 45) / 175 * 65535), rh))


class Dht22(Polled):
    MODEL, BUS = "dht22", "pin"
    KINDS = PIN
    SIZE = 5
    LIMITS = {"temp": (-40, 80), "rh": (0, 100)}  # noqa: RUF012

    def frame(self, sample: Sample) -> bytes:
        temp = round(sample.temp * 10)
        body = struct.pack(">HH", round(sample.rh * 10), temp if temp >= 0 else 0x8000 - temp)
        return body + bytes((sum(body) & 0xFF,))

    def key(self, chunk: bytes) -> Hashable:
        return chunk[:4] if sum(chunk[:4]) & 0xFF == chunk[4] else None
