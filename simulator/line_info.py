"""Make what a .mpy file says of its source's lines coarser: it is a seventh of the code of a node.

MicroPython keeps for each function where in its bytecode a line of the source begins (mpy version 6, py/bc.h
and py/emitbc.c there). Kept are a function's first line, and then a line only when it is far enough from the
last one kept: a traceback names the function rightly, and of the line what was kept last before it.
"""

from __future__ import annotations

from collections.abc import Iterator

VERSION = 6
CHILDREN, KIND = 4, 3  # bits of a raw code's head, before its length
BYTECODE = 0
TUPLE = 10  # of what constants there are, those that hold others
BARE = 4  # up to this kind a constant is its kind alone
TEXT = (5, 6)  # these end with a zero that their length does not count


class LineInfoError(ValueError):
    """The file is not what mpy-cross of this version writes."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value


def coarser(data: bytes, apart: int) -> bytes:
    """The same module; of the lines within a function each is at least `apart` behind the one before it.
    Raises LineInfoError."""
    if data[:2] != bytes([ord("M"), VERSION]):
        raise LineInfoError(f"no .mpy file of version {VERSION}: update simulator/line_info.py")
    reader = _Reader(data)
    reader.at = 4
    names, constants = reader.number(), reader.number()
    for _ in range(names):
        length = reader.number()
        if not length & 1:
            reader.at += (length >> 1) + 1
    for _ in range(constants):
        _skip(reader)
    out = bytearray(data[: reader.at])
    _code(reader, out, apart)
    if reader.at != len(data):
        raise LineInfoError("it goes on behind its end: update simulator/line_info.py")
    return bytes(out)


def _skip(reader: _Reader) -> None:
    """Over one constant."""
    kind = reader.byte()
    if kind <= BARE:
        return
    count = reader.number()
    if kind == TUPLE:
        for _ in range(count):
            _skip(reader)
    else:
        reader.at += count + (kind in TEXT)


def _code(reader: _Reader, out: bytearray, apart: int) -> None:
    """One function, and those within it."""
    head = reader.number()
    if head & KIND != BYTECODE:
        raise LineInfoError("it holds machine code")
    end = reader.at + (head >> 3)
    body = _body(reader, end, apart)
    out += _number(len(body) << 3 | head & 7) + body
    reader.at = end
    if head & CHILDREN:
        count = reader.number()
        out += _number(count)
        for _ in range(count):
            _code(reader, out, apart)


def _body(reader: _Reader, end: int, apart: int) -> bytes:
    data, begin = reader.data, reader.at
    part = reader.byte()
    parameters, place = part & 3, 0
    while part & 0x80:
        part = reader.byte()
        parameters |= (part & 4) << place
        parameters += (part >> 3 & 1) << place  # by keyword only
        place += 1
    signature = data[begin : reader.at]
    info = cells = place = 0
    part = 0x80
    while part & 0x80:
        part = reader.byte()
        info |= (part >> 1 & 0x3F) << 6 * place
        cells |= (part & 1) << place
        place += 1
    top = reader.at + info
    start = reader.at
    for _ in range(1 + parameters):
        reader.number()
    named = data[start : reader.at]
    lines = _written(_chosen(_steps(data[reader.at : top]), apart))
    return signature + _sizes(len(named) + len(lines), cells) + named + lines + data[top:end]


def _steps(lines: bytes) -> Iterator[tuple[int, int]]:
    """(bytes of code, lines) to go on, each time. A step of many lines is written as several."""
    code = count = 0
    for more, further in _parts(lines):
        if more and count:
            yield code, count
            code = count = 0
        code += more
        count += further
    yield code, count


def _parts(lines: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(lines):
        byte = lines[at]
        if byte & 0x80:
            yield byte & 0xF, (byte & 0x70) << 4 | lines[at + 1]
            at += 2
        else:
            yield byte & 0x1F, byte >> 5
            at += 1


def _chosen(steps: Iterator[tuple[int, int]], apart: int) -> Iterator[tuple[int, int]]:
    skipped = kept = line = 0
    first = True
    for code, count in steps:
        skipped += code
        line += count
        if count and (first or line - kept >= apart):
            yield skipped, line - kept
            skipped, kept, first = 0, line, False


def _written(steps: Iterator[tuple[int, int]]) -> bytes:
    out = bytearray()
    for code, count in steps:
        while code or count:
            if count <= 6 or code > 0xF:
                byte = min(code, 0x1F)
                line = min(count, 3) if byte == code else 0
                out.append(byte | line << 5)
            else:
                byte, line = code, min(count, 0x7FF)
                out += bytes([0x80 | byte | line >> 4 & 0x70, line & 0xFF])
            code -= byte
            count -= line
    return bytes(out)


def _sizes(info: int, cells: int) -> bytes:
    out = bytearray()
    while True:
        byte = (info & 0x3F) << 1 | cells & 1
        info >>= 6
        cells >>= 1
        if not info | cells:
            return bytes([*out, byte])
        out.append(byte | 0x80)


def _number(value: int) -> bytes:
    out = [value & 0x7F]
    while value > 0x7F:
        value >>= 7
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
