"""A small network beside two stations, of which the right answer is known.

All units read twice the air, which their calibrations know, and SHARED of that, which no calibration knows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.journal import Batch, Journal, NewReading
from gateway.quality.calibration.record import Calibration, write
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.checks.near import Spot
from gateway.quality.follow import store
from gateway.quality.follow.batch import judge_batch
from tests.gateway.quality.judging import T0

SHARED = 1.25
STEP_S = 300
HOURS = 12
ANCHORS = ("n1", "n2", "n3", "n4")  # two at each station
FAR = "n9"
PLACES: dict[str, Spot] = {
    name: SimpleNamespace(lat=52.2 if name in ("n1", "n2") else 52.3, lon=21.0) for name in ANCHORS
} | {FAR: SimpleNamespace(lat=52.25, lon=21.1)}
BEGIN = datetime.fromtimestamp(T0, UTC) - timedelta(days=1)


def air(t: int) -> float:
    """Truth at a time, ug/m3: another level in each hour."""
    return 20.0 + 3.0 * (-(-t // 3600) % 7)


def calibration(name: str, model: str = "sds011", **changes: Any) -> Calibration:
    """Halves a raw value, from a day before T0 on; `node` makes it the unit's own."""
    node = changes.pop("node", None)
    made: dict[str, Any] = {
        "name": name,
        "version": 1,
        "kind": "model" if node is None else "field",
        "made": BEGIN,
        "from": BEGIN,
        "for": {"model": model} if node is None else {"model": model, "node": node, "slot": "a"},
        "form": "linear",
        "coefficients": {"gain": 0.5},
        "valid": {"pm": (2.0, 200.0)},
        "origin": {
            "references": ["station"],
            "units": ["n1/a"],
            "since": BEGIN - timedelta(days=28),
            "until": BEGIN,
            "hours": 660,
            "sha256": "0" * 64,
        },
    }
    return Calibration.model_validate({**made, **changes})


def write_calibrations(folder: Path) -> None:
    for one in (calibration("sds011"), *(calibration(f"{name}-a", node=name) for name in ANCHORS)):
        write(one, folder)


def write_stations(folder: Path, hours: int, spoilt_from: int = 1 << 60) -> Path:
    """Both stations' files of the hours from T0 on; those from number `spoilt_from` on are five times too
    high."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["hour_begin,pm25"]
    for hour in range(hours):
        begin = T0 + 3600 * hour
        value = air(begin + 1) * (5 if hour >= spoilt_from else 1)
        lines.append(f"{datetime.fromtimestamp(begin, UTC):%Y-%m-%dT%H:%M:%SZ},{value}")
    for name in ("south", "north"):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    path = folder / "stations.toml"
    path.write_text(
        '[south]\nlat = 52.2\nlon = 21.0\nfile = "south.csv"\n'
        '[north]\nlat = 52.3\nlon = 21.0\nfile = "north.csv"\n'
    )
    return path


def readings(hours: int, first: int = 0) -> list[NewReading]:
    """Of all five nodes, every five minutes, in the order of time."""
    made: list[NewReading] = []
    for seq in range(first * 12 + 1, (first + hours) * 12 + 1):
        t = T0 + STEP_S * seq
        for name in PLACES:
            value = round(2 * SHARED * air(t) + (seq * 7 % 11 - 5) * 0.01, 2)
            made.append(
                NewReading(
                    (t + 2) * 1000, name, 1, seq, t, "ntp", 100_000 + STEP_S * seq, 60, 58, "a", "sds011", (),
                    {"pm25": value, "pm10": round(value * 1.5, 2), "rh": 50.0, "temp": 5.0},
                )
            )  # fmt: skip
    return made


def make_site(folder: Path) -> Path:
    """A configuration, and a journal of HOURS that the stream has judged without any calibration."""
    places = "".join(f"[nodes.{name}]\nlat = {spot.lat}\nlon = {spot.lon}\n" for name, spot in PLACES.items())
    (folder / "nodes.toml").write_text(places)
    (folder / "calibrations").mkdir()
    write_stations(folder, HOURS)
    configure(folder)
    make_judged(folder, readings(HOURS), PLACES)
    return folder


def make_judged(folder: Path, readings: list[NewReading], places: Mapping[str, Spot]) -> None:
    """A journal of these, which the stream has judged."""
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as journal:
        journal.commit(Batch("warsaw", readings=readings))
        judge = Judge(QualitySettings(), places)
        with journal.writing() as db:
            samples = store.samples_after(db, 0, 1_000_000)
            what = judge_batch(judge, samples)
            what.upto = samples[-1].id
            store.write(db, judge.version, what)


def configure(folder: Path, quality: str = "") -> None:
    (folder / "gateway.toml").write_text(
        f'nodes_file = "{folder}/nodes.toml"\n[journal]\npath = "{folder}/journal.sqlite"\n'
        f'[calibration]\nfolder = "calibrations"\nstations = "stations.toml"\n{quality}'
    )


def table(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the site's journal."""
    with sqlite3.connect(folder / "journal.sqlite") as db:
        return db.execute(query).fetchall()


def in_use(folder: Path) -> list[tuple[Any, ...]]:
    """All judgements in use, without the numbers of changes."""
    return table(
        folder,
        "SELECT reading_id, version, qc, quality.pm25, quality.pm10, c.pm25, factor, run FROM quality"
        " LEFT JOIN quality_corrections c ON c.id = calibration ORDER BY reading_id",
    )
