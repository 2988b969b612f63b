"""What a check sees of a reading: a row of the journal, narrow, so that a million of them are soon read."""

from __future__ import annotations

from typing import NamedTuple

from gateway.reading import StoredReading


class Sample(NamedTuple):
    """Fields and units are those of StoredReading; None where there is no value.

    `flags` is the text of the node's flags, with blanks between. `node_id` and `slot` name a series.
    """

    id: int
    node_id: int
    node: str
    slot: str
    model: str
    boot: int
    t: int | None
    tq: str
    received_ms: int
    up: int
    dt: int
    n: int
    flags: str
    pm1: float | None
    pm25: float | None
    pm10: float | None
    pm1_cf1: float | None
    pm25_cf1: float | None
    pm10_cf1: float | None
    n03: float | None
    temp: float | None
    rh: float | None
    press: float | None


# The journal's columns in the order of the fields.
COLUMNS = ", ".join("nodes.name" if name == "node" else f"readings.{name}" for name in Sample._fields)


def sample_of(reading: StoredReading, node_id: int = 0) -> Sample:
    """For who has a StoredReading; give each node a `node_id` of its own."""
    values = reading.values.get
    return Sample(
        reading.id,
        node_id,
        reading.node,
        reading.slot,
        reading.model,
        reading.boot,
        reading.t,
        reading.tq,
        reading.received_ms,
        reading.up,
        reading.dt,
        reading.n,
        " ".join(reading.flags),
        *(values(name) for name in Sample._fields[13:]),
    )
