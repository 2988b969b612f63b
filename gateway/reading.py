"""A reading as the journal holds it, and the names of what it can carry.

The same field names come out of the drivers, `dustline decode`, the journal and InfluxDB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Measured values. Units: pm* in ug/m3 (pm* atmospheric channel, pm*_cf1 the Plantower CF=1 channel, *_sd the
# standard deviation within the window), n03..n10 particles per 0.1 L, temp degC, rh %, press hPa.
FIELDS: tuple[str, ...] = (
    "pm1",
    "pm25",
    "pm4",
    "pm10",
    "pm1_cf1",
    "pm25_cf1",
    "pm10_cf1",
    "pm25_sd",
    "pm10_sd",
    "n03",
    "n05",
    "n1",
    "n25",
    "n5",
    "n10",
    "temp",
    "rh",
    "press",
)


@dataclass(slots=True)
class StoredReading:
    """One reading with its identity (node, boot, seq) and its place in the journal.

    `id` grows with every row and is what a destination's cursor counts. `t` is UTC seconds of the end of the
    averaging window, None when the node never knew the time. `values` holds only what was measured; a field
    that is absent has its reason in `flags`.
    """

    id: int
    received_ms: int
    network: str
    node: str
    boot: int
    seq: int
    t: int | None
    tq: str
    up: int
    dt: int
    n: int
    slot: str
    model: str
    flags: tuple[str, ...] = ()
    values: dict[str, float] = field(default_factory=dict[str, float])


# A reading as the journal's reader fetches it: the fields of StoredReading up to `model`, the flags with a
# space between them, and the values in the order of FIELDS, None where there is none.
ReadingRow = tuple[Any, ...]


def from_row(row: ReadingRow) -> StoredReading:
    *plain, flags = row[: -len(FIELDS)]
    values = {
        name: value for name, value in zip(FIELDS, row[-len(FIELDS) :], strict=True) if value is not None
    }
    return StoredReading(*plain, flags=tuple(flags.split()), values=values)


def to_row(it: StoredReading) -> ReadingRow:
    plain = (it.id, it.received_ms, it.network, it.node, it.boot, it.seq, it.t, it.tq, it.up, it.dt, it.n)
    return (*plain, it.slot, it.model, " ".join(it.flags), *map(it.values.get, FIELDS))
