"""What a journal is given in tests: readings, rejects, batches."""

from __future__ import annotations

from typing import Any

from gateway.journal import Batch, Claim, NewReading, Rejected, Sighting


def new(seq: int, node: str = "n1", boot: int = 1, **changes: Any) -> NewReading:
    fields: dict[str, Any] = {
        "received_ms": 1_700_000_000_000 + seq,
        "t": 1_700_000_000 + 60 * seq,
        "tq": "ntp",
        "up": 60 * seq,
        "dt": 60,
        "n": 50,
        "slot": "a",
        "model": "sds011",
        "flags": (),
        "values": {"pm25": seq / 10, "pm10": 0.0},
    }
    return NewReading(node=node, boot=boot, seq=seq, **{**fields, **changes})


def bad(seq: int | None, node: str = "n1", boot: int | None = 1, reason: str = "reading") -> Rejected:
    return Rejected(
        1_700_000_000_000, f"dl/1/warsaw/0/{node}/readings", node, boot, seq, reason, "why", b"{}", 2
    )


def batch(*items: NewReading | Rejected | Claim | Sighting, network: str = "warsaw") -> Batch:
    made = Batch(network)
    for item in items:
        if isinstance(item, NewReading):
            made.readings.append(item)
        elif isinstance(item, Rejected):
            made.rejected.append(item)
        elif isinstance(item, Claim):
            made.claims.append(item)
        else:
            made.sightings.append(item)
    return made
