"""A BME280 has no checksum at all: what two equal readings and the ranges make of damaged reads."""

from __future__ import annotations

import random
from collections.abc import Hashable

from bench.corruption.air import Sample
from bench.corruption.damage import BYTES, Damage, apply
from bench.corruption.polled import Polled
from bench.corruption.rig import POOL, Event
from simulator.sensors.bme280_trim import Trim

_SIZE = 13
_LOW, _HIGH = 26, 7  # bytes of the calibration in its two places


class Bme280(Polled):
    """The driver reads each sample twice, the naive reader once, and without the registers in front of it.

    Damage alone is in one of the two readings, in either; the naive reader sees the damaged one. "twice" is a
    line that stays wrong: both readings are damaged alike, and only control registers and ranges are left.
    "calibration" is damage to one read of the calibration words when the sensor is set up anew, with an
    intact sample behind it; what a wrong calibration does to all later values counts once.
    """

    MODEL = "bme280"
    SIZE = _SIZE
    COMMAND = b"\xf2"
    LIMITS = {"temp": (-40, 85), "rh": (0, 100), "press": (300, 1100)}  # noqa: RUF012
    REASONS = ("out_of_range", "state")
    KINDS = {  # noqa: RUF012
        **BYTES,
        **{f"twice: {name}": damage for name, damage in BYTES.items()},
        **{f"calibration: {name}": damage for name, damage in BYTES.items()},
    }

    def __init__(self, chance: random.Random, pool: int = POOL) -> None:
        self._trim = Trim.draw(chance)
        self._low, self._high = self._trim.low(), self._trim.high()
        self._broken = b""
        super().__init__(chance, pool)

    def answer(self, written: bytes, size: int) -> bytes:
        if size == 1:
            return b"\x60" if written == b"\xd0" else b"\0"
        if size == len(self._broken):
            broken, self._broken = self._broken, b""
            return broken
        return self._low if size == _LOW else self._high

    def frame(self, sample: Sample) -> bytes:
        t = self._trim.raw_temp(sample.temp)
        fine = self._trim.fine(t)
        p, h = self._trim.raw_press(sample.press * 100, fine), self._trim.raw_humidity(sample.rh, fine)
        raw = (p << 4).to_bytes(3, "big") + (t << 4).to_bytes(3, "big") + h.to_bytes(2, "big")
        return b"\x01\x00\x24\x00\x00" + raw

    def damage(self, kind: str) -> Damage:
        """Chunks are: a sample that is read twice; a damaged one with the intact one that is read besides;
        a sample with damaged calibration words."""
        inner = self.KINDS[kind]
        if kind.startswith("twice"):
            return inner

        def one(frame: bytes, other: bytes, chance: random.Random) -> bytes:
            return (apply(inner, frame, other, chance) or frame) + frame + b"s"

        def words(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
            trim = self._low if chance.random() < 0.8 else self._high
            return frame + (apply(inner, trim, trim, chance) or trim)

        return words if kind.startswith("calibration") else one

    def read(self, chunks: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for chunk in chunks:
            pair = [chunk[:_SIZE]] * 2
            if len(chunk) == 2 * _SIZE + 1:
                pair[self.chance.randrange(2)] = chunk[_SIZE:-1]
            elif len(chunk) > _SIZE:
                self.driver.reset()
                self._broken = chunk[_SIZE:]
                events += self.until_values()
            for reading in pair:
                events += self.driver.feed(reading)
                events += self.until_values()
        return events

    def key(self, chunk: bytes) -> Hashable:
        """The raw values; with the calibration, where it differs in a byte that counts (A0 does not)."""
        values = (chunk[5:7], chunk[7] >> 4, chunk[8:10], chunk[10] >> 4, chunk[11:13])
        trim = chunk[_SIZE:]
        if len(trim) == _HIGH or (
            len(trim) == _LOW and trim[:24] + trim[25:] != self._low[:24] + self._low[25:]
        ):
            return (*values, trim)
        return values
