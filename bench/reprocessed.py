"""The whole of `dustline reprocess` over a journal, as a user gives it: judged, corrected, brought into use.

For bench.quality: calibrations of both models and of twelve units beside six stations, whose hours are read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.quality.calibration.record import Calibration, write
from gateway.quality.checks.near import Spot

STATIONS, BESIDE = 6, 2
_MODELS = {"sds011": "pm25", "pms5003": "pm25_cf1"}


def prepare(folder: Path, journal: Path, places: Mapping[str, Spot], begin: int, until: int) -> Path:
    """A configuration beside the journal; its first nodes hang beside stations."""
    names = list(places)
    spots = [f"[nodes.{name}]\nlat = {spot.lat}\nlon = {spot.lon}" for name, spot in places.items()]
    stations: list[str] = []
    for number in range(STATIONS):
        spot = places[names[number * BESIDE]]
        for name in names[number * BESIDE : (number + 1) * BESIDE]:
            spots[names.index(name)] = f"[nodes.{name}]\nlat = {spot.lat}\nlon = {spot.lon}"
            model = list(_MODELS)[names.index(name) % 2]
            write(_calibration(f"{name}-a", model, begin, name), folder / "calibrations")
        stations.append(f'[s{number}]\nlat = {spot.lat}\nlon = {spot.lon}\nfile = "s{number}.csv"')
        hours = range(begin // 3600, until // 3600)
        rows = [f"{datetime.fromtimestamp(3600 * hour, UTC):%Y-%m-%dT%H:%M:%SZ},12.5" for hour in hours]
        (folder / f"s{number}.csv").write_text("\n".join(["hour_begin,pm25", *rows]) + "\n")
    for model in _MODELS:
        write(_calibration(model, model, begin, None), folder / "calibrations")
    (folder / "nodes.toml").write_text("\n".join(spots) + "\n")
    (folder / "stations.toml").write_text("\n".join(stations) + "\n")
    file = folder / "gateway.toml"
    file.write_text(
        f'network = "bench"\nnodes_file = "{folder}/nodes.toml"\n[journal]\npath = "{journal}"\n'
        f'[calibration]\nfolder = "{folder}/calibrations"\nstations = "{folder}/stations.toml"\n'
    )
    return file


def run(file: Path, since: int, until: int) -> tuple[float, float, str]:
    """Seconds of wall time and of CPU time, and what it said."""
    words = ["reprocess", "--since", str(since), "--until", str(until), "--config", str(file)]
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "dustline.cli", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"dustline reprocess failed: {done.stdout}{done.stderr}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, cpu, done.stdout.strip()


def _calibration(name: str, model: str, begin: int, node: str | None) -> Calibration:
    """Of the form with humidity and temperature, as most are."""
    at = datetime.fromtimestamp(begin, UTC) - timedelta(days=1)
    made: dict[str, Any] = {
        "name": name,
        "version": 1,
        "kind": "model" if node is None else "field",
        "made": at,
        "from": at,
        "for": {"model": model} if node is None else {"model": model, "node": node, "slot": "a"},
        "field": _MODELS[model],
        "form": "growth-temp",
        "coefficients": {"gain": 0.8, "kappa": 0.25, "offset": 1.0, "temp": 0.01},
        "valid": {"pm": (1.0, 200.0), "rh": (20.0, 95.0), "temp": (-15.0, 30.0)},
        "origin": {
            "references": ["bench"],
            "units": [name],
            "since": at - timedelta(days=28),
            "until": at,
            "hours": 660,
            "sha256": "0" * 64,
        },
    }
    return Calibration.model_validate(made)
