"""docs/sensors.md and docs/wiring: complete, as the script makes them, and what the firmware accepts."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from dustline import firmware_path
from simulator import power_data
from tests.support import REPO

firmware_path.importable()
sys.path.append(str(REPO / "scripts"))
wiring: Any = importlib.import_module("wiring")
data: Any = importlib.import_module("wiring_data")

PAGE = REPO / "docs" / "sensors.md"
PICTURES = sorted((REPO / "docs" / "wiring").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
CHIPS = {"esp32": "", "esp32s3": "S3", "esp32c3": "C3"}


def node(name: str) -> Any:
    return importlib.import_module(f"node.{name}")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def snippets() -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page(), re.DOTALL)]


# --- the page


def models() -> tuple[str, ...]:
    drivers = node("drivers")
    return drivers.PM_MODELS + drivers.CLIMATE_MODELS


def test_every_model_of_the_firmware_is_in_the_page_with_a_snippet() -> None:
    rows = set(re.findall(r"^\|[^|]+\| `(\w+)` \|", page(), re.MULTILINE))
    assert set(models()) <= rows
    assert {entry["model"] for snippet in snippets() for entry in snippet["sensors"]} == set(models())
    assert {model for sensor in data.SENSORS for model in sensor.models} == set(models())


def test_the_tables_currents_are_those_that_sim_power_reckons_with() -> None:
    """And they are cited there."""
    rows = {row.split("`")[1]: row for row in page().splitlines() if re.match(r"\|[^|]+\| `\w+` \|", row)}
    assert set(rows) == set(power_data.SENSORS)
    for model, figures in power_data.SENSORS.items():
        cells = [cell.strip() for cell in rows[model].split("|")]
        supply, measuring, asleep, life = cells[5:9]
        assert supply.startswith(f"{figures.supply.value:g} V")
        for cell, figure in ((measuring, figures.active), (asleep, figures.sleep)):
            number = re.search(r"([\d.]+) (mA|uA)", cell)
            if number is None:
                assert not figures.sleeps
                continue
            told = float(number[1]) / (1000 if number[2] == "uA" else 1)
            assert told == pytest.approx(figure.value, rel=0.2), (model, cell)
        if figures.life is None:
            assert life == ""
        else:
            years = re.search(r"(\d+) years", life)
            hours = int(years[1]) * power_data.YEAR_H if years else int(re.sub(r"\D", "", life))
            assert hours == figures.life.value


def test_every_state_of_a_sensor_that_is_missing_is_explained() -> None:
    for state in ("silent", "swapped", "wrong_speed", "not_found", "bus_stuck", "failed"):
        assert f"| `{state}` |" in page()


def test_every_flag_is_explained() -> None:
    schema = (REPO / "tests" / "contract" / "schema.json").read_text(encoding="utf-8")
    flags = re.search(r'"enum": \[([^\]]*"no_frame"[^\]]*)\]', schema)
    assert flags
    names = re.findall(r'"(\w+)"', flags[1])
    assert "climate_stuck" in names
    for flag in names:
        assert f"| `{flag}` |" in page()


def pins_of(snippet: dict[str, Any]) -> set[int]:
    names = ("tx", "rx", "sda", "scl", "pin", "power")
    return {entry[name] for entry in snippet["sensors"] for name in names if name in entry}


def test_snippets_use_safe_pins_of_one_board() -> None:
    for snippet in snippets():
        assert any(pins_of(snippet) <= set(board.safe) for board in data.BOARDS), snippet


def on_board(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the firmware take this interpreter for the MicroPython of a board."""
    implementation = ModuleType("implementation")
    vars(implementation).update(vars(sys.implementation))
    vars(implementation)["_machine"] = f"Generic ESP32{CHIPS[key]} module with ESP32{CHIPS[key]}"
    monkeypatch.setattr(sys, "implementation", implementation)


