"""What a UART makes of another one's waveform, 8N1 on both sides. Pure.

A receiver that runs at the sender's speed gets the bytes as they were sent. Any other samples the same wave
at the wrong moments: it takes a falling edge for a start bit, looks at the middle of each of its own bits,
and after the middle of the stop bit it waits for the next falling edge.
A stop bit that is low is a framing error. The byte is kept all the same, as by the ESP32, which drops such
bytes only with UART_ERR_WR_MASK set (Technical Reference Manual, UART_CONF0_REG), and its reset value is 0.
The next start bit is then looked for once the line has been high again. That the IDF's driver leaves the mask
alone, and that a sensor's receiver does the same, are judgements.
"""

from __future__ import annotations

import functools

BITS = 10  # start, eight data bits from the lowest, stop


@functools.lru_cache(maxsize=64)
def heard(data: bytes, sent: int, listening: int) -> tuple[tuple[float, int], ...]:
    """`data` goes out back to back at `sent` baud after a pause, and a pause follows. What a receiver at
    `listening` baud gets: each byte, and the second in which it has it, from the first falling edge."""
    if sent == listening:
        return tuple(((BITS * at + BITS - 0.5) / sent, byte) for at, byte in enumerate(data))
    # Times are whole numbers of 1 / (2 * sent * listening) s, so that no edge is missed by rounding.
    width, half = 2 * listening, sent  # a bit of the sender, half a bit of the receiver
    unit = 2 * sent * listening
    wave = _wave(data)
    got: list[tuple[float, int]] = []
    at = 0
    while (edge := _falling(wave, at, width)) is not None:
        samples = [_level(wave, (edge + half * (2 * bit + 1)) // width) for bit in range(BITS)]
        if samples[0]:
            at = edge + half  # too short for a start bit
            continue
        stop = edge + half * (2 * BITS - 1)
        got.append((stop / unit, sum(level << bit for bit, level in enumerate(samples[1:9]))))
        at = stop
    return tuple(got)


def bytes_heard(data: bytes, sent: int, listening: int) -> bytes:
    return bytes(byte for _, byte in heard(data, sent, listening))


def _wave(data: bytes) -> list[int]:
    """The level of each bit on the line."""
    wave: list[int] = []
    for byte in data:
        wave += [0, *((byte >> bit) & 1 for bit in range(8)), 1]
    return wave


def _level(wave: list[int], bit: int) -> int:
    return wave[bit] if bit < len(wave) else 1


def _falling(wave: list[int], after: int, width: int) -> int | None:
    """When the line falls for the first time at or after the time `after`."""
    for bit in range(-(-after // width), len(wave)):
        if not wave[bit] and (bit == 0 or wave[bit - 1]):
            return bit * width
    return None
