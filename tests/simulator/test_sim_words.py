"""--sensor and --fault of `dustline sim node`, and what config.json says of the sensors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.node import SimNode
from simulator.options import Fitted, NodeOptions, fit
from simulator.sensor_words import fit_all, parse_fault
from simulator.sensors import MODELS

UART_A = {"slot": "a", "model": "sds011", "uart": 1, "tx": 17, "rx": 16}


def node(directory: Path, options: NodeOptions) -> SimNode:
    """Never started: its firmware is nothing."""
    firmware = directory / "firmware"
    firmware.mkdir(exist_ok=True)
    (firmware / "main.py").write_text("")
    return SimNode(directory, options, lambda _: (20.0, 50.0, 90.0), firmware=firmware)


@pytest.mark.parametrize(
    ("words", "auto", "config"),
    [
        (["sds011"], False, [UART_A]),
        (
            ["sds011", "pms5003", "bme280"],
            False,
            [
                UART_A,
                {"slot": "b", "model": "pms5003", "uart": 2, "tx": 33, "rx": 32},
                {"slot": "c", "model": "bme280", "i2c": 0, "sda": 21, "scl": 22},
            ],
        ),
        (
            ["pms7003@2", "sps30@i2c1", "dht22@5"],
            True,
            [
                {"slot": "a", "model": "auto", "uart": 2, "tx": 33, "rx": 32},
                {"slot": "b", "model": "auto", "i2c": 1, "sda": 26, "scl": 27},
                {"slot": "c", "model": "dht22", "pin": 5},
            ],
        ),
        (
            ["sds011@2", "sps30"],
            False,
            [UART_A | {"uart": 2, "tx": 33, "rx": 32}, UART_A | {"slot": "b"} | {"model": "sps30"}],
        ),
        (
            ["sps30@i2c", "sht4x"],
            False,
            [
                {"slot": "a", "model": "sps30", "i2c": 0, "sda": 21, "scl": 22},
                {"slot": "b", "model": "sht4x", "i2c": 0, "sda": 21, "scl": 22},
            ],
        ),
    ],
)
def test_words_become_sensors(words: list[str], auto: bool, config: list[dict[str, object]]) -> None:
    fitted = fit_all(words, auto)
    assert NodeOptions("n", sensors=fitted).config()["sensors"] == config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["xyz"], "no emulator for sensor 'xyz'; there are: bme280,"),
        (["sds011@3"], "sds011@3: the board has UART 1 and 2"),
        (["sps30@i2c2"], "sps30@i2c2: the board has I2C 0 and 1"),
        (["sds011@i2c"], "not on bus 'i2c'; it is on: uart"),
        (["sds011@"], "behind the @ comes a number"),
        (["sds011@x1"], "behind the @ comes a number"),
        (["sds011", "pms5003@1"], "pms5003@1: pin 16 has another sensor already"),
        (["sds011", "dht22@17"], "dht22@17: pin 17 has another sensor already"),
        (["dht22@99"], "the board's pins are 0 to 33"),
        (["sds011"] * 3, "the board's UARTs are all taken"),
        (["sps30@i2c", "sen55"], "I2C bus 0 has a sps30 at address 0x69 already; put one on the other bus"),
        (["bme280", "sds011", "bmp280"], "bmp280@i2c1"),
        (["bme280"] * 27, "27 sensors are more than a board holds"),
    ],
)
def test_words_that_make_no_sense_are_refused_in_words(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_all(words)


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("a:clogged", "clogged", True),
        ("a:bit_flip=0.25", "bit_flip", 0.25),
        ("a:stuck=off", "stuck", False),
        ("b:nack=yes", "nack", 1.0),
    ],
)
def test_a_fault_strikes_its_device(tmp_path: Path, word: str, name: str, value: object) -> None:
    fitted = fit_all(["sds011", "sen55"])
    one = node(tmp_path, NodeOptions("n", sensors=fitted))
    fault = parse_fault(word, fitted)
    assert fault.wired(fitted) == fitted
    one.change(fault.slot, fault.strike)
    assert getattr(one.devices[word[0]].faults, name) == value
    other = one.devices["b" if word[0] == "a" else "a"]
    assert getattr(other.faults, name) in (False, 0.0)


def test_faults_of_the_wiring() -> None:
    fitted = fit_all(["sds011", "pms5003"])
    for word in ("a:baud=19200", "b:swapped"):
        fitted = parse_fault(word, fitted).wired(fitted)
    assert (fitted[0].baud, fitted[0].swapped) == (19200, False)
    assert (fitted[1].baud, fitted[1].swapped) == (None, True)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("clogged", "begins with a slot and a colon, as in a:mute; the slots are a, b"),
        ("z:clogged", "the slots are a, b"),
        ("a:broken", "no fault 'broken'; there are mute, stuck,"),
        ("a:bit_flip=often", "'often' is not a number"),
        ("a:bit_flip=1.5", "a probability is 0 to 1"),
        ("a:bit_flip=nan", "a probability is 0 to 1"),
        ("a:baud=0", "a speed is 300 to 1000000 baud"),
        ("b:baud=9600", "sen55 in slot b, on an I2C bus, cannot have baud"),
        ("a:nack", "sds011 in slot a, on a UART, cannot have nack"),
        ("b:garbage", "sen55 in slot b, on an I2C bus, cannot have garbage"),
        ("c:swapped", "dht22 in slot c, on one pin, cannot have swapped"),
        ("c:clogged", "dht22 in slot c, on one pin, cannot have clogged"),
    ],
)
def test_faults_that_do_not_exist_are_refused_in_words(word: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_fault(word, fit_all(["sds011", "sen55", "dht22"]))


def test_what_is_configured_may_differ_from_what_is_there() -> None:
    fitted = (
        Fitted(
            "a", "pms5003", configured="auto", mode="passive", power=25, power_on=0, swapped=True, baud=4800
        ),
        Fitted("b", "sps30", i2c=0, sda=4, scl=5, address=0x70),
    )
    assert NodeOptions("n", sensors=fitted).config()["sensors"] == [
        UART_A | {"model": "auto", "mode": "passive", "power": 25, "power_on": 0},
        {"slot": "b", "model": "sps30", "i2c": 0, "sda": 4, "scl": 5, "address": 0x70},
    ]
    assert NodeOptions("n", sensors=fitted, auto=True).config()["sensors"] == "auto"


@pytest.mark.parametrize(("model", "bus"), list(MODELS))
def test_every_model_can_be_fitted_alone(tmp_path: Path, model: str, bus: str) -> None:
    (entry,) = NodeOptions("n", sensors=(fit(model, bus=bus),)).config()["sensors"]
    assert bus in entry
    one = node(tmp_path, NodeOptions("n", sensors=(fit(model, bus=bus),)))
    assert one.devices["a"].model == model
    assert ("a" in one.lines) == (bus == "uart")


def test_two_of_a_model_are_two_units_in_the_same_air(tmp_path: Path) -> None:
    def measured(seed: int) -> list[bytes]:
        options = NodeOptions("n", seed=seed, sensors=fit_all(["sds011", "sds011"]))
        two = node(tmp_path, options)
        for line in two.lines.values():
            line.sensor.power(True, 0.0)
        return [line.sensor.advance(30.0) for line in two.lines.values()]

    one, other = measured(1)
    assert one != other
    assert [one, other] == measured(1)
    assert one not in measured(2)


def test_a_slot_cannot_be_taken_twice(tmp_path: Path) -> None:
    options = NodeOptions("n", sensors=(fit("sds011"), fit("bme280")))
    with pytest.raises(ValueError, match="two sensors have the same slot"):
        node(tmp_path, options)


def test_devices_of_one_address_go_on_two_buses() -> None:
    one, other = fit_all(["sps30@i2c", "sen55@i2c1"])
    assert (one.i2c, other.i2c) == (0, 1)


@pytest.mark.parametrize("words", [["--sensor", "sds012"], ["--fault", "a:rain"], ["--name", "../Node"]])
def test_the_command_line_says_what_is_wrong_without_a_traceback(words: list[str]) -> None:
    command = [sys.executable, "-c", "from simulator.cli import sim; sim()", "node", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert f"Invalid value for {words[0]}" in done.stderr
    assert "Traceback" not in done.stderr
