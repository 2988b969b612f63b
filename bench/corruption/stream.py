"""Sensors that send frames into a UART: SDS011, Plantower's, SPS30 with SHDLC. Formats: see their drivers."""

from __future__ import annotations

import random
import struct
from collections.abc import Hashable
from typing import Any

from bench.corruption.air import Sample
from bench.corruption.damage import STREAM
from bench.corruption.rig import POOL, Event, Rig
from dustline import firmware_path

firmware_path.importable()

from node.drivers import make_driver  # noqa: E402

PM = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")


def _data(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "data"]


class Stream(Rig):
    """Frames come by themselves, one behind the other."""

    KINDS = STREAM
    MODEL = ""

    def start(self) -> None:
        self.driver: Any = make_driver(self.MODEL)
        self.driver.wake(0)

    def read(self, chunks: list[bytes]) -> list[Event]:
        """At the end of a stretch the line is quiet for a while: nothing more is waited for."""
        return _data(self.driver.feed(b"".join(chunks)) + self.driver.parser.flush())


class Sds011(Stream):
    """In every fourth series the sensor's own number has a byte of a frame's beginning or end in it. Every
    50th frame is the reply to a command."""

    MODEL = "sds011"
    LIMITS = {"pm25": (0, 999.9), "pm10": (0, 999.9)}  # noqa: RUF012

    def __init__(self, chance: random.Random, pool: int = POOL) -> None:
        self._number = chance.randbytes(2)
        if chance.random() < 0.25:
            self._number = chance.choice((b"\xaa\xc0", b"\xc0\xaa", b"\xab\xaa", b"\xaa\xaa", b"\xab\xab"))
        super().__init__(chance, pool)

    def frame(self, sample: Sample) -> bytes:
        kind, body = 0xC0, struct.pack("<HH", round(sample.pm25 * 10), round(sample.pm10 * 10))
        if self.chance.random() < 0.02:
            kind, body = (
                0xC5,
                self.chance.choice((b"\x02\x00\x00\x00", b"\x06\x01\x01\x00", b"\x08\x00\x00\x00")),
            )
        body += self._number
        return bytes((0xAA, kind)) + body + bytes((sum(body) & 0xFF, 0xAB))

    def naive(self, chunks: list[bytes]) -> list[Hashable]:
        raw = b"".join(chunks)
        out: list[Hashable] = []
        at = raw.find(b"\xaa\xc0")
        while 0 <= at <= len(raw) - 10:
            if sum(raw[at + 2 : at + 8]) & 0xFF == raw[at + 8] and raw[at + 9] == 0xAB:
                out.append(raw[at + 2 : at + 6])
            at = raw.find(b"\xaa\xc0", at + 10)
        return out


def plantower_words(sample: Sample) -> list[int]:
    """Twelve words: CF=1, atmospheric, counts. Above 30 ug/m3 the atmospheric value falls behind."""
    standard = [round(x) for x in (sample.pm1, sample.pm25, sample.pm10)]
    ambient = [x if x <= 30 else round(30 + (x - 30) * 0.66) for x in standard]
    n03 = min(65535, round(sample.pm25 * 110))
    return [*standard, *ambient, n03, *(round(n03 * share) for share in (0.3, 0.06, 0.01, 0.002, 0.001))]


def climate_words(sample: Sample) -> list[int]:
    return [round(sample.temp * 10) & 0xFFFF, round(sample.rh * 10)]


def plantower_frame(words: list[int]) -> bytes:
    body = struct.pack(f">HH{len(words)}H", 0x424D, len(words) * 2 + 2, *words)
    return body + struct.pack(">H", sum(body))


class Plantower(Stream):
    """The manual's range ends at 500 as effective, "at least 1000" as maximum: saturated from 1000 on. Every
    hundredth frame is the reply to a command."""

    MODEL = "pms5003"
    LENGTH = 28
    VALUES = (slice(4, 28),)  # where a frame has what is published
    LIMITS = dict.fromkeys(PM, (0, 1000)) | dict.fromkeys(
        ("n03", "n05", "n1", "n25", "n5", "n10"), (0, 65535)
    )

    def frame(self, sample: Sample) -> bytes:
        if self.chance.random() < 0.01:
            return b"\x42\x4d\x00\x04\xe1\x01\x01\x75"
        return plantower_frame(self.words(sample))

    def words(self, sample: Sample) -> list[int]:
        return [*plantower_words(sample), 0x9700]

    def naive(self, chunks: list[bytes]) -> list[Hashable]:
        return plantower_naive(b"".join(chunks), self.LENGTH, self.VALUES)


