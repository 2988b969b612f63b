"""What goes into the journal in one commit, and what comes out of it besides readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.extents import Range


@dataclass(slots=True)
class NewReading:
    """A checked reading on its way into the journal; the fields are those of `StoredReading`."""

    received_ms: int
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
    flags: tuple[str, ...]
    values: dict[str, float]


@dataclass(slots=True, frozen=True)
class Rejected:
    """Something that cannot be stored as a reading, kept with its reason.

    `reason` is a short word to count by, `detail` the sentence for a person. `boot` and `seq` are known when
    one reading of a readable message is at fault; only then does the acknowledgement cover it. `size` is the
    length of the whole payload, of which `payload` may be the beginning only.
    """

    received_ms: int
    topic: str
    node: str | None
    boot: int | None
    seq: int | None
    reason: str
    detail: str
    payload: bytes
    size: int


@dataclass(slots=True, frozen=True)
class Claim:
    """A node's own word that in `boot` it gave birth to readings up to `last`."""

    received_ms: int
    node: str
    boot: int
    last: int


@dataclass(slots=True, frozen=True)
class Sighting:
    """What a status or health message tells about a node; None leaves what is known.

    `live` is False for a retained message and for a last will: neither shows that the node is there now.
    """

    received_ms: int
    node: str
    live: bool
    online: bool | None = None
    boot: int | None = None
    status: dict[str, Any] | None = None
    health: dict[str, Any] | None = None


@dataclass(slots=True)
class Batch:
    """All that one transaction takes."""

    network: str
    readings: list[NewReading] = field(default_factory=list[NewReading])
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    claims: list[Claim] = field(default_factory=list[Claim])
    sightings: list[Sighting] = field(default_factory=list[Sighting])

    def empty(self) -> bool:
        return not (self.readings or self.rejected or self.claims or self.sightings)


@dataclass(slots=True)
class Committed:
    """What a commit did.

    By (node, boot): `named` has the seqs that the batch contained, `held` all ranges that are held now. `why`
    says what was wrong with the last reading that was not stored.
    """

    stored: int = 0
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict[str, int])
    held: dict[tuple[str, int], list[Range]] = field(default_factory=dict[tuple[str, int], list[Range]])
    named: dict[tuple[str, int], set[int]] = field(default_factory=dict[tuple[str, int], set[int]])
    why: str | None = None


@dataclass(slots=True, frozen=True)
class LedgerRow:
    """born = stored + quarantined + missing, for one boot of one node."""

    node: str
    boot: int
    born: int
    stored: int
    quarantined: int
    missing: int
    missing_ranges: tuple[Range, ...]


@dataclass(slots=True, frozen=True)
class Account:
    """What one journal knows of one boot of a node, as ranges of seqs: those of several can be joined.

    `claimed` is the node's own word at `seen_ms`; `older` the last seq of what is older than was asked for.
    """

    claimed: int
    seen_ms: int
    held: list[Range]
    stored: list[Range]
    older: int


@dataclass(slots=True, frozen=True)
class Quarantined:
    """One entry of the quarantine. `destination` is set when a destination refused a stored reading.

    `fixed` is a corrected message for the topic `fixed_topic`, which a replay takes instead of the payload.
    """

    id: int
    received_ms: int
    topic: str
    node: str | None
    boot: int | None
    seq: int | None
    reason: str
    detail: str
    payload: bytes
    size: int
    destination: str | None
    fixed: str | None = None
    fixed_topic: str | None = None
    replayed_ms: int | None = None
