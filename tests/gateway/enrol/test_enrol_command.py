"""`dustline gateway enrol`, `replace`, `revoke`, `place`, `enrolled`, as typed, at a real Mosquitto."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import gateway
from gateway.config import load
from gateway.enrol.kit import decode
from gateway.places import Place, grid_cell
from tests.gateway.enrol.guarded import GATEWAY, lets_in


class Typed:
    """Commands with a configuration file."""

    def __init__(self, guarded: Any, directory: Path) -> None:
        self.port = guarded.port
        self.config = directory / "gateway.toml"
        enrol = {
            **guarded.enrol,
            "store": "enrolment.sqlite",
            "host": "127.0.0.1",
            "port": guarded.port,
            "tls": False,
        }
        lines = [
            f"{key} = {json.dumps(value if isinstance(value, (bool, int)) else str(value))}"
            for key, value in enrol.items()
        ]
        broker = [f"port = {guarded.port}", *(f'{key} = "{value}"' for key, value in GATEWAY.items())]
        self.config.write_text("\n".join(["[broker]", *broker, "[enrol]", *lines]) + "\n")

    def run(self, *words: str | Path) -> Any:
        return CliRunner().invoke(gateway, [*map(str, words), "--config", str(self.config)])

    def kits(self, file: Path) -> dict[str, dict[str, Any]]:
        with file.open(newline="") as rows:
            return {row["node"]: decode(row["kit_code"]) for row in csv.DictReader(rows)}


@pytest.fixture
def typed(guarded_by: Callable[[str], Any], tmp_path: Path) -> Typed:
    return Typed(guarded_by("files"), tmp_path)


def test_enrol_replace_and_revoke(typed: Typed, tmp_path: Path) -> None:
    kits = tmp_path / "kits.csv"
    done = typed.run("enrol", "praga-1", "--at", "52.2371,20.9583", "--label", "Żłobek", "-o", kits)
    assert done.exit_code == 0, done.output
    assert done.stdout == "praga-1\n"
    assert kits.stat().st_mode & 0o777 == 0o600
    first = typed.kits(kits)["praga-1"]
    assert lets_in(typed.port, "praga-1", first["secret"])
    assert first["secret"] not in done.output
    assert load(typed.config).places == {
        "praga-1": Place(label="Żłobek", lat=52.2371, lon=20.9583, precision="grid")
    }

    # A file with kit codes is not written over, and then nothing is done.
    refused = typed.run("replace", "praga-1", "-o", kits)
    assert (refused.exit_code, "exists already" in refused.output) == (1, True)
    assert lets_in(typed.port, "praga-1", first["secret"])

    done = typed.run("replace", "praga-1", "-o", tmp_path / "again.csv")
    assert done.exit_code == 0, done.output
    second = typed.kits(tmp_path / "again.csv")["praga-1"]
    assert not lets_in(typed.port, "praga-1", first["secret"])
    assert lets_in(typed.port, "praga-1", second["secret"])
    assert first["portal"] != second["portal"]
    assert load(typed.config).public_places["praga-1"].lat == grid_cell(52.2371, 20.9583).lat

    listed = json.loads(typed.run("enrolled", "--json").output)
    assert [(node["name"], node["state"], node["precision"]) for node in listed["nodes"]] == [
        ("praga-1", "enrolled", "grid")
    ]
    assert typed.run("revoke", "praga-1").output == "praga-1: revoked\n"
    assert not lets_in(typed.port, "praga-1", second["secret"])
    assert load(typed.config).places == {}
    assert "revoked" in typed.run("enrolled").output


def test_many_at_once(typed: Typed, tmp_path: Path) -> None:
    assert typed.run("enrol", "--count", "3", "-o", tmp_path / "three.csv").exit_code == 0
    three = typed.kits(tmp_path / "three.csv")
    assert len(three) == 3
    assert all(name.startswith("warsaw-") for name in three)
    table = tmp_path / "nodes.csv"
    table.write_text(
        "name,label,lat,lon,precision,district\n"
        "praga-1,Roof,52.25,21.04,exact,\n"
        "wola-2,,,,,\n"
        "wola-3,Somewhere,,,,Wola\n",
        encoding="utf-8-sig",
    )
    done = typed.run("enrol", "--csv", table, "-o", tmp_path / "table.csv")
    assert done.exit_code == 0, done.output
    kits = typed.kits(tmp_path / "table.csv")
    assert list(kits) == ["praga-1", "wola-2", "wola-3"]
    assert len({kit["secret"] for kit in (*kits.values(), *three.values())}) == 6
    for name, kit in kits.items():
        assert lets_in(typed.port, name, kit["secret"])
    public = load(typed.config).public_places
    assert {name: place.precision for name, place in public.items()} == {
        "praga-1": "exact",
        "wola-3": "district",
    }


def test_a_place_is_moved_made_coarser_and_taken_away(typed: Typed, tmp_path: Path) -> None:
    typed.run("enrol", "praga-1", "--at", "52.25,21.04", "--precision", "exact", "-o", tmp_path / "kits.csv")
    assert load(typed.config).public_places["praga-1"].lat == 52.25
    assert (
        typed.run("place", "praga-1", "--district", "Praga-Północ").output == "praga-1: shown as district\n"
    )
    settings = load(typed.config)
    assert settings.places == {}
    assert settings.public_places["praga-1"].lat == 52.259
    assert typed.run("place", "praga-1", "--none").exit_code == 0
    assert load(typed.config).public_places == {}
    assert typed.run("place", "nobody", "--none").exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["enrol"], 2, "give names, or --count, or --csv"),
        (["enrol", "a", "--count", "2"], 2, "give names, or --count, or --csv"),
        (["enrol", "a", "a"], 2, "twice"),
        (["enrol", "a", "b", "--at", "52,21"], 2, "for one NAME"),
        (["enrol", "a", "--at", "Warsaw"], 1, "write it as LAT,LON"),
        (["enrol", "a", "--at", "152,21"], 1, "lat: "),
        (["enrol", "a", "--district", "Nowhere"], 1, "no district 'Nowhere'"),
        (["enrol", "A"], 1, "is no name of a node"),
        (["replace", "a"], 1, "is no user of the broker"),
        (["revoke", "a"], 1, "is not known"),
        (["place", "a"], 2, "give --at or --district, or --none"),
    ],
)
def test_mistakes(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], code: int, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = typed.run(*words)
    assert (done.exit_code, why in done.output) == (code, True), done.output
    assert "Traceback" not in done.output
    # No empty file is left behind, nor an entry.
    assert list(tmp_path.glob("dustline-kits*")) == []
    assert (tmp_path / "passwords").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("a;b\n", "its first line must name columns"),
        ("name,lat,lon\na,52,21\na,52,21\n", "line 3: that name was there"),
        ("name,lat,lon\na,52,21,x\n", "line 2: too many columns"),
        ("name,lat,lon\na,fifty,21\n", "line 2: lat and lon are degrees"),
        ("name,lat,lon,precision\na,52,21,close\n", "line 2: precision: "),
        ("name\n", "names nobody"),
    ],
)
def test_mistakes_in_a_table(typed: Typed, tmp_path: Path, table: str, why: str) -> None:
    file = tmp_path / "nodes.csv"
    file.write_text(table)
    done = typed.run("enrol", "--csv", file, "-o", tmp_path / "kits.csv")
    assert (done.exit_code, why in done.output) == (1, True), done.output
    assert not (tmp_path / "kits.csv").exists()


def test_enrolment_that_is_off_says_how_to_switch_it_on(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("")
    out = str(tmp_path / "kits.csv")
    done = CliRunner().invoke(gateway, ["enrol", "a", "-o", out, "--config", str(config)])
    assert (done.exit_code, 'set broker = "files" or "dynsec"' in done.output) == (1, True)
    config.write_text('[enrol]\nstore = "gateway.toml"\n')
    done = CliRunner().invoke(gateway, ["enrolled", "--config", str(config)])
    assert (done.exit_code, "enrol.store" in done.output) == (2, True), done.output