def plantower_naive(raw: bytes, length: int, values: tuple[slice, ...]) -> list[Hashable]:
    head, size = bytes((0x42, 0x4D, 0, length)), length + 4
    out: list[Hashable] = []
    at = raw.find(head)
    while 0 <= at <= len(raw) - size:
        frame = raw[at : at + size]
        if sum(frame[:-2]) == frame[-2] << 8 | frame[-1]:
            out.append(b"".join([frame[part] for part in values]))
        at = raw.find(head, at + size)
    return out


class Pms3003(Plantower):
    MODEL = "pms3003"
    LENGTH = 20
    VALUES = (slice(4, 16),)

    def words(self, sample: Sample) -> list[int]:
        return [*plantower_words(sample)[:6], 0, 0, 0x9700]


class Pms5003t(Plantower):
    """Temperature and humidity: the manual has a working range only, so the limits are what the format and
    common elements of that kind can say, -40 to 99 degC and 0 to 100 %: a judgement."""

    MODEL = "pms5003t"
    LIMITS = Plantower.LIMITS | {"temp": (-40, 99), "rh": (0, 100)}

    def words(self, sample: Sample) -> list[int]:
        return [*plantower_words(sample)[:10], *climate_words(sample), 0x9700]


class Pms5003st(Plantower):
    MODEL = "pms5003st"
    LENGTH = 36
    VALUES = (slice(4, 28), slice(30, 34))  # between them formaldehyde, which is not published
    LIMITS = Pms5003t.LIMITS

    def words(self, sample: Sample) -> list[int]:
        return [*plantower_words(sample), 12, *climate_words(sample), 0, 0x9700]


def sps30_floats(sample: Sample) -> bytes:
    """Ten floats: masses, numbers in 1/cm3, typical size. A sensor's floats are not rounded."""
    n = [sample.pm25 * share for share in (5.6, 6.5, 6.8, 6.85, 6.9)]
    return struct.pack(">10f", sample.pm1, sample.pm25, sample.pm4, sample.pm10, *n, 0.55)


_STUFF = {0x7E: b"\x7d\x5e", 0x7D: b"\x7d\x5d", 0x11: b"\x7d\x31", 0x13: b"\x7d\x33"}


def shdlc(command: int, data: bytes) -> bytes:
    body = bytes((0, command, 0, len(data))) + data
    body += bytes((~sum(body) & 0xFF,))
    return b"\x7e" + b"".join(_STUFF.get(byte, bytes((byte,))) for byte in body) + b"\x7e"


class Sps30Uart(Stream):
    """It answers when asked: each frame is the answer to a question of the driver's. So damage that is longer
    than its frame lies before the next answer."""

    MODEL = "sps30"
    LIMITS = dict.fromkeys(PM, (0, 1000))
    ANSWERS = {0xD0: b"A1B2C3D4E5F60718\0", 0xD1: bytes((2, 2, 0, 7, 0, 2, 0)), 0xD2: bytes(5)}  # noqa: RUF012

    def start(self) -> None:
        super().start()
        self._now = 0

    def frame(self, sample: Sample) -> bytes:
        return shdlc(3, sps30_floats(sample))

    def read(self, chunks: list[bytes]) -> list[Event]:
        driver = self.driver
        events: list[Event] = []
        for chunk in chunks:
            while True:
                self._now += 1100
                asked = driver.tick(self._now)
                if not asked:
                    continue
                asked = asked.lstrip(b"\xff")
                command = asked[3] ^ 0x20 if asked[2] == 0x7D else asked[2]
                if command == 3:
                    break
                driver.feed(shdlc(command, self.ANSWERS.get(command, b"")))
            events += driver.feed(chunk)
        driver.parser.flush()
        return _data(events)

    def naive(self, chunks: list[bytes]) -> list[Hashable]:
        out: list[Hashable] = []
        for part in b"".join(chunks).split(b"\x7e"):
            if len(part) < 45:
                continue
            part = part.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x31", b"\x11")
            part = part.replace(b"\x7d\x33", b"\x13").replace(b"\x7d\x5d", b"\x7d")
            if len(part) == 45 and sum(part) & 0xFF == 0xFF:
                out.append(part[4:20])
        return out
