"""A gateway whose journal has pruned some of what an InfluxDB has: readings of all kinds of faults, whose
judgements by the journal's way are known from before it was pruned.

Six places near each other; n1 has two sensors. LEAD_H hours are there before SINCE, to know what is usual.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from click.testing import CliRunner

from dustline.cli import main
from gateway.destinations.lines import line_of_row
from gateway.journal import Journal, JournalReader, NewReading
from gateway.journal.bounds import Bounds, Pruner
from gateway.quality.calibration.record import write
from gateway.quality.checks.near import Spot
from gateway.quality.follow.deliver import lines_after
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.correcting import calibration, make_judged, make_site, write_calibrations
from tests.gateway.quality.judging import T0

STEP_S = 300
LEAD_H, HOURS = 84, 108
SINCE = T0 + LEAD_H * 3600
UNTIL = T0 + HOURS * 3600
NAMES = [f"n{number}" for number in range(1, 7)]
PLACES: dict[str, Spot] = {
    name: SimpleNamespace(lat=52.2 + 0.01 * at, lon=21.0) for at, name in enumerate(NAMES)
}
Row = tuple[str, str, int]
Call = Callable[..., str]


def air(t: int) -> float:
    return 25.0 + 6.0 * (-(-t // 3600) % 7)


def readings(draw: random.Random) -> list[NewReading]:
    """In the order of arrival."""
    made: list[NewReading] = []
    for seq in range(1, HOURS * 3600 // STEP_S + 1):
        t = T0 + STEP_S * seq
        for name in NAMES:
            made.append(_reading(draw, name, seq * 2, t))
            if name == "n1":
                made.append(_second(draw, seq * 2 + 1, t))
    return sorted(made, key=lambda each: each.received_ms)


def _reading(draw: random.Random, name: str, seq: int, t: int) -> NewReading:
    hour, flags, came, tq, up = (t - T0) // 3600, (), t + 2, "ntp", 100_000 + t - T0
    value: float | None = air(t) * draw.gauss(1.0, 0.02)
    rh = 50.0
    if name == "n2" and draw.random() < 0.02:
        value = 400.0
    if name == "n3" and LEAD_H + 4 <= hour < LEAD_H + 9:
        value = 31.4
    if name == "n4" and hour >= LEAD_H:
        kind = draw.choice(
            ["", "", "", "no_frame", "warming_up", "saturated", "climate_error", "device_error"]
        )
        flags = (kind,) if kind else ()
        value = None if kind == "no_frame" else value
        rh = draw.choice([50.0, 97.0])
    if name == "n5" and hour >= LEAD_H + 2:
        tq = "held" if hour % 3 else "ntp"
        came = t - 500 if hour % 5 == 0 else t + 2  # ahead of its arrival
        up += 400 if hour % 4 == 0 else 0
    if name == "n6" and hour >= LEAD_H - 6:
        value = air(t) * 0.3
    values: dict[str, float] = {"rh": rh, "temp": 5.0, "press": 1000.0}
    if value is not None:
        values |= {"pm25": round(value, 2), "pm10": round(value * 1.5, 2)}
    return NewReading(came * 1000, name, 1, seq, t, tq, up, 60, 58, "a", "sds011", flags, values)


def _second(draw: random.Random, seq: int, t: int) -> NewReading:
    far = 3.0 if (t - T0) // 3600 % 6 == 0 else 1.0
    value = round(air(t) * far * draw.gauss(1.0, 0.02), 1)
    channels = {"pm1": 0.8, "pm25": 1.0, "pm10": 1.4, "pm1_cf1": 0.8, "pm25_cf1": 1.0, "pm10_cf1": 1.4}
    values = {name: round(value * factor, 1) for name, factor in channels.items()}
    return NewReading(
        (t + 2) * 1000, "n1", 1, seq, t, "ntp", 100_000 + t - T0, 60, 58, "b", "pms5003", (),
        {**values, "n03": round(value * 110), "rh": 50.0, "temp": 5.0},
    )  # fmt: skip


def make(folder: Path, draw: random.Random) -> None:
    """A journal that the stream has judged, without any calibration; one for each model comes afterwards."""
    spots = "".join(f"[nodes.{name}]\nlat = {spot.lat}\nlon = {spot.lon}\n" for name, spot in PLACES.items())
    (folder / "nodes.toml").write_text(spots)
    (folder / "calibrations").mkdir()
    make_judged(folder, readings(draw), PLACES)


def small(folder: Path, send: Callable[[str], None]) -> Path:
    """The small network beside two stations, in a journal and, by `send`, in an InfluxDB."""
    folder.mkdir()
    make_site(folder)
    for what in lines(folder):
        in_parts(send, what)
    write_calibrations(folder / "calibrations")
    return folder


def calibrate(folder: Path) -> None:
    for model in ("sds011", "pms5003"):
        write(calibration(model, model), folder / "calibrations")


def configure(folder: Path, influx: str = "enabled = false", more: str = "", stations: str = "") -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f'nodes_file = "{folder}/nodes.toml"\n[journal]\npath = "{folder}/journal.sqlite"\n'
        f'[calibration]\nfolder = "{folder}/calibrations"\n{stations}[influx]\n{influx}\n{more}'
    )
    return file


def lines(folder: Path) -> tuple[list[str], list[str]]:
    """What the gateway writes to InfluxDB: readings, and judgements."""
    with JournalReader(folder / "journal.sqlite") as reader:
        raw = [line_of_row(row) for row in reader.rows_after(0, 1_000_000)]
    with sqlite3.connect(folder / "journal.sqlite") as db:
        _, judged = lines_after(db, 0, 1_000_000)
    return [each for each in raw if each is not None], judged


def by_journal(folder: Path, elsewhere: Path, *words: str, stations: str = "") -> dict[Row, tuple[Any, ...]]:
    """(node, slot, t) -> (qc, pm25_cor, pm10_cor) as `dustline reprocess` over a whole journal gives them."""
    shutil.copytree(folder, elsewhere)
    configure(elsewhere, stations=stations)
    done = CliRunner().invoke(
        main, ["reprocess", *words, "--config", str(elsewhere / "gateway.toml")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return judged_in(elsewhere / "journal.sqlite")


def judged_in(file: Path) -> dict[Row, tuple[Any, ...]]:
    with sqlite3.connect(file) as db:
        return {
            (name, slot, t): (qc, pm25, pm10)
            for name, slot, t, qc, pm25, pm10 in db.execute(
                "SELECT name, slot, t, qc, quality.pm25, quality.pm10 FROM quality"
                " JOIN readings ON readings.id = reading_id JOIN nodes ON nodes.id = node_id"
            )
        }


def prune(folder: Path, upto: int) -> int:
    """Take out what came up to that time (UTC s), and some more; the newest time taken out."""
    with Journal(folder / "journal.sqlite") as journal:
        pruner = Pruner(journal)
        pruner.begin(Bounds(max_bytes=1), [])
        while _oldest(journal) <= upto and pruner.step():
            pass
    return pruned_upto(folder)


def pruned_upto(folder: Path) -> int:
    with sqlite3.connect(folder / "journal.sqlite") as db:
        return int(db.execute("SELECT max(newest_t) FROM gone").fetchone()[0])


def _oldest(journal: Journal) -> int:
    with JournalReader(journal.path) as reader:
        return reader.rows_after(0, 1)[0][1] // 1000


def empty(influx: Influx1) -> None:
    influx.query("DROP DATABASE past")
    influx.query("CREATE DATABASE past")


def in_parts(send: Callable[[str], None], what: Sequence[str]) -> None:
    for at in range(0, len(what), 2000):
        send("\n".join(what[at : at + 2000]))


def influx1(url: str, more: str = "") -> str:
    """The section [influx] of the configuration."""
    return f'enabled = true\napi = "v1"\nurl = "{url}"\ndatabase = "past"\n{more}'


def judged(influx: Influx1) -> dict[Row, tuple[Any, ...]]:
    rows = influx.query('SELECT qc, pm25_cor, pm10_cor, node, slot FROM "reading"', "past")
    return {
        (row["node"], row["slot"], row["time"]): (row["qc"], row["pm25_cor"], row["pm10_cor"]) for row in rows
    }


def raw(influx: Influx1) -> list[dict[str, Any]]:
    judgements = ("qc", "pm25_cor", "pm10_cor")
    return [
        {name: value for name, value in row.items() if name not in judgements}
        for row in influx.query('SELECT * FROM "reading"', "past")
    ]
