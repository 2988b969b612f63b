"""Drivers, sampler and measurement reach the hardware only through what they are given."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from node.drivers import CLIMATE_MODELS, PM_MODELS, make_driver

NODE = Path(__file__).resolve().parents[2] / "firmware" / "node"
PURE = [*sorted((NODE / "drivers").glob("*.py"))]
PURE += [NODE / f"{name}.py" for name in ("duty", "frames", "sampler", "measure")]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.Import):
            names.update(alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            names.add("." * item.level + (item.module or ""))
    return names


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_no_hardware_no_clock_no_files(path: Path) -> None:
    outside = {name for name in imported(path) if name != "node" and not name.startswith((".", "node."))}
    assert outside <= {"micropython", "struct"} | ({"asyncio"} if path.stem == "measure" else set())


def test_there_are_drivers_to_look_at() -> None:
    assert {"sds011", "plantower", "pmsa003i", "measure"} <= {path.stem for path in PURE}


EVERY = [(model, "uart") for model in (*PM_MODELS[:7], "sps30")]
EVERY += [(model, "i2c") for model in (*PM_MODELS[7:], *CLIMATE_MODELS) if model != "dht22"]
EVERY += [("dht22", "pin")]


@pytest.mark.parametrize(("model", "bus"), EVERY)
def test_every_driver_offers_what_the_node_asks_for(model: str, bus: str) -> None:
    driver: Any = make_driver(model, bus)
    assert driver.bus == bus
    assert driver.model == model or (driver.model, model) == ("bme280", "bmp280")  # which the chip tells
    assert (driver.id, driver.fw, driver.climate_flag) == (None, None, None)
    assert (driver.frames, dict(driver.rejects), driver.retries) == (0, {}, 0)
    driver.reset()
    if bus == "uart":
        assert driver.feed(b"") == []
        assert driver.baud in (9600, 115200)
        assert driver.rxbuf > 128  # what the chip itself needs
    if bus == "i2c":
        assert driver.addresses
        assert set(driver.addresses) <= set(range(8, 120))
    if model in PM_MODELS:
        assert driver.ceiling
        assert isinstance(driver.warmup_s, int)
        assert driver.awake_since is None
        driver.wake(0)
        assert driver.tick(0) is not None
        driver.sleep(1000)
