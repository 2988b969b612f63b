"""A node that gets stuck, crashes or crashes again and again: it comes back by itself and says why."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway, acknowledge, nothing
from tests.support import REPO, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]

RUN = "asyncio.run(App(board).run())"
FAULTY = """app = App(board)
    inject(app)
    asyncio.run(app.run())"""
IMPORT = "    import board\n"

# The file `fault` in flash names one of these. In the firmware's own tree, as compiling shortens names.
FAULTS = """
import asyncio
import os

from node import files

if files.read("fault") == b"imports":
    os.remove("fault")
    raise MemoryError("no room for this file")


def inject(app):
    name = (files.read("fault") or b"").decode()
    if name == "crashes":
        if not app.safe:
            raise ValueError("the password is particles")
    elif name:
        os.remove("fault")
        if name == "waits":
            app.sensors[0].run = _waits
        elif name == "blocks":
            app.timekeeper.run = _blocks
        elif name == "dies":
            app.timekeeper.run = _dies


async def _waits():
    await asyncio.sleep(2)
    await asyncio.Event().wait()


async def _blocks():
    await asyncio.sleep(2)
    while True:
        pass


async def _dies():
    raise ValueError("again")
"""
BOUNDS = '"watchdog_s": (60, 600)'
# Nothing here is about memory.
ROOM = {"heap": "256k", "extra": {"watchdog_s": 4}}
FAULT_S = 90  # nine such tests may share two cores


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware with FAULTS, and with a watchdog that may be quick: the least of a real one would take
    minutes."""
    firmware = tmp_path_factory.mktemp("faulty") / "firmware"
    shutil.copytree(REPO / "firmware", firmware, ignore=shutil.ignore_patterns("__pycache__"))
    main = (firmware / "run.py").read_text()
    assert main.count(RUN) == main.count(IMPORT) == 1
    main = main.replace(RUN, FAULTY).replace(IMPORT, IMPORT + "    from node.faults import inject\n")
    (firmware / "run.py").write_text(main)
    (firmware / "node" / "faults.py").write_text(FAULTS)
    settings = (firmware / "node" / "config_file.py").read_text()
    assert settings.count(BOUNDS) == 1
    (firmware / "node" / "config_file.py").write_text(settings.replace(BOUNDS, BOUNDS.replace("60", "1", 1)))
    return firmware


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    flash = tmp_path / "node" / "flash"
    flash.mkdir(parents=True)
    return flash


def crashes(gateway: ScriptedGateway) -> list[str]:
    return [health["crash"] for health in gateway.health if "crash" in health]


def told_once(gateway: ScriptedGateway) -> str:
    """The crash that a health message told; and that later ones do not tell it again."""
    wait_for(lambda: crashes(gateway), FAULT_S, "health with a crash")
    count = len(gateway.health)
    wait_for(lambda: len(gateway.health) > count + 2, FAULT_S, "more health")
    assert len(crashes(gateway)) == 1
    return crashes(gateway)[0]


def test_a_task_that_waits_for_ever_restarts_the_node(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "fault").write_text("waits")
    one = node(faulty, **ROOM)
    wait_for(lambda: one.starts == 2, FAULT_S, "a second start")
    text = told_once(gateway)
    assert text.startswith("boot 1, ")
    assert "task sensor a did nothing for " in text
    wait_for(lambda: any(boot == 2 for boot, _ in gateway.readings), FAULT_S, "readings again")
    assert one.starts == 2


def test_a_loop_that_gives_nobody_a_turn_is_ended_by_the_hardware(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "fault").write_text("blocks")
    one = node(faulty, **ROOM)
    wait_for(lambda: one.starts == 2, FAULT_S, "a second start")
    assert "task_wdt: not fed" in one.log.read_text()
    assert "the watchdog reset the board" in told_once(gateway)
    assert gateway.health[-1]["reset"] == "watchdog"


