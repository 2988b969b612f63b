"""Readings for these tests, and a journal that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from gateway.journal import Batch, Journal, JournalReader, NewReading
from gateway.reading import StoredReading

NETWORK = "waw"
FIRST_T = 1_760_000_000


def reading(id: int = 1, **changes: Any) -> StoredReading:
    return StoredReading(
        **{
            "id": id,
            "received_ms": FIRST_T * 1000 + id,
            "network": NETWORK,
            "node": "ochota-1",
            "boot": 3,
            "seq": id,
            "t": FIRST_T + id,
            "tq": "ntp",
            "up": id,
            "dt": 60,
            "n": 58,
            "slot": "pm",
            "model": "sds011",
            "flags": (),
            "values": {"pm25": 12.5 + id, "pm10": 20.0},
            **changes,
        }
    )


def commit(journal: Journal, readings: Sequence[StoredReading]) -> None:
    names = [field.name for field in fields(NewReading)]
    new = [NewReading(**{name: getattr(each, name) for name in names}) for each in readings]
    assert journal.commit(Batch(NETWORK, readings=new)).stored == len(readings)


def stored(journal: Journal) -> list[StoredReading]:
    with JournalReader(journal.path) as reader:
        return reader.after(0, 1_000_000)


def a_mixed_lot(count: int) -> list[StoredReading]:
    """Nodes, slots, flags, missing values and zeros, all with times of their own."""
    lot: list[StoredReading] = []
    for i in range(1, count + 1):
        values: dict[str, float] = {"pm25": i / 10, "pm10": 0.0} if i % 7 else {}
        if i % 3 == 0:
            values |= {"pm1": 1e-7 * i, "pm25_cf1": 1.0, "n03": 1234.0, "temp": -3.5, "rh": 61.0}
        lot.append(
            reading(
                i,
                node=f"node-{i % 5}",
                slot="pm" if i % 2 else "pmb",
                model="sds011" if i % 2 else "pms5003",
                tq="held" if i % 4 == 0 else "ntp",
                flags=() if i % 7 else ("no_frame", "device_error"),
                values=values,
            )
        )
    return lot
