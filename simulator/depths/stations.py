"""What a gateway must be told of a simulated city: its reference stations' hours, and its nodes' places."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from simulator.city.fleet import plan
from simulator.city.scenario import Scenario, ScenarioError
from simulator.city.station import hours


def write(scenario: Scenario, folder: Path) -> list[Path]:
    """NAME.csv of each station, stations.toml and nodes.toml, in the form that `dustline calibrate` and the
    gateway read. Raises ScenarioError without stations, OSError."""
    if not scenario.reference:
        raise ScenarioError(f"{scenario.name} has no reference station; add a [[reference]] to the scenario")
    folder.mkdir(parents=True, exist_ok=True)
    reported, written, tables = hours(scenario), list[Path](), list[str]()
    for column, one in enumerate(scenario.reference):
        lines = ["hour_end,pm25,pm10"]
        for row, end in enumerate(reported.ends.tolist()):
            pm25, pm10 = reported.pm25[row, column], reported.pm10[row, column]
            lines.append(f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ},{pm25:.2f},{pm10:.2f}")
        written.append(_written(folder / f"{one.name}.csv", lines))
        tables.append(f'[{one.name}]\nlat = {one.lat}\nlon = {one.lon}\nfile = "{one.name}.csv"\n')
    written.append(_written(folder / "stations.toml", tables))
    nodes = [f"[nodes.{one.name}]\nlat = {one.lat}\nlon = {one.lon}\n" for one in plan(scenario)]
    return [*written, _written(folder / "nodes.toml", nodes)]


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
