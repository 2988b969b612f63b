"""Faults on demand, and what those of a serial line do to a frame."""

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
    # Of the line; per frame unless it says per byte.
    byte_loss: float = 0.0  # per byte
    bit_flip: float = 0.0  # per byte
    byte_shift: float = 0.0  # one byte too many or too few, so that the rest comes shifted
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
    out = bytearray()
    if _strikes(faults.garbage, chance):
        out += chance.randbytes(chance.randint(1, 40))
    for byte in data:
        if _strikes(faults.byte_loss, chance):
            continue
        out.append(byte ^ (1 << chance.randrange(8)) if _strikes(faults.bit_flip, chance) else byte)
    return bytes(out)


def cut_short(frame: bytes, chance: random.Random) -> bytes:
    """A first part of a frame, at least a byte long where there are two or more."""
    return frame[: chance.randrange(1, len(frame))] if len(frame) > 1 else b""


def _strikes(fault: float, chance: random.Random) -> bool:
    return bool(fault) and chance.random() < fault
