"""`dustline index` and `dustline correct` as their user meets them: one JSON object, or a sentence and exit
code 2.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dustline.cli import main
from gateway.quality.corrections import CORRECTIONS
from gateway.quality.indices import INDICES


def said(*words: str) -> dict[str, Any]:
    """The one JSON object of a command that went well."""
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    [line] = done.stdout.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def refused(*words: str) -> str:
    """The message of a wrong command line."""
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def rows_of(repo: Path, name: str) -> list[list[str]]:
    with (repo / "tests" / "vectors" / name).open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_us_aqi_vectors(repo: Path) -> None:
    for value, index in rows_of(repo, "us-aqi-2024-pm25.csv"):
        assert said("index", "us-aqi-2024", value)["value"] == int(index)


def test_nowcast_vectors(repo: Path) -> None:
    for hours, expected, _ in rows_of(repo, "nowcast-pm25.csv"):
        found = said("index", "nowcast", hours)
        assert found["value"] == (None if expected == "none" else float(expected))
        assert ("reason" in found) == (expected == "none")


def test_epa_vectors(repo: Path) -> None:
    for value, rh, expected in rows_of(repo, "purpleair-epa-2021.csv"):
        assert said("correct", "epa-2021", "--pm25", value, "--rh", rh)["value"] == float(expected)


def test_every_result_has_name_version_date_and_source() -> None:
    about = {"value", "name", "version", "effective", "source", "source_seen"}
    for name in INDICES.names():
        found = said("index", name, "12,12,12" if name == "nowcast" else "12")
        assert about <= found.keys()
        assert (found["name"], found["version"]) == (name, INDICES.pick(name).version)
        assert found["source"]
    for name in CORRECTIONS.names():
        found = said("correct", name, "--pm25", "12", "--rh", "40")
        assert about <= found.keys()
        assert found["name"] == name


def test_categories_and_bands() -> None:
    found = said("index", "us-aqi-2024", "35.499")
    assert (found["category"], found["band"], found["used"]) == ("Moderate", [9.1, 35.4], 35.4)
    assert said("index", "us-aqi-2024", "60", "--pollutant", "pm10")["value"] == 53
    assert said("index", "eu-2024", "500")["band"] == [141, None]
    assert said("index", "eu-old", "20.1")["category"] == "moderate"
    assert said("index", "eu-old", "801") | {"value": None} == said("index", "eu-old", "801")
    assert said("index", "gios", "12")["category"] == "bardzo dobry"
    assert said("index", "who-2021", "30")["value"] == 2
    assert said("index", "who-2021", "30", "--period", "annual")["value"] == 6


def test_the_date_picks_the_entry() -> None:
    assert said("index", "gios", "78", "--date", "2025-05-31")["value"] == 5
    assert said("index", "gios", "78", "--date", "2025-06-01")["value"] == 4
    assert said("index", "gios", "78", "--entry", "before-2025")["value"] == 5
    assert said("index", "us-aqi-2024", "300", "--entry", "two-hazardous-rows")["value"] == 375
    assert "2024-05-06" in refused("index", "us-aqi-2024", "5", "--date", "2024-05-05")
    assert "write it as" in refused("index", "us-aqi-2024", "5", "--date", "6 May 2024")
    assert "before-2025, 2025-06" in refused("index", "gios", "5", "--entry", "x")
    assert "did not hold yet" in refused(
        "correct", "epa-2021", "--pm25", "1", "--rh", "1", "--date", "2020-12-31"
    )


def test_lists() -> None:
    listed = said("index", "--list")["entries"]
    assert [(entry["name"], entry["version"]) for entry in listed] == [
        (e.name, e.version) for e in INDICES.entries()
    ]
    assert sum(entry["alternative"] for entry in listed) == 2
    corrections = {entry["name"]: entry for entry in said("correct", "--list")["entries"]}
    assert corrections["epa-2021"]["models"] == ["pms5003"]
    assert "stands alone" in refused("index", "--list", "gios")
    assert "stands alone" in refused("correct", "--list", "--pm25", "3")


def test_a_correction_that_is_not_for_it_gives_null_and_the_reason() -> None:
    for words in (("--pm25-cf1", "10"), ("--pm10", "10"), ("--pm25", "10", "--model", "sds011")):
        found = said("correct", "epa-2021", *words, "--rh", "50")
        assert found["value"] is None
        assert "not for" in found["reason"]


def test_kappa_and_its_settings() -> None:
    found = said("correct", "kappa", "--pm25", "38", "--rh", "80")
    assert (found["value"], found["name"], found["growth"]) == (22, "kappa-koehler", 1.727273)
    assert said("correct", "kappa", "--pm25", "38", "--rh", "80", "--density", "1.2")["value"] == 19
    assert said("correct", "kappa", "--pm10", "38", "--rh", "99", "--rh-cap", "80")["value"] == 22
    assert said("correct", "kappa-koehler", "--pm25", "38", "--rh", "80", "--kappa", "0")["value"] == 38
    assert "not within 0 to 2" in refused("correct", "kappa", "--pm25", "38", "--rh", "80", "--kappa", "-0.1")
    assert "not within 0 to 99" in refused(
        "correct", "kappa", "--pm25", "38", "--rh", "80", "--rh-cap", "100"
    )
    assert "no settings" in refused("correct", "epa-2021", "--pm25", "38", "--rh", "80", "--kappa", "0.1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("us-aqi-2024", "-5"), "-5 ug/m3 is negative"),
        (("us-aqi-2024", "-.5"), "-0.5 ug/m3 is negative"),
        (("us-aqi-2024", "nan"), "'nan' is not a number"),
        (("us-aqi-2024", "inf"), "'inf' is not a number"),
        (("us-aqi-2024", "1e999"), "beyond what can be measured"),
        (("us-aqi-2024", "1" * 5000), "beyond what can be measured"),
        (("us-aqi-2024", "x" * 5000), "..."),
        (("us-aqi-2024", "100001"), "at most 100000"),
        (("us-aqi-2024", "35,4"), "write the decimal point as a point"),
        (("us-aqi-2024", ""), "'' is not a number"),
        (("us-aqi-2024", "١٢"), "is not a number"),
        (("us-aqi-2024", "1_000"), "is not a number"),
        (("us-aqi-2024", "\x1b[31m"), "is not a number"),
        (("us-aqi-2024",), "which index, and of what?"),
        ((), "which index, and of what?"),
        (("us-aqi", "5"), "no 'us-aqi'; there are us-aqi-2024, nowcast"),
        (("us-aqi-2024", "--wrong"), "no such option: '--wrong'"),
        (("us-aqi-2024", "5", "6"), "unexpected extra argument"),
        (("us-aqi-2024", "5", "--pollutant", "o3"), "'o3' is not one of"),
        (("us-aqi-2024", "5", "--period", "annual"), "--period is for who-2021 only"),
        (("nowcast", "1,x,3"), "hour 2 of the list: 'x' is not a number"),
        (("nowcast", "-1,2"), "-1 ug/m3 is negative"),
        (("nowcast", ",".join(["1"] * 13)), "13 hours; the NowCast takes the 12 newest"),
    ],
)
def test_mistakes_of_index(words: tuple[str, ...], message: str) -> None:
    found = refused("index", *words)
    assert message in found
    assert len(found) < 400
    assert "\x1b" not in found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which correction?"),
        (("x", "--pm25", "1"), "no 'x'; there are none, epa-2021, kappa-koehler"),
        (("epa-2021", "--rh", "50"), "give one value"),
        (("epa-2021", "--pm25", "1", "--pm10", "2", "--rh", "50"), "there are 2"),
        (("epa-2021", "--pm25", "10"), "epa-2021 needs the humidity: --rh 50"),
        (("epa-2021", "--pm25", "-10", "--rh", "50"), "-10 ug/m3 is negative"),
        (("epa-2021", "--pm25", "10", "--rh", "-1"), "--rh: -1 is not within 0 to 100"),
        (("epa-2021", "--pm25", "10", "--rh", "nan"), "--rh: 'nan' is not a number"),
        (("epa-2021", "--pm25-cf1", "x", "--rh", "5"), "--pm25-cf1: 'x' is not a number"),
        (("epa-2021", "--pm25", "10", "--rh", "50", "--wrong"), "No such option"),
    ],
)
def test_mistakes_of_correct(words: tuple[str, ...], message: str) -> None:
    assert message in refused("correct", *words)


@given(st.lists(st.text(max_size=12), max_size=3))
@settings(max_examples=150)
def test_garbage_is_a_message_and_never_a_traceback(words: list[str]) -> None:
    for command in ("index", "correct"):
        done = CliRunner().invoke(main, [command, *words], catch_exceptions=False)
        assert done.exit_code in (0, 2)


def test_as_a_process() -> None:
    """What `dustline` itself answers, with its exit codes."""
    command = [sys.executable, "-m", "dustline.cli", "index", "us-aqi-2024"]
    good = subprocess.run([*command, "35.4"], capture_output=True, text=True, timeout=60)
    assert (good.returncode, json.loads(good.stdout)["value"]) == (0, 100)
    bad = subprocess.run([*command, "-5"], capture_output=True, text=True, timeout=60)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "Error: us-aqi-2024: -5 ug/m3 is negative: a concentration is 0 or more\n"
