"""Two readers of one sensor's bytes, and what each makes of stretches of damaged and intact frames."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import astuple, dataclass
from typing import Any, ClassVar

from bench.corruption.air import Sample, series
from bench.corruption.damage import Damage, apply

Event = dict[str, Any]
POOL = 1200
STRETCH = 33  # damaged frames
IN_A_ROW = 3  # damaged frames between two intact ones


@dataclass
class Tally:
    """Counts: damaged and intact frames; wrong values let through and intact frames lost, by the parser with
    the checksum only and by the driver; values that the driver gave as good outside the sensor's range; what
    it refused beyond the checksum."""

    damaged: int = 0
    intact: int = 0
    naive_wrong: int = 0
    wrong: int = 0
    naive_lost: int = 0
    lost: int = 0
    outside: int = 0
    refused: int = 0

    def add(self, other: Tally) -> None:
        for name, value in zip(vars(self), astuple(other), strict=True):
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Frame:
    """`raw` as it travels; `event` of the driver and `key` of the naive parser, None for a reply."""

    raw: bytes
    event: Event | None
    key: Hashable


class Rig:
    """A subclass says how frames of one sensor look, how its driver is fed, and what the naive parser is."""

    KINDS: ClassVar[dict[str, Damage]] = {}
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {}  # the datasheet's range of what is published
    REASONS: ClassVar[tuple[str, ...]] = ("out_of_range", "foreign", "not_ready")  # beyond the checksum
    driver: Any

    def __init__(self, chance: random.Random, pool: int = POOL) -> None:
        """`pool`: frames that the series has, at least 3 STRETCH + 1."""
        self.chance = chance
        air = series(chance)
        raws = [self.frame(next(air)) for _ in range(pool)]
        self.start()
        self.read(raws[:12])  # the driver learns the sensor's number, and which model it is
        self.pool: list[Frame] = []
        for raw in raws:
            events = self.read([raw])
            keys = self.naive([raw])
            if len(events) != len(keys) or len(keys) > 1:
                raise AssertionError(f"{type(self).__name__}: {raw.hex()} gives {events} and {keys}")
            self.pool.append(Frame(raw, events[0], keys[0]) if keys else Frame(raw, None, None))

    # For the subclass.

    def start(self) -> None:
        """Make the driver and wake it."""
        raise NotImplementedError

    def frame(self, sample: Sample) -> bytes:
        raise NotImplementedError

    def read(self, chunks: list[bytes]) -> list[Event]:
        """The driver's data events. On a stream, chunks follow each other at once."""
        raise NotImplementedError

    def naive(self, chunks: list[bytes]) -> list[Hashable]:
        """What the parser with the checksum only takes for values: what is equal has equal values."""
        raise NotImplementedError

    def damage(self, kind: str) -> Damage:
        return self.KINDS[kind]

    # The measurement.

    def stretches(self, kind: str, damaged: int) -> Tally:
        """So many damaged frames in stretches."""
        tally = Tally()
        damage = self.damage(kind)
        while tally.damaged < damaged:
            self._stretch(damage, min(STRETCH, damaged - tally.damaged), tally)
        return tally

    def _stretch(self, damage: Damage, damaged: int, tally: Tally) -> None:
        pool, chance = self.pool, self.chance
        at = chance.randrange(len(pool) - 3 * STRETCH)
        sent, intact, chunks = [pool[at]], [pool[at]], [pool[at].raw]
        for i in range(1, damaged + 1):
            frame, other = pool[at + 1 : at + 3]
            at += 2
            sent += (frame, other)
            broken = apply(damage, frame.raw, other.raw, chance)
            if broken is None:
                intact.append(frame)
            else:
                tally.damaged += 1
            chunks.append(broken or frame.raw)
            if i % IN_A_ROW == 0 or i == damaged:
                at += 1
                sent.append(pool[at])
                intact.append(pool[at])
                chunks.append(pool[at].raw)
        before = self._refused()
        events = self.read(chunks)
        tally.refused += self._refused() - before
        good = [frame.event for frame in intact if frame.event]
        tally.intact += len(good)
        if events != good:
            known = [frame.event for frame in sent if frame.event]
            wrong = [event for event in events if not any(event.items() <= true.items() for true in known)]
            tally.wrong += len(wrong)
            tally.outside += sum(map(self.outside, wrong))
            tally.lost += _missing(map(_frozen, good), map(_frozen, events))
        keys = self.naive(chunks)
        expected = [frame.key for frame in intact if frame.event]
        if keys != expected:
            values = {frame.key for frame in sent if frame.event}
            tally.naive_wrong += sum(key not in values for key in keys)
            tally.naive_lost += _missing(expected, keys)

    def _refused(self) -> int:
        return sum(self.driver.rejects.get(reason, 0) for reason in self.REASONS)

    def outside(self, event: Event) -> bool:
        """Is a value of it outside the datasheet's range, and the event not marked as saturated?"""
        ceiling = getattr(self.driver, "ceiling", {})
        if any(event.get(name, 0) >= ceiling[name] for name in ceiling):
            return False
        return not all(
            low <= event[name] <= high for name, (low, high) in self.LIMITS.items() if name in event
        )


def _frozen(event: Event) -> Hashable:
    return tuple(event.values())


def _missing(intact: Iterable[Hashable], got: Iterable[Hashable]) -> int:
    """How many of `intact` are not in `got`."""
    return sum((Counter(intact) - Counter(got)).values())