@pytest.mark.parametrize("number", range(len(snippets())))
def test_the_firmware_accepts_each_snippet(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {"node": "a", "broker": {"host": "b"}, **snippets()[number]}
    on_board(next(board.key for board in data.BOARDS if pins_of(raw) <= set(board.safe)), monkeypatch)
    config = node("config_file").parse(raw)
    assert config.problems == []
    assert config.sensors == raw["sensors"]


def test_links_lead_somewhere_and_every_picture_is_shown() -> None:
    links = set(re.findall(r"\]\((wiring/[^)]+)\)", page()))
    assert links == {f"wiring/{path.name}" for path in PICTURES}


@pytest.mark.parametrize("name", ["volunteers.md", "developers.md"])
def test_the_page_is_linked(name: str) -> None:
    assert "](sensors.md)" in (REPO / "docs" / name).read_text(encoding="utf-8")


# --- pins


def numbers(text: str) -> set[int]:
    """`0, 2, 6-11` as numbers."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize("board", data.BOARDS, ids=lambda board: board.key)
def test_safe_pins_and_the_others_are_apart(board: Any) -> None:
    avoided = [numbers(pins) for pins, _ in board.avoid]
    assert not set(board.safe) & set().union(*avoided)
    assert set(board.use.values()) <= set(board.safe)
    assert len(set(board.use.values())) == len(board.use)


@pytest.mark.parametrize("board", data.BOARDS, ids=lambda board: board.key)
def test_the_table_is_the_firmwares(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its usual pins are those named here, and it refuses none of the safe ones."""
    on_board(board.key, monkeypatch)
    check = node("config_sensors")
    uart, i2c = check.check("auto", [])
    assert (uart["tx"], uart["rx"]) == (board.use["tx"], board.use["rx"])
    assert (i2c["sda"], i2c["scl"]) == (board.use["sda"], board.use["scl"])
    for tx in board.safe:
        rx = next(pin for pin in board.safe if pin != tx)
        problems: list[str] = []
        check.check([{"slot": "a", "model": "sds011", "uart": 1, "tx": tx, "rx": rx}], problems)
        assert problems == []
    for pins in (pins for pins, why in board.avoid if "UART 0" in why or why == "flash memory"):
        for pin in numbers(pins):
            problems = []
            check.check([{"slot": "a", "model": "dht22", "pin": pin}], problems)
            assert "left out" in problems[0], pin


# --- the pictures


def test_the_script_makes_what_is_in_the_repository(tmp_path: Path) -> None:
    script = [sys.executable, str(REPO / "scripts" / "wiring.py")]
    subprocess.run([*script, "--out", str(tmp_path)], check=True, capture_output=True, timeout=30)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in PICTURES}
    assert len(made) == len(data.SENSORS) * len(data.BOARDS)


def test_the_pages_tables_are_the_scripts() -> None:
    assert wiring.filled(page()) == page()
    assert wiring.pin_tables() in page()


def boxes(root: ElementTree.Element) -> list[tuple[str, float, float, float, float]]:
    """Each text with its left, top, right and bottom; letters are 0.6 of their size wide (DejaVu: less)."""
    found = []
    for text in root.iter(f"{SVG}text"):
        words = text.text or ""
        size = float(text.attrib["font-size"])
        width = 0.6 * size * len(words)
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        left = {"start": x, "middle": x - width / 2, "end": x - width}[text.attrib["text-anchor"]]
        found.append((words, left, y - 0.8 * size, left + width, y + 0.2 * size))
    return found


@pytest.mark.parametrize("lang", ["en", "pl"])
def test_pictures_are_xml_with_words_and_without_overlaps(lang: str) -> None:
    for name, text in wiring.pictures(lang).items():
        root = ElementTree.fromstring(text)
        width, height = (float(root.attrib[side]) for side in ("width", "height"))
        assert root.findtext(f"{SVG}title")
        assert root.findtext(f"{SVG}desc")
        texts = boxes(root)
        for at, (words, left, top, right, bottom) in enumerate(texts):
            assert left >= 0 and right <= width and top >= 0 and bottom <= height, (name, words)  # noqa: PT018
            for other, l2, t2, r2, b2 in texts[at + 1 :]:
                apart = right <= l2 or r2 <= left or bottom <= t2 or b2 <= top
                assert apart, f"{name}: {words!r} and {other!r}"


def test_pictures_in_polish_leave_no_english_word() -> None:
    for name, text in wiring.pictures("pl").items():
        texts = " ".join(words for words, *_ in boxes(ElementTree.fromstring(text)))
        for word in ("ground", "leave", "pins", "the", "board", "open"):
            assert not re.search(rf"\b{word}\b", texts), (name, word)


def test_each_wire_ends_at_the_named_pins() -> None:
    """A wire of a picture runs level from the board's pin to the sensor's, which are named beside it."""
    for sensor in data.SENSORS:
        for board in data.BOARDS:
            root = ElementTree.fromstring(wiring.svg(board, sensor))
            rows: dict[float, list[str]] = {}
            for text in root.iter(f"{SVG}text"):
                rows.setdefault(float(text.attrib["y"]) - 5, []).append(text.text or "")
            wires = [path for path in root.iter(f"{SVG}path") if "wire" in path.attrib["class"]]
            assert len(wires) == sum(bool(pin.to) for pin in sensor.pins)
            for path in wires:
                y = float(path.attrib["d"].split("H")[0].split()[1])
                number = next(int(word) for word in rows[y] if word.isdigit())
                pin = sensor.pins[number - 1]
                assert pin.name in rows[y]
                assert wiring.board_pin(board, pin.to) in rows[y]
                assert path.attrib["class"].endswith(f"w{pin.to}")


def test_what_is_connected_makes_sense() -> None:
    """Supply and ground once each at least; the signals of the bus; SEL low selects I2C on an SPS30."""
    needs = {"uart": {"tx", "rx"}, "i2c": {"sda", "scl"}, "pin": {"data"}}
    for sensor in data.SENSORS:
        wired = {pin.to for pin in sensor.pins if pin.to}
        assert wired - {"5v", "3v3", "gnd"} == needs[sensor.bus]
        assert "gnd" in wired
        assert len(wired & {"5v", "3v3"}) == 1
    select = {
        sensor.key: next(pin.to for pin in sensor.pins if pin.name == "SEL")
        for sensor in data.SENSORS
        if any(pin.name == "SEL" for pin in sensor.pins)
    }
    assert select == {"sps30-uart": "", "sps30-i2c": "gnd", "sen5x": "gnd"}
