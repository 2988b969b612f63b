"""Kinds of damage: a frame's bytes in, other bytes out. What comes out always differs from what went in.

On a stream the next frame follows directly, so a frame that is a byte short or long is read across two.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Damage = Callable[[bytes, bytes, random.Random], bytes]


def lost(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(frame))
    return frame[:at] + frame[at + 1 :]


def doubled(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(frame))
    return frame[: at + 1] + frame[at:]


def inserted(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(1, len(frame))
    return frame[:at] + bytes((chance.randrange(256),)) + frame[at:]


def flips(count: int) -> Damage:
    """So many different bits are wrong."""

    def damage(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
        out = bytearray(frame)
        for bit in chance.sample(range(8 * len(frame)), count):
            out[bit >> 3] ^= 1 << (bit & 7)
        return bytes(out)

    return damage


def burst(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """2 to 8 bytes in a row are any bytes."""
    n = chance.randint(2, min(8, len(frame)))
    at = chance.randint(0, len(frame) - n)
    return frame[:at] + chance.randbytes(n) + frame[at + n :]


def short(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """The rest is missing."""
    return frame[: chance.randrange(1, len(frame))]


def splice(frame: bytes, other: bytes, chance: random.Random) -> bytes:
    """The first part of one frame and the last part of the next, as a receive buffer that overflowed leaves
    them. In every second case just one frame's length of bytes is missing: the pieces fit."""
    at = chance.randrange(1, len(frame))
    behind = at if chance.random() < 0.5 else chance.randrange(1, len(other))
    return frame[:at] + other[behind:]


def stuck(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """2 bytes or more in a row read 00, or FF."""
    n = chance.randint(2, len(frame))
    at = chance.randint(0, len(frame) - n)
    return frame[:at] + chance.choice((b"\x00", b"\xff")) * n + frame[at + n :]


def level(byte: bytes) -> Damage:
    """The line stood still for the whole read."""
    return lambda frame, _other, _chance: byte * len(frame)


def hung(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """The line stands still from some byte on."""
    at = chance.randrange(1, len(frame))
    return frame[:at] + chance.choice((b"\x00", b"\xff")) * (len(frame) - at)


def shift_byte(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """Read a byte too early or too late; what was not sent reads FF, or 00."""
    fill = chance.choice((b"\x00", b"\xff"))
    return frame[1:] + fill if chance.random() < 0.5 else fill + frame[:-1]


def shift_bit(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
    """One clock too many or one missed, at any bit; all behind it is shifted."""
    n = 8 * len(frame)
    whole = int.from_bytes(frame, "big")
    behind = chance.randint(1, n)
    low = whole & (1 << behind) - 1
    high = whole ^ low
    if chance.random() < 0.5:  # a bit was missed
        low = (low << 1 | chance.getrandbits(1)) & (1 << behind) - 1
    else:  # one was read twice
        low = low >> 1 | low & 1 << behind - 1
    return (high | low).to_bytes(len(frame), "big")


def repeat(size: int) -> Damage:
    """A word of `size` bytes is read twice: in place of the next, or with all others one word later."""

    def damage(frame: bytes, _other: bytes, chance: random.Random) -> bytes:
        at = size * chance.randrange(len(frame) // size - 1)
        behind = at + size
        if chance.random() < 0.5:
            return frame[:behind] + frame[at:behind] + frame[behind + size :]
        return (frame[:behind] + frame[at:])[: len(frame)]

    return damage


FLIPS: dict[str, Damage] = {f"{n} bit{'s' * (n > 1)} flipped": flips(n) for n in (1, 2, 3)}
STREAM: dict[str, Damage] = {
    "a byte lost": lost,
    "a byte doubled": doubled,
    "a byte inserted": inserted,
    **FLIPS,
    "2 to 8 random bytes": burst,
    "cut short": short,
    "two frames spliced": splice,
    "stuck bytes": stuck,
}
_READ: dict[str, Damage] = {
    **FLIPS,
    "2 to 8 random bytes": burst,
    "shifted by a byte": shift_byte,
    "shifted by a bit": shift_bit,
    "all 00": level(b"\x00"),
    "all FF": level(b"\xff"),
    "00 or FF from a byte on": hung,
}
WORDS: dict[str, Damage] = {**_READ, "a word repeated": repeat(3)}  # words of two bytes and a CRC
BYTES: dict[str, Damage] = {**_READ, "two bytes repeated": repeat(2)}
PIN: dict[str, Damage] = {**_READ, "a byte repeated": repeat(1)}


def apply(damage: Damage, frame: bytes, other: bytes, chance: random.Random) -> bytes | None:
    """The damaged frame; None when 20 tries leave it as it was, as all 00 does with a frame of zeros."""
    for _ in range(20):
        out = damage(frame, other, chance)
        if out != frame:
            return out
    return None
