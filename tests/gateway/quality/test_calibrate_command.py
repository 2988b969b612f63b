"""`dustline calibrate` from a real journal of a simulated town: files, picture, figures, and plain
refusals."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from gateway.journal import Journal, NewReading
from gateway.journal.reader import JournalReader
from gateway.quality.calibration import Library
from gateway.quality.calibration.collocate import unit_hours
from gateway.quality.calibration.fit import KAPPAS, Rules
from gateway.quality.calibration.formula import FORMS
from gateway.quality.calibration.remote import RemoteRules
from gateway.quality.checks import QC_BITS, Version
from gateway.quality.follow import store
from gateway.quality.follow.reader import QualityReader
from gateway.reading import StoredReading
from simulator.city.light import LightFleet
from simulator.city.models import standard
from simulator.city.scenario import parse
from tests.gateway.batches import batch, new

DAYS = 16
SCENARIO = f"""
name = "calibrate"
seed = 5
start = 2026-01-05T00:00:00Z
days = {DAYS + 2}
[fleet]
nodes = 9
period_s = 900
[[fleet.kit]]
sensors = ["sds011", "bme280"]
share = 8
[[fleet.kit]]
sensors = ["pms5003", "bme280"]
share = 1
[[reference]]
name = "centre"
lat = 52.2193
lon = 21.0047
beside = 1
[[reference]]
name = "south"
lat = 52.1608
lon = 21.0338
beside = 1
[[reference]]
name = "west"
lat = 52.2073
lon = 20.906
beside = 1
"""
SINCE, UNTIL = "2026-01-05", "2026-01-21"


class Town:
    """Nine nodes' readings of 18 days in a journal, three stations' CSV files, and the truth of the last
    two days."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "calibrations"
        self.lights = LightFleet(parse(SCENARIO))
        self.config = home / "gateway.toml"
        self.config.write_text('nodes_file = "nodes.toml"\n[calibration]\nfolder = "calibrations"\n')
        (home / "town.toml").write_text(SCENARIO)
        words = ["--scenario", str(home / "town.toml"), "--hours", str(DAYS * 24), str(home)]
        done = CliRunner().invoke(main, ["sim", "stations", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        self.beside = {node.station: node.name for node in self.lights.nodes if node.station}
        self._fill()

    def _fill(self) -> None:
        block = self.lights.block(0, self.lights.rows)
        split = DAYS * 96
        self.truth = {
            unit.node: np.column_stack([block.ends[split:, column], block.true.pm25[split:, column]])
            for column, unit in enumerate(self.lights.units)
        }
        seen = block.seen
        with Journal(self.home / "dustline-journal.sqlite") as journal:
            for column, unit in enumerate(self.lights.units):
                made = []
                for row, end in enumerate(block.ends[:, column].tolist()):
                    shown = float(seen.pm25[row, column])
                    values = {
                        "pm25": shown,
                        "rh": float(seen.rh[row, column]),
                        "temp": float(seen.temp[row, column]),
                    }
                    if unit.model.startswith("pms"):
                        values["pm25_cf1"] = float(standard(np.array([shown]))[0])
                    made.append(
                        new(
                            row + 1,
                            unit.node,
                            t=end,
                            received_ms=end * 1000,
                            dt=900,
                            model=unit.model,
                            values=values,
                        )
                    )
                journal.commit(batch(*made))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(
            main, ["calibrate", "--config", str(self.config), *words], catch_exceptions=False
        )

    def fit(self, name: str, *words: str) -> Result:
        file = str(self.home / f"{name}.csv")
        unit = ("--node", self.beside[name], "--reference", file, "--since", SINCE, "--until", UNTIL)
        return self.run(*unit, *words)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("calibrate"))


def sds_beside(town: Town) -> list[str]:
    models = {unit.node: unit.model for unit in town.lights.units}
    return [name for name, node in town.beside.items() if models[node] == "sds011"]


def test_from_a_unit_beside_a_station_to_all_the_others(town: Town) -> None:
    """Field, then model, then remote; and a held-out node's readings come nearer to the truth."""
    names = sds_beside(town)
    assert len(names) >= 2
    for name in names:
        done = town.fit(name)
        assert done.exit_code == 0, done.output
        assert "before: slope" in done.stdout
        assert f"{DAYS} days are short" in done.stdout
        made = json.loads((town.folder / f"{town.beside[name]}-a.v1.json").read_text())
        assert made["after"]["rmse"] < made["before"]["rmse"]
        assert made["from"] == "2026-01-21T00:00:00Z"
        assert made["origin"]["references"] == [name]
        assert made["origin"]["hours"] >= 370
        picture = ET.parse(town.folder / f"{town.beside[name]}-a.v1.svg").getroot()
        assert picture.tag.endswith("svg")
        words = " ".join(picture.itertext())
        assert f"RMSE {made['after']['rmse']:.2f}" in words
        assert "corrected, out of fold" in words
    pairs = [word for name in names for word in ("--pair", f"{town.beside[name]}/a={town.home / name}.csv")]
    done = town.run("model", *pairs, "--since", SINCE, "--until", UNTIL)
    assert done.exit_code == 0, done.output
    done = town.run(
        "remote", "--stations", str(town.home / "stations.toml"), "--since", SINCE, "--until", UNTIL
    )
    assert done.exit_code == 0, done.output
    assert "well-mixed hours" in done.stdout
    assert "no calibration of its model (pms5003)" in done.stdout

    library = Library.load(town.folder)
    held = [
        unit.node
        for unit in town.lights.units
        if unit.model == "sds011" and unit.node not in town.beside.values()
    ]
    off = {"raw": [], "corrected": []}
    remote = 0
    with JournalReader(town.home / "dustline-journal.sqlite") as reader:
        for node in held:
            true = {int(t): value for t, value in town.truth[node].tolist()}
            for reading in reader.series(node, min(true), max(true)):
                applied = library.apply(reading)
                assert applied.value is not None, applied.reason
                assert applied.id in library.all
                remote += library.all[applied.id].kind == "remote"
                off["raw"].append(reading.values["pm25"] - true[reading.t or 0])
                off["corrected"].append(applied.value - true[reading.t or 0])
    raw, corrected = (float(np.sqrt(np.mean(np.square(off[name])))) for name in ("raw", "corrected"))
    assert remote > 0
    assert corrected < 0.75 * raw, (raw, corrected)


def test_list_and_show(town: Town) -> None:
    folder = ("--folder", str(town.home / "listed"))
    assert "no such folder" in town.run("list", *folder).stderr
    name = sds_beside(town)[0]
    town.fit(name, *folder, "--name", "mine")
    again = town.fit(name, *folder, "--name", "mine", "--form", "linear", "--from", "2026-02-01T00:00Z")
    assert "mine.v2" in again.stdout
    table = town.run("list", *folder).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["id", "mine.v1", "mine.v2"]
    said = json.loads(town.run("list", "--json", *folder).stdout)
    assert [one["id"] for one in said["calibrations"]] == ["mine.v1", "mine.v2"]
    shown = json.loads(town.run("show", "mine.v2", *folder).stdout)
    assert (shown["form"], shown["from"]) == ("linear", "2026-02-01T00:00:00Z")
    missing = town.run("show", "mine.v3", *folder)
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "no calibration 'mine.v3'" in missing.stderr


def test_what_node_or_checks_speak_against_keeps_hours_out(tmp_path: Path) -> None:
    """One day of the node's flag `stuck`, one of `climate_error`, one that the gateway's checks marked."""
    path, begin = tmp_path / "j.sqlite", 1_767_571_200
    made: list[NewReading] = []
    for row in range(5 * 96):
        flags = ("stuck",) if row < 96 else ("climate_error",) if row < 192 else ()
        t = begin + 900 * (row + 1)
        made.append(new(row + 1, t=t, dt=900, flags=flags, values={"pm25": 5.0, "rh": 50.0, "temp": 1.0}))
    with Journal(path) as journal, JournalReader(path) as reader:
        journal.commit(batch(*made))
        ids = {reading.seq: reading.id for reading in reader.after(0, 1000)}
        marked = [(ids[seq], QC_BITS["neighbours"]) for seq in range(289, 385)]
        marked += [(ids[seq], QC_BITS["humid"]) for seq in range(385, 400)]
        with journal.writing() as db:
            store.write(db, Version("x", "[]"), store.Judgements(qc=marked))
        with QualityReader(path) as judged:
            hours = unit_hours(reader, "n1", "a", begin, begin + 5 * 86400, judged=judged)
    assert np.isfinite(hours.pm).tolist() == [False] * 24 + [True] * 48 + [False] * 24 + [True] * 24
    assert np.isfinite(hours.rh).tolist() == [True] * 24 + [False] * 24 + [True] * 72


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--until", "2026-01-10"), 1, "no calibration was made: too few hours"),
        (("--slot", "b"), 2, "has no readings of"),
        (("--since", "soon"), 2, "write it as 2026-01-05"),
        (("--since", "2026-01-05T00:30Z"), 2, "is not at a full hour"),
        (("--until", "2026-01-01"), 2, "the later one second"),
        (("--form", "magic"), 2, "there are linear, growth"),
        (("--field", "pm10"), 2, "has no hour with 75 % of pm10"),
        (("--to", "2026-01-01"), 2, "to must be after from"),
        (("--field", "n03"), 2, "--field: no 'n03'; there are pm25, pm25_cf1, pm10"),
        (("--name", "My Sensor"), 2, "--name: 'My Sensor'; take a to z, 0 to 9 and -"),
        (("--reference", "/nowhere.csv"), 2, "/nowhere.csv: cannot be read"),
    ],
)
def test_mistakes_are_told_in_a_sentence(town: Town, words: tuple[str, ...], code: int, why: str) -> None:
    done = town.fit(sds_beside(town)[0], "--folder", str(town.home / "none"), *words)
    assert done.exit_code == code, done.output
    assert why in done.stderr
    assert "Traceback" not in done.output
    assert not list((town.home / "none").glob("*.json"))


