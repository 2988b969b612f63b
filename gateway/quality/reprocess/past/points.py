"""A point of InfluxDB as a reading again: what destinations/lines.py has written, read backwards.

What is no reading of ours is left out and counted, by why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import Any, NamedTuple

from gateway.destinations.lines import FLAG_BITS, MEASUREMENT, UNKNOWN_FLAG_BIT
from gateway.quality.reprocess.past.influxql import quoted
from gateway.reading import FIELDS
from gateway.topics import valid_name

_NS = 1_000_000_000
_INTEGERS = ("boot", "seq", "up", "dt", "n", "flags")
_STRINGS = ("model", "tq")
# In points since `delay` is written; see docs/influxdb.md.
_DELAY = "delay"
_TAGS = ("network", "node", "slot")
_JUDGED = ("qc", "pm25_cor", "pm10_cor")
COLUMNS = ("time", *_INTEGERS, *_STRINGS, _DELAY, *FIELDS, *_JUDGED)
_AT = {name: at for at, name in enumerate(COLUMNS)}
_FIRST_VALUE, _FIRST_JUDGED = _AT[FIELDS[0]], _AT[_JUDGED[0]]
_SLOT = re.compile(r"[a-z0-9]{1,8}")  # contract.Slot

# Why a point is no reading.
ONLY_JUDGED, FOREIGN = "only judged", "not written by Dustline"


class Point(NamedTuple):
    """A reading without its place in a file, and what InfluxDB has of its judgement. Times in UTC s.

    `row`: received_ms, boot, seq, t, tq, up, dt, n, slot, model, flags, values; a NaN for no value. `known`:
    whether the time of arrival is known; else it is taken as t.
    """

    node: str
    slot: str
    t: int
    row: tuple[object, ...]
    order: tuple[int, int, int, int]
    known: bool
    qc: int | None
    pm25_cor: float | None
    pm10_cor: float | None


def select(network: str, since: int, until: int) -> str:
    """The statement for readings with since < t <= until (UTC s)."""
    names = ", ".join(f'"{name}"' for name in COLUMNS[1:])
    return f'SELECT {names} FROM "{MEASUREMENT}"{where(network, since, until)} GROUP BY *'  # noqa: S608


def where(network: str, since: int, until: int) -> str:
    return f' WHERE "network" = {quoted(network)} AND time > {since}s AND time <= {until}s'


def point_of(tags: Mapping[str, str], value: Sequence[Any]) -> Point | str:
    """`value` in the order of COLUMNS; a text says why it is no reading."""
    node, slot = tags.get("node", ""), tags.get("slot", "")
    others = any(value for name, value in tags.items() if name not in _TAGS)
    integers = value[1 : 1 + len(_INTEGERS)]
    if integers[1] is None and value[_FIRST_JUDGED] is not None:
        return ONLY_JUDGED
    t, rest = divmod(value[0], _NS)
    model, tq, delay = value[_AT["model"]], value[_AT["tq"]], value[_AT[_DELAY]]
    measured = value[_FIRST_VALUE:_FIRST_JUDGED]
    if (
        rest
        or others
        or not (valid_name(node) and _SLOT.fullmatch(slot))
        or any(type(each) is not int for each in integers)
        or not (isinstance(model, str) and isinstance(tq, str))
        or not (delay is None or type(delay) is int)
        or not all(map(_is_value, measured))
    ):
        return FOREIGN
    boot, seq, up, dt, n, flags = integers
    came = t + (delay or 0)
    values = [nan if each is None else float(each) for each in measured]
    qc, pm25, pm10 = value[_FIRST_JUDGED:]
    return Point(
        node,
        slot,
        t,
        (came * 1000, boot, seq, t, tq, up, dt, n, slot, model, _flags_of(flags), *values),
        (t, came, boot, seq),
        delay is not None,
        qc if type(qc) is int else None,
        float(pm25) if _is_value(pm25) and pm25 is not None else None,
        float(pm10) if _is_value(pm10) and pm10 is not None else None,
    )


def _is_value(it: Any) -> bool:
    return it is None or (type(it) in (int, float) and isfinite(it))


_FLAGS: dict[int, str] = {0: ""}


def _flags_of(bits: int) -> str:
    """The node's flags as the journal has them. Of an unknown one is only known that it was there."""
    found = _FLAGS.get(bits)
    if found is None:
        names = [name for name, bit in FLAG_BITS.items() if bits & bit]
        if bits & ~sum(FLAG_BITS.values()):
            names.append(f"flag{UNKNOWN_FLAG_BIT}")
        found = " ".join(names)
        if len(_FLAGS) < 4096:
            _FLAGS[bits] = found
    return found
