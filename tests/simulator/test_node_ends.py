"""Nothing of a simulated node gets lost or is left behind: failures, processes, threads, files."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.node import SimNode
from simulator.runtime import SimulatorError
from simulator.sensor_words import fit_all
from simulator.sensors.base import Device
from tests.simulator.tiny_node import gone, logged
from tests.support import choose_port, wait_for

REPO = Path(__file__).resolve().parents[2]


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


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's table of processes")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["node", "--place", "wola"], "{micropython}"),
        (["fleet", "--nodes", "2"], "2 nodes of real firmware"),
    ],
)
def test_ctrl_c_ends_the_commands_and_all_they_started(
    tmp_path: Path, micropython: str, words: list[str], told: str
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
    assert told.format(micropython=micropython) in out
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


@pytest.mark.skipif(sys.platform != "linux", reason="counts in Linux's table of processes")
def test_starts_and_power_cuts_leave_no_thread_file_or_process(make: Callable[..., SimNode]) -> None:
    node = make(
        "bus = machine.I2C(0, scl=22, sda=21)\nwhile True: uart.write(bytes(9)); bus.scan(); uart.read()\n",
        sensors=fit_all(["sds011", "bme280"]),
        router=True,
    )

    def left() -> tuple[int, int, int]:
        children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        pids = " ".join(each.read_text() for each in children).split()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(pids)

    def starts() -> int:
        return node.log.read_text().count("start ")

    gc.collect()  # what an earlier test has left to the collector is not this one's
    before, known = left(), 0
    for turn in range(6):
        node.start()
        if turn % 3:
            wait_for(lambda known=known: starts() > known, what="a start")
        known = starts()
        node.line.power_cycle()
        (node.stop if turn % 2 else node.kill)()
    node.stop()
    gc.collect()
    assert all(now <= then for now, then in zip(left(), before, strict=True)), (left(), before)
    assert node.crashes == 0