def test_mistakes_of_the_other_commands(town: Town) -> None:
    for words, why in (
        ((), "which unit, and against what?"),
        (("--node", "n1", "list"), "not both"),
        (("model",), "which units?"),
        (("model", "--pair", "n1"), "write it as n1/a=station.csv"),
        (
            ("remote", "--stations", "/nowhere.toml", "--since", SINCE, "--until", UNTIL),
            "/nowhere.toml: cannot be read",
        ),
    ):
        done = town.run(*words)
        assert done.exit_code == 2, (words, done.output)
        assert why in done.stderr
    two = town.home / "two.toml"
    two.write_text("".join((town.home / "stations.toml").read_text().partition("[west]")[:1]))
    done = town.run("remote", "--stations", str(two), "--since", SINCE, "--until", UNTIL)
    assert (done.exit_code, "names 2 stations; at least 3 are needed" in done.stderr) == (2, True)
    bare = town.home / "bare.toml"
    bare.write_text("")
    done = CliRunner().invoke(main, ["calibrate", "--config", str(bare), "list"])
    assert (done.exit_code, "Set calibration.folder" in done.stderr) == (2, True)


def test_a_reading_that_is_no_sensor_of_the_library_says_why() -> None:
    it = StoredReading(
        1, 0, "warsaw", "n9", 1, 1, 1_767_571_260, "ntp", 1, 60, 1, "a", "sps30", values={"pm25": 1.0}
    )
    assert Library().apply(it).reason == "no calibration of pm25 holds for n9/a (sps30) then"


def test_the_page_names_forms_options_and_limits(repo: Path) -> None:
    page = (repo / "docs" / "calibration.md").read_text()
    for name in FORMS:
        assert f"| `{name}` |" in page
    for option in ("--from", "--to", "--name", "--field", "--form", "--folder"):
        assert f"`{option}`" in page
    rules, remote = Rules(), RemoteRules()
    assert f"fewer than {rules.hours} hours or {rules.days} days" in page
    assert f"within {rules.pm_span:g} ug/m3" in page
    assert f"{remote.hours}\nsuch hours on {remote.days} days" in page
    assert f"at most {100 * remote.station_spread:g} % of it" in page
    assert f"kappa, {min(KAPPAS)} to {max(KAPPAS)}" in page
