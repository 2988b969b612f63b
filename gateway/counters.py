"""What the gateway has done since its start. Written by the pipeline's thread, read by any."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import Histogram

from gateway.records import Committed

_COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BATCH_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


def _commit_seconds() -> Histogram:
    return Histogram(
        "dustline_commit_duration_seconds",
        "Time of one successful commit to the journal.",
        buckets=_COMMIT_SECONDS,
        registry=None,
    )


def _batch_messages() -> Histogram:
    return Histogram(
        "dustline_commit_batch_messages",
        "Messages that one commit took in.",
        buckets=_BATCH_MESSAGES,
        registry=None,
    )


@dataclass(slots=True)
class Counters:
    """`received` counts messages; `stored`, `duplicates` and `quarantined` (by reason) mostly readings."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict[str, int])
    commits: int = 0
    failed_commits: int = 0
    # Why the last commit failed; None when it did not.
    journal_trouble: str | None = None
    commit_seconds: Histogram = field(default_factory=_commit_seconds)
    batch_messages: Histogram = field(default_factory=_batch_messages)

    def add(self, done: Committed, seconds: float) -> None:
        self.commits += 1
        self.journal_trouble = None
        self.commit_seconds.observe(seconds)
        self.stored += done.stored
        self.duplicates += done.duplicates
        # A new dict each time: a reader in another thread never sees one change under it.
        reasons = self.quarantined.keys() | done.quarantined.keys()
        self.quarantined = {
            reason: self.quarantined.get(reason, 0) + done.quarantined.get(reason, 0)
            for reason in sorted(reasons)
        }

    def add_failure(self, trouble: str) -> None:
        self.failed_commits += 1
        self.journal_trouble = trouble
