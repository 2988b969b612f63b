"""Faults on demand, and what those of a line do to the bytes on it."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass
class Faults:
    """The defaults are a healthy device. A float is a probability; True (or 1.0) is always."""

    # Of the device.
    mute: bool = False  # hung: says nothing until it is power-cycled, which clears this
    stuck: bool = False  # repeats the values it last measured
    clogged: bool = False  # its air path is blocked: no particle passes the laser
    saturated: bool = False  # so much dust that it shows the highest value it can
    fan_error: bool = False  # the fan does not turn; a device that watches its fan says so
    no_value: float = 0.0  # per frame: 0xFFFF or 0x7FFF in place of values
    # Of the line, per frame from the device; byte_loss and bit_flip per byte, and of what it hears as well.
    byte_loss: float = 0.0
    bit_flip: float = 0.0
    byte_shift: float = 0.0  # one byte (I2C: one clock) too many or too few, so that the rest comes shifted
    truncated: float = 0.0  # only a first part comes
    crc_error: float = 0.0  # one bit of the check sum is wrong, all else is right
    garbage: float = 0.0  # a burst of 1 to 40 random bytes before the frame
    # Of an I2C bus: see i2c.py.
    nack: float = 0.0
    clock_stretch: float = 0.0
    bus_stuck: float = 0.0


def on_the_line(frame: bytes, faults: Faults, chance: random.Random, sum_at: int | None = None) -> bytes:
    """What arrives of a frame. `sum_at`: the index of a byte of its check sum, None to leave that alone."""
    data = bytearray(frame)
    if sum_at is not None and _strikes(faults.crc_error, chance):
        data[sum_at] ^= 1 << chance.randrange(8)
    if _strikes(faults.byte_shift, chance):
        at = chance.randrange(len(data))
        if chance.random() < 0.5:
            del data[at]
        else:
            data[at:at] = chance.randbytes(1)
    if _strikes(faults.truncated, chance):
        data = bytearray(cut_short(bytes(data), chance))
    noise = b""
    if _strikes(faults.garbage, chance):
        noise = chance.randbytes(chance.randint(1, 40))
    return noise + through_noise(bytes(data), faults, chance)


def through_noise(data: bytes, faults: Faults, chance: random.Random) -> bytes:
    """What faults.byte_loss and bit_flip leave of bytes, whichever way they go."""
    return flipped(bytes(byte for byte in data if not _strikes(faults.byte_loss, chance)), faults, chance)


def flipped(data: bytes, faults: Faults, chance: random.Random) -> bytes:
    if not faults.bit_flip:
        return data
    return bytes(
        byte ^ (1 << chance.randrange(8)) if _strikes(faults.bit_flip, chance) else byte for byte in data
    )


def slipped(data: bytes, chance: random.Random) -> bytes:
    """A read over I2C in which master and device lose count of the clock by one, one way or the other.

    The device lets SDA go for each byte's acknowledge and after the last byte: the master sees a 1 there.
    """
    line = [bit for byte in data for bit in (*(byte >> at & 1 for at in range(7, -1, -1)), 1)]
    at = chance.randrange(len(line))
    if chance.random() < 0.5:
        del line[at]
    else:
        line.insert(at, line[at])
    line.append(1)
    return bytes(int("".join(map(str, line[9 * byte : 9 * byte + 8])), 2) for byte in range(len(data)))


def cut_short(frame: bytes, chance: random.Random) -> bytes:
    """A first part of a frame, at least a byte long where there are two or more."""
    return frame[: chance.randrange(1, len(frame))] if len(frame) > 1 else b""


def _strikes(fault: float, chance: random.Random) -> bool:
    return bool(fault) and chance.random() < fault
