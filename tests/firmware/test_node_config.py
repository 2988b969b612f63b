"""Settings from afar on a whole node: in force, on trial, taken back, over restarts, by command line."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from node.config import Config
from node.config_remote import REMOTE
from simulator.node import SimNode
from tests.firmware.node_bench import ScriptedGateway, acknowledge, nothing
from tests.support import REPO, Mosquitto, wait_for

pytestmark = pytest.mark.needs_micropython
START_S = 60


@pytest.fixture
def dustline(tmp_path: Path, broker: Mosquitto) -> Callable[..., Result]:
    settings = tmp_path / "gateway.toml"
    settings.write_text(f"[broker]\nport = {broker.port}\n")

    def call(*words: str) -> Result:
        result = CliRunner().invoke(main, ["gateway", *words, "--config", str(settings)])
        print(*words, "->", result.exit_code, result.output)
        return result

    return call


def status_has(gateway: ScriptedGateway, **fields: object) -> Callable[[], bool]:
    return lambda: bool(gateway.status) and fields.items() <= gateway.status[-1].items()


def test_the_page_names_every_setting_with_its_bounds() -> None:
    from node import config_file

    page = (REPO / "docs" / "node" / "configuration.md").read_text()
    told = dict(re.findall(r"(?m)^\| `(\w+)` \| ([^|]*?) \|", page))
    settings = {name for name in vars(config_file.default()) if name not in vars(Config())}
    assert set(told) == settings
    for name, bounds in {**config_file._NUMBERS, **REMOTE}.items():
        assert told[name].startswith("true" if bounds is None else f"{bounds[0]}, {bounds[1]}"), name
    assert set(re.findall(r"(?m)^\| `(\w+)` .* From afar, too \|$", page)) == set(REMOTE)


def test_settings_that_reach_the_gateway_stay(
    node: Callable[..., SimNode], gateway: ScriptedGateway, dustline: Callable[..., Result]
) -> None:
    one = node(extra={"trial_s": 10})
    wait_for(lambda: gateway.readings, START_S, "readings")
    result = dustline("configure", "praga-1", "window_s=2", "backlog_per_min=100", "--timeout", "60")
    assert result.exit_code == 0
    assert "praga-1: version 1: window_s=2, backlog_per_min=100" in result.output
    assert "praga-1: version 1 is in force, on trial" in result.output
    wait_for(lambda: gateway.readings[-1][1]["dt"] == 2, START_S, "a window of 2 s")
    wait_for(lambda: "version 1 has stood its trial" in one.log.read_text(), START_S, "the trial's end")
    # What was set before stays, and one can be taken back.
    result = dustline("configure", "praga-1", "sleep_s=1", "backlog_per_min=", "--timeout", "60")
    assert "praga-1: version 2: window_s=2, sleep_s=1" in result.output
    wait_for(status_has(gateway, config=2), START_S, "version 2")
    wait_for(lambda: "version 2 has stood its trial" in one.log.read_text(), START_S, "the trial's end")
    one.stop()
    one.start()
    wait_for(status_has(gateway, online=True, boot=2), START_S, "the restart")
    assert gateway.status[-1]["config"] == 2
    assert "config_rejected" not in gateway.status[-1]
    result = dustline("configure", "praga-1", "--show")
    assert result.output == "praga-1: version 2: window_s=2, sleep_s=1; it runs version 2\n"
    result = dustline("configure", "praga-1", "--clear", "--timeout", "60")
    assert "praga-1: version 3: as in its own file" in result.output
    wait_for(status_has(gateway, config=3), START_S, "version 3")


def test_without_the_gateway_they_are_taken_back_over_a_restart(
    node: Callable[..., SimNode], gateway: ScriptedGateway, dustline: Callable[..., Result]
) -> None:
    one = node(extra={"trial_s": 30})
    wait_for(lambda: gateway.readings, START_S, "readings")
    gateway.answer = nothing
    result = dustline("configure", "praga-1", "window_s=2", "--timeout", "60")
    assert "praga-1: version 1 is in force, on trial" in result.output
    # A power cut within the trial; the retained message then comes again, and is no new trial.
    one.kill()
    one.start()
    wait_for(status_has(gateway, online=True, boot=2, config=1), START_S, "the restart")
    wait_for(status_has(gateway, config=0, config_rejected=1), 2 * START_S, "the version taken back")
    assert (
        "version 1 is taken back, the gateway was not reached within 30 s; 0 is in force"
        in one.log.read_text()
    )
    # Nor is it taken again when the retained message comes once more.
    gateway.answer = acknowledge
    one.stop()
    one.start()
    wait_for(status_has(gateway, online=True, boot=3), START_S, "the restart")
    wait_for(lambda: gateway.readings[-1][0] == 3, START_S, "readings of this start")
    assert status_has(gateway, config=0, config_rejected=1)()
    assert gateway.readings[-1][1]["dt"] == 1
    result = dustline("configure", "praga-1", "--show")
    assert result.output == "praga-1: version 1: window_s=2; it runs version 0, has REJECTED this one\n"
    # A corrected one is.
    result = dustline("configure", "praga-1", "window_s=3", "--timeout", "60")
    assert (result.exit_code, "version 2 is in force" in result.output) == (0, True)
    wait_for(status_has(gateway, config=2), START_S, "version 2")
    assert "config_rejected" not in gateway.status[-1]


def test_settings_that_crash_the_node_are_taken_back(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    """It reaches the gateway each time, and ends by itself soon after, as with too little memory."""
    one = node(extra={"trial_s": 600})
    wait_for(lambda: gateway.readings, START_S, "readings")
    message = {"v": 1, "version": 4, "settings": {"window_s": 2}}
    gateway.client.publish("dl/1/warsaw/a/praga-1/config", json.dumps(message), 1, retain=True)
    wait_for(status_has(gateway, config=4), START_S, "version 4")
    for boot in (2, 3):
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)  # as the watchdog would
        wait_for(status_has(gateway, online=True, boot=boot), START_S, "the restart")
    assert status_has(gateway, config=0, config_rejected=4, mode="normal")()


def test_a_trial_goes_on_over_deep_sleeps(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    """Its time counts while the board sleeps, and a wake that sends what it has is what stands it."""
    message = {"v": 1, "version": 4, "settings": {"sleep_s": 9, "health_s": 3600}}
    gateway.client.publish("dl/1/warsaw/a/praga-1/config", json.dumps(message), 1, retain=True)
    one = node(sleep_s=3, heap="256k", extra={"deep_sleep": True, "trial_s": 10})
    wait_for(lambda: "version 4 has stood its trial" in one.log.read_text(), START_S, "the trial's end")

    def kept() -> list[object]:
        return json.loads((one.flash / "config.remote.json").read_text())  # type: ignore[no-any-return]

    wait_for(
        lambda: kept()[5] is None, START_S, "the trial's end in flash, which is written after it was said"
    )
    assert kept()[0] == 4
    assert one.crashes == 0
    assert {boot for boot, _ in gateway.readings} == {1}
