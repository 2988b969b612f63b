"""Which part of the past is taken from the journal, and which is read back from InfluxDB."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from gateway.config import Settings
from gateway.quality.reprocess.carry_out import RefusedError, Wanted, knows, pruned_upto, said

From = Literal["auto", "journal", "influxdb"]
# So far beyond what is pruned InfluxDB is read too: the journal goes on being pruned while this goes on. Both
# parts judge this time, and alike.
MARGIN_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """`past`: until when (UTC s) from InfluxDB, None for not at all. `journal`: whether its part is behind
    that. `told` says so in a line."""

    past: int | None = None
    journal: bool = True
    told: str = ""


def plan(db: sqlite3.Connection, settings: Settings, wanted: Wanted, source: From, now: int) -> Plan:
    """By the journal where it has all, and by InfluxDB before that. Raises RefusedError."""
    until = now if wanted.until is None else wanted.until
    pruned = pruned_upto(db)
    if source == "journal" or (source == "auto" and (pruned is None or wanted.since >= pruned)):
        return Plan()
    influx = settings.influx
    if not influx.enabled:
        if source == "influxdb" or pruned is None:
            raise RefusedError("influx.enabled is false: there is no InfluxDB to read the past from")
        raise RefusedError(
            f"readings up to {said(pruned)} are no longer all in the journal: its bounds (journal.keep_days, "
            "journal.max_mb) have taken them out; influx.enabled is false, so there is no InfluxDB to read "
            f"them back from; give --since {said(pruned)} or later"
        )
    if wanted.since >= until:
        raise RefusedError("--since must be before --until, and not in the future")
    at = f"InfluxDB at {influx.url} ({influx.database if influx.api == 'v1' else influx.bucket})"
    if source == "influxdb" or pruned is None:
        return Plan(until, False, f"read from {at}, as asked for")
    if until <= pruned:
        return Plan(until, False, f"the journal has pruned this time: read back from {at}")
    if wanted.node and not knows(db, wanted.node):
        return Plan(until, False, f"the journal knows no node {wanted.node}: read back from {at}")
    return Plan(
        min(until, pruned + MARGIN_S),
        True,
        f"the journal has all from {said(pruned)} on; what was before is read back from {at}",
    )