def test_a_panic_of_the_chip_is_told(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node(**ROOM)
    wait_for(lambda: gateway.health, FAULT_S, "health")
    pid = one.pid
    assert pid is not None
    os.kill(pid, signal.SIGSEGV)
    assert "the chip panicked, or" in told_once(gateway)
    assert gateway.health[-1]["reset"] == "hard"
    assert gateway.health[-1]["counters"]["crashes"] == 1


def test_a_file_that_cannot_be_loaded_at_the_start_is_tried_again(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "fault").write_text("imports")
    one = node(faulty, **ROOM)
    wait_for(lambda: gateway.health, FAULT_S, "health")
    assert "MemoryError: no room for this file" in one.log.read_text()
    assert (one.starts, one.crashes) == (2, 0)


def test_a_task_that_dies_again_and_again_restarts_the_node(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "fault").write_text("dies")
    one = node(faulty, **ROOM)
    wait_for(lambda: one.starts == 2, FAULT_S, "a second start")
    assert one.log.read_text().count("task clock died and is started again") == 10
    text = told_once(gateway)
    assert "task clock died again and again: ValueError: again" in text


def test_three_crashes_in_a_row_lead_into_safe_mode_and_a_command_out_of_it(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    gateway.answer = nothing
    one = node(faulty, **ROOM)
    wait_for(lambda: gateway.health and gateway.health[-1]["outbox"]["depth"] >= 2, FAULT_S, "readings")
    held = gateway.health[-1]["born"][0][1]
    assert gateway.status[-1]["mode"] == gateway.health[-1]["mode"] == "normal"
    one.kill()
    (flash / "fault").write_text("crashes")
    gateway.answer = acknowledge
    one.start()
    wait_for(lambda: gateway.status[-1].get("mode") == "safe", FAULT_S, "safe mode")
    assert one.log.read_text().count("Traceback") == 3
    wait_for(lambda: len(crashes(gateway)) == 3, FAULT_S, "the crashes")
    for number, text in enumerate(crashes(gateway), 1):
        assert "ValueError: the password is ***" in text
        assert "particles" not in text
        assert ("safe mode follows" in text) == (number == 3)
    assert gateway.health[-1]["mode"] == "safe"
    assert gateway.health[-1]["sensors"] == gateway.status[-1]["sensors"] == []
    assert gateway.health[-1]["measuring"] is False
    wait_for(lambda: {(1, seq) for seq in range(1, held + 1)} <= gateway.identities(), FAULT_S, "the backlog")
    assert {boot for boot, _ in gateway.readings} == {1}
    (flash / "fault").unlink()
    command = {"v": 1, "id": "out", "t": int(time.time()), "do": "reboot"}
    gateway.client.publish("dl/1/warsaw/a/praga-1/command", json.dumps(command), 1)
    wait_for(lambda: gateway.status[-1].get("mode") == "normal", FAULT_S, "a normal start")
    wait_for(lambda: any(boot > 1 for boot, _ in gateway.readings), FAULT_S, "readings again")
    assert len(crashes(gateway)) == 3


def test_new_settings_lead_out_of_safe_mode(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "crash.json").write_text('{"row":3,"notes":[]}')
    one = node(faulty, **ROOM)
    wait_for(lambda: gateway.status and gateway.status[-1].get("mode") == "safe", FAULT_S, "safe mode")
    message = {"v": 1, "version": 3, "settings": {"window_s": 2}}
    gateway.client.publish("dl/1/warsaw/a/praga-1/config", json.dumps(message), 1, retain=True)
    wait_for(lambda: gateway.readings, FAULT_S, "readings")
    assert (gateway.status[-1]["mode"], gateway.status[-1]["config"]) == ("normal", 3)
    assert one.starts == 2


def test_safe_mode_connects_without_an_outbox(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path, flash: Path
) -> None:
    (flash / "outbox").write_text("a file where a folder should be")
    (flash / "crash.json").write_text('{"row":3,"notes":["boot 7, 5 s: OSError: it was so"]}')
    node(faulty, **ROOM)
    assert told_once(gateway) == "boot 7, 5 s: OSError: it was so"
    assert gateway.health[-1]["mode"] == "safe"


def test_no_alarm_without_network_and_without_measuring(
    node: Callable[..., SimNode], gateway: ScriptedGateway, faulty: Path
) -> None:
    """Much longer than the watchdog's time: by the chip's clock, which a busy machine does not stretch."""
    one = node(faulty, heap="256k", extra={"watchdog_s": 3, "measure": False})
    wait_for(lambda: gateway.health, FAULT_S, "health")
    one.cut_wifi()
    wait_for(lambda: "network not found" in one.log.read_text(), FAULT_S, "a node that notices")
    until = time.monotonic() + 12
    wait_for(lambda: time.monotonic() > until, 30)
    one.restore_wifi()
    count = len(gateway.health)
    wait_for(lambda: len(gateway.health) > count, FAULT_S, "health again")
    assert one.starts == 1
    assert gateway.health[-1]["counters"]["task_restarts"] == 0
    assert crashes(gateway) == []
