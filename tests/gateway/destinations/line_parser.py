"""A strict reader of line protocol, written from its specification and not from what writes it.

docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

import math
import re

Value = float | int | str


class BadLine(ValueError):
    pass


_INTEGER = re.compile(r"-?\d+i")
_FLOAT = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def parse_line(line: str) -> tuple[str, dict[str, str], dict[str, Value], int]:
    """measurement, tags, fields, time."""
    measurement, at = _word(line, 0, ", ")
    tags: dict[str, str] = {}
    while line[at : at + 1] == ",":
        name, at = _word(line, at + 1, "=")
        value, at = _word(line, at + 1, ", ")
        if not name or not value or name in tags:
            raise BadLine(line)
        tags[name] = value
    if line[at : at + 1] != " ":
        raise BadLine(line)
    fields: dict[str, Value] = {}
    separator = ","
    while separator == ",":
        name, at = _word(line, at + 1, "=")
        value, at = _field(line, at + 1)
        if not name or name in fields:
            raise BadLine(line)
        fields[name] = value
        separator = line[at : at + 1]
    time = line[at + 1 :]
    if separator != " " or not re.fullmatch(r"-?\d+", time):
        raise BadLine(line)
    return measurement, tags, fields, int(time)


def _word(line: str, at: int, ends: str) -> tuple[str, int]:
    """An unquoted word up to one of `ends`; a backslash escapes a comma, an equals sign and a space."""
    word = ""
    while at < len(line) and line[at] not in ends:
        if line[at] == "\\" and line[at + 1 : at + 2] in (",", "=", " ", "\\") and line[at + 1 :]:
            at += 1
        elif line[at] in ",= ":
            raise BadLine(line)
        word += line[at]
        at += 1
    if not word:
        raise BadLine(line)
    return word, at


def _field(line: str, at: int) -> tuple[Value, int]:
    if line[at : at + 1] == '"':
        return _string(line, at + 1)
    end = at
    while end < len(line) and line[end] not in ", ":
        end += 1
    text = line[at:end]
    if _INTEGER.fullmatch(text) and abs(int(text[:-1])) < 2**63:
        return int(text[:-1]), end
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text), end
    raise BadLine(line)


def _string(line: str, at: int) -> tuple[str, int]:
    text = ""
    while at < len(line):
        if line[at] == '"':
            return text, at + 1
        if line[at] == "\\" and line[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        text += line[at]
        at += 1
    raise BadLine(line)
