"""Nodes with any list of sensors: the whole firmware, emulated devices on real wires, a real broker.

Several sensors in one node run in 192 KiB here, not in 128: each further driver is 5 to 8 KB, and past 620
names come 7 KB more. `python -m bench.heap` measures each set.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.node import SimNode
from simulator.options import Fitted
from simulator.runtime import find_firmware
from tests.firmware.node_bench import ScriptedGateway
from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]
ROOM = "192k"
SDS = Fitted("a", "sds011", uart=1)
PMS = Fitted("b", "pms5003", uart=2)
BME = Fitted("m", "bme280", i2c=0)
SPS = Fitted("a", "sps30", i2c=0)


def of_slot(gateway: ScriptedGateway, slot: str) -> list[dict[str, Any]]:
    return [reading for _, reading in gateway.readings if reading["slot"] == slot]


def sensor(gateway: ScriptedGateway, slot: str) -> dict[str, Any]:
    """The newest health of a sensor; empty before there is any."""
    found = [one for health in gateway.health[-1:] for one in health["sensors"] if one["slot"] == slot]
    return found[0] if found else {}


def changed(folder: Path, files: dict[str, tuple[str, str]]) -> Path:
    """The firmware with one thing replaced in each file: a test cannot wait for minutes."""
    target = folder / "firmware"
    shutil.copytree(find_firmware(), target, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new) in files.items():
        path = target / name
        text = path.read_text()
        assert text.count(old) == 1, f"{name} has no {old}"
        path.write_text(text.replace(old, new))
    return target


def test_two_particle_sensors_and_a_climate_sensor(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    node(sensors=(SDS, PMS, BME), heap=ROOM, warmup_s=3, window_s=2)

    def measured(slot: str) -> list[dict[str, Any]]:
        # A window without a frame is one too, when the machine has no time for two seconds.
        return [one for one in of_slot(gateway, slot) if one["n"] and not one["flags"]]

    wait_for(lambda: len(measured("a")) > 3 and len(measured("b")) > 3, 40, "both slots")
    for slot, model in (("a", "sds011"), ("b", "pms5003")):
        reading = measured(slot)[-1]
        assert reading["model"] == model
        assert 1 <= reading["pm25"] <= 40
        assert {"temp", "rh", "press"} <= set(reading)
        assert -40 < reading["temp"] < 60
    assert not of_slot(gateway, "m")
    known = [
        {"slot": "a", "model": "sds011"},
        {"slot": "b", "model": "pms5003"},
        {"slot": "m", "model": "bme280"},
    ]
    assert gateway.status[0]["sensors"] == known
    wait_for(
        lambda: all(sensor(gateway, slot).get("state") == "ok" for slot in "abm"), 10, "three sound states"
    )
    assert sensor(gateway, "a")["id"]
    assert sensor(gateway, "m")["frames"] > 0
    assert gateway.health[-1]["counters"]["task_restarts"] == 0
    assert gateway.health[-1]["counters"]["config_problems"] == 0


def test_sps30_on_i2c_its_bus_stuck_and_freed(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(sensors=(SPS, BME), heap=ROOM, warmup_s=1, window_s=2)
    wait_for(lambda: any(r["n"] and "temp" in r for r in of_slot(gateway, "a")), 30, "values of both")

    def stick(device: Any) -> None:
        device.faults.bus_stuck = True

    one.change("m", stick)
    recovered = lambda: any(sensor(gateway, s).get("errors", {}).get("bus_recovery") for s in "am")  # noqa: E731
    wait_for(recovered, 20, "a recovery in health")
    count = len(of_slot(gateway, "a"))
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "a")[count + 1 :]), 20, "values again")
    assert gateway.health[-1]["counters"]["task_restarts"] == 0


def test_auto_finds_what_is_there(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(
        sensors=(
            Fitted("a", "sds011", configured="auto"),
            Fitted("b", "sps30", i2c=0, configured="auto"),
            Fitted("m", "bme280", i2c=0, configured="auto"),  # left out: b searches that bus
        ),
        heap=ROOM,
    )
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "a")), 60, "readings of the SDS011")
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "b")), 20, "readings of the SPS30")
    assert {one["model"] for one in gateway.status[-1]["sensors"]} == {"sds011", "sps30", "bme280"}
    assert gateway.health[-1]["counters"]["config_problems"] == 1
    assert "Found sds011" in one.log.read_text()
    wait_for(lambda: any("temp" in r for r in of_slot(gateway, "a")), 20, "the climate sensor's values")


def test_auto_that_finds_nothing_says_so_and_goes_on_when_there_is_something(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """Searched again after 2 s here, in place of 5 minutes."""
    firmware = changed(tmp_path, {"node/app.py": ("_LOOK_MS = const(300000)", "_LOOK_MS = const(2000)")})
    one = node(firmware, sensors=(Fitted("a", "sds011", configured="auto"),), heap=ROOM)
    one.wiring.plug("a", False)
    reading = wait_for(lambda: of_slot(gateway, "a"), 40, "readings without a sensor")[0]
    assert (reading["model"], reading["flags"], reading.get("pm25")) == ("auto", ["no_frame"], None)
    wait_for(lambda: sensor(gateway, "a").get("state") == "silent", 10, "its state")
    assert gateway.health[-1]["counters"]["config_problems"] == 1
    one.wiring.plug("a", True)
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "a")), 60, "values without a restart")
    assert of_slot(gateway, "a")[-1]["model"] == "sds011"
    assert one.starts == 1


def test_without_settings_it_says_what_is_wrong_at_each_of_the_usual_places(
    node: Callable[..., SimNode],
) -> None:
    """Places that may be empty are passed over in silence only while a sensor was found at another."""
    fitted = (Fitted("a", "sds011", uart=1, tx=33, rx=32, baud=19200),)
    one = node(sensors=fitted, auto=True, heap=ROOM)
    wait_for(lambda: "none was found" in one.log.read_text(), 60, "the end of the search")
    log = one.log.read_text()
    assert "sensor a: There is sds011 on pins 33 and 32, but not at its usual speed" in log
    assert "sensor b: No sensor answers on pins 21 and 22" in log


def test_a_held_bus_is_told_of_beside_a_sensor_that_was_found(node: Callable[..., SimNode]) -> None:
    fitted = (
        Fitted("a", "sds011", uart=1, tx=33, rx=32),
        Fitted("b", "bme280", i2c=0),
    )
    one = node(sensors=fitted, auto=True, heap=ROOM)

    def hold(device: Any) -> None:
        device.faults.bus_stuck = 1.0
        device.release = lambda: None  # not even for nine clocks

    one.change("b", hold)  # the bus is searched after the UART, which takes seconds
    wait_for(lambda: "pins 21 and 22 blocks the others" in one.log.read_text(), 60, "the held bus")
    assert "sensor a: Found sds011 on pins 33 and 32." in one.log.read_text()


def test_a_mute_sensor_climbs_the_ladder_to_its_switch(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """The rungs come at 1, 2, 4 and 8 s of silence here, in place of 10, 20, 40 and 80 s."""
    firmware = changed(tmp_path, {"node/measure.py": ("_FIRST_MS = const(10000)", "_FIRST_MS = const(1500)")})
    one = node(firmware, sensors=(Fitted("a", "sds011", power=25),))
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "a")), 30, "a value")

    def hang(device: Any) -> None:
        device.faults.mute = True

    one.change("a", hang)
    wait_for(lambda: sensor(gateway, "a").get("errors", {}).get("power_cycle") == 1, 40, "the last rung")
    errors = sensor(gateway, "a")["errors"]
    assert all(errors[rung] >= 1 for rung in ("resync", "reinit", "sleep_wake"))
    count = len(of_slot(gateway, "a"))
    wait_for(lambda: any(r["n"] for r in of_slot(gateway, "a")[count:]), 30, "values after the power cycle")
    assert gateway.health[-1]["counters"]["task_restarts"] == 0


def test_a_named_sensor_that_never_spoke_is_diagnosed(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """Its two wires are crossed. The ladder's whole pass takes 6 s here, in place of 40."""
    firmware = changed(tmp_path, {"node/measure.py": ("_FIRST_MS = const(10000)", "_FIRST_MS = const(1500)")})
    one = node(firmware, sensors=(Fitted("a", "sds011", swapped=True),))
    wait_for(lambda: sensor(gateway, "a").get("state") == "swapped", 60, "the reason in its state")
    assert "wires are exchanged" in one.log.read_text()
    assert gateway.health[-1]["counters"]["config_problems"] == 1
    assert gateway.health[-1]["counters"]["task_restarts"] == 0
    count = len(of_slot(gateway, "a"))
    wait_for(lambda: len(of_slot(gateway, "a")) > count + 1, 10, "readings that go on")
    assert of_slot(gateway, "a")[-1]["flags"] == ["no_frame"]


