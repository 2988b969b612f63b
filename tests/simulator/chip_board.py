"""A chip under power for the tests of what firmware meets: scripts on the real MicroPython Unix port."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from simulator.board.chip import Chip
from simulator.board.network import AccessPoint
from simulator.board.power import Reset
from simulator.board.talk import serve
from simulator.board.wiring import Fitting, Wiring
from simulator.serial_line import SerialLines, Wire, steady_unix_clock
from tests.support import wait_for

CHIP = Path(__file__).resolve().parents[2] / "simulator" / "chip"


class Board:
    """A chip under power, with devices on its pins, and scripts run as its firmware.

    Without devices nobody carries bytes: the test itself is the far end of `wire`, which is UART 1's.
    """

    def __init__(self, directory: Path, micropython: str, fittings: Sequence[Fitting] = ()) -> None:
        self.directory = directory
        self.micropython = micropython
        self.modules = CHIP
        self.console: list[str] = []
        self.wires = {1: Wire(), 2: Wire()}
        self.wire = self.wires[1]
        self.wiring = Wiring(fittings, steady_unix_clock())
        self.failures: list[Exception] = []
        self.serial = SerialLines(self.wiring, self.failures.append)
        self.air = AccessPoint("home", "secret", join_s=0.05, beacon_s=0.05)
        self.threads: list[threading.Thread] = []
        self.ended: Reset | None = None
        self.power_on()

    def power_on(self) -> None:
        unique_id = bytes.fromhex("0242ac110002")
        nvs = self.directory / "nvs.json"
        self.chip = Chip(unique_id, self.air, self.wires, self.wiring, nvs, self.console.append)
        self.serial.close()
        self.wiring.power(False)
        self.wiring.power(True)
        if self.wiring.fittings:
            self.serial.open(self.chip.ports.values(), self.wires)

    def start(self, script: str, cause: str = "power") -> subprocess.Popen[str]:
        (self.directory / "script.py").write_text(script)
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [self.micropython, "-X", "heapsize=128k", "script.py"],
            cwd=self.directory,
            env={
                **os.environ,
                "MICROPYPATH": f"{self.modules}:.frozen",
                "DUSTLINE_CHIP": str(theirs.fileno()),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(), *self.chip.handles),
            text=True,
        )
        theirs.close()

        def talk() -> None:
            with ours:
                self.ended = serve(ours, self.chip, run, lambda: process.poll() is None)
                if self.ended is not None:
                    process.kill()

        run = self.chip.run(cause)
        thread = threading.Thread(target=talk)
        thread.start()
        self.threads.append(thread)
        return process

    def finish(self, process: subprocess.Popen[str], say: str | None = None, code: int = 0) -> str:
        """Say a line to the script, run it to the end, return its output; its exit code must be `code`."""
        out, err = process.communicate(say, timeout=20)
        self.threads[-1].join(10)
        assert process.returncode == code, out + err
        return out.strip()

    def run(self, script: str, cause: str = "power", code: int = 0) -> str:
        return self.finish(self.start(script, cause), code=code)

    def feed_when_ready(self, process: subprocess.Popen[str], data: bytes) -> str:
        """Wait for the script's line "ready", put data on the line, tell it to go on, return the rest."""
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        self.put(data)
        return self.finish(process, "go\n")

    def put(self, data: bytes) -> None:
        """Put data on the line, and wait until all that is not dropped has come through the kernel."""
        before = self.wire.waiting() + self.wire.dropped
        self.wire.put(data)
        wait_for(
            lambda: self.wire.waiting() + self.wire.dropped == before + len(data), what="bytes in the pty"
        )

    def close(self) -> None:
        self.serial.close()
        for wire in self.wires.values():
            wire.close()
        assert self.failures == []
