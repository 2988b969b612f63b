"""What the gateway has done since its start. Written by the pipeline's thread, read by any."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.records import Committed


@dataclass(slots=True)
class Counters:
    """`received` counts messages; `stored`, `duplicates` and `quarantined` (by reason) mostly readings."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict[str, int])
    commits: int = 0
    failed_commits: int = 0

    def add(self, done: Committed) -> None:
        self.commits += 1
        self.stored += done.stored
        self.duplicates += done.duplicates
        # A new dict each time: a reader in another thread never sees one change under it.
        reasons = self.quarantined.keys() | done.quarantined.keys()
        self.quarantined = {
            reason: self.quarantined.get(reason, 0) + done.quarantined.get(reason, 0)
            for reason in sorted(reasons)
        }