def test_two_sensors_that_disagree_are_flagged(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """Judged after 4 s of values here, in place of 2 minutes."""
    firmware = changed(tmp_path, {"node/agree.py": ("_ENOUGH_S = const(120)", "_ENOUGH_S = const(4)")})
    one = node(firmware, sensors=(SDS, PMS), heap=ROOM, warmup_s=1, window_s=2)

    def clog(device: Any) -> None:
        device.faults.clogged = True

    one.change("b", clog)
    wait_for(lambda: any("disagree" in r["flags"] for r in of_slot(gateway, "a")), 40, "the flag on one")
    wait_for(lambda: any("disagree" in r["flags"] for r in of_slot(gateway, "b")), 20, "and on the other")


@pytest.mark.parametrize("model", ["sds011", "pms5003"])
def test_names_and_heap_of_a_running_node_are_bounded(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path, model: str
) -> None:
    """MicroPython keeps each name it has ever seen, in tables that double: 20, 40 .. 320 make 620, and the
    next one takes 7 KB in one piece, of a heap of 128. A node with one sensor stays below it.

    Free in 128 KiB: at least 8 KiB, so that a full batch of readings and a `config` message still fit.
    """
    asks = """
    import micropython

    async def tell():
        await asyncio.sleep(6)
        micropython.qstr_info()

    async def both(app):
        asyncio.create_task(tell())
        await app.run()

    asyncio.run(both(App(board)))
"""
    firmware = changed(tmp_path, {"run.py": ("    asyncio.run(App(board).run())\n", asks)})
    one = node(firmware, model=model)
    found = wait_for(lambda: re.search(r"n_qstr=(\d+)", one.log.read_text()), 30, "the count of names")
    wait_for(lambda: gateway.health and gateway.readings, 20, "a node that works")
    print(model, "names", found.group(1), "free", gateway.health[-1]["heap_free"])
    # `tell` and `both` and the like are the test's own: 8 names.
    assert int(found.group(1)) <= 620 + 8
    assert min(health["heap_free"] for health in gateway.health) >= 8 * 1024
