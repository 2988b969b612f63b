"""Which scenario a run has: one that is named or plain, with the words of the command line put into it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from simulator.city import scenario as scenarios
from simulator.city.scenario import Scenario, ScenarioError

# What hangs at nodes when nobody says: what was cheap that month.
PLAIN = """
name = "plain"
seed = 1
start = {start}
days = 1
[fleet]
nodes = 6
[[fleet.kit]]
sensors = ["sds011", "bme280"]
[[fleet.kit]]
sensors = ["pms5003"]
[[fleet.kit]]
sensors = ["sds011"]
[[fleet.kit]]
sensors = ["sps30", "sht3x"]
[[fleet.kit]]
sensors = ["pmsa003i"]
[[fleet.kit]]
sensors = ["sen55"]
[[fleet.kit]]
sensors = ["pms7003", "dht22"]
"""
ENDLESS_DAYS = 3660.0


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def scenario_of(
    source: str | None,
    *,
    nodes: int | None = None,
    seed: int | None = None,
    hours: float | None = None,
    start: str | None = None,
    network: str | None = None,
    endless: bool = False,
) -> Scenario:
    """`source`: a file or a name; None is a day of a plain city that begins at the present hour. What is None
    stays as the scenario has it. `endless`: a plain city ends only when told. Raises ScenarioError."""
    if source is None:
        found = scenarios.parse(PLAIN.format(start=this_hour().isoformat()), "plain")
        if endless and hours is None:
            found = scenarios.changed(found, "plain", days=ENDLESS_DAYS)
    else:
        found = scenarios.load(source)
    where = source or "plain"
    if start is not None:
        found = scenarios.moved(found, _date(start), where)
    fields: dict[str, Any] = {}
    if seed is not None:
        fields["seed"] = seed
    if hours is not None:
        fields["days"] = hours / 24.0
    if network is not None:
        fields["network"] = network
    fleet = {} if nodes is None else {"nodes": nodes}
    return scenarios.changed(found, where, fleet=fleet, **fields) if fields or fleet else found


def _date(text: str) -> datetime:
    if text == "now":
        return this_hour()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ScenarioError(f"--start {text!r} is no date; write now, or 2026-01-12T00:00:00Z") from None
    if found.tzinfo is None:
        raise ScenarioError(f"--start {text}: has no time zone; add Z for UTC or an offset such as +01:00")
    return found


def offset_s(scenario: Scenario) -> float:
    """How far the scenario's time is ahead of true time when it begins now; 0 for one that covers now."""
    now = time.time()
    return 0.0 if scenario.begin <= now < scenario.end else scenario.begin - now


def covers_now(scenario: Scenario) -> bool:
    return scenario.begin <= time.time() < scenario.end
