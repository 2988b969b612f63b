"""Run one sensor for an hour of simulated time, on a good line or a bad one."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.bytecode import compiled
from simulator.runtime import find_firmware, find_micropython
from simulator.sensors import MODELS, make_sensor
from simulator.sensors.base import Air, Device
from simulator.sensors.faults import Faults
from simulator.sensors.plantower import Pms5003
from simulator.sensors.pmsa003i import Pmsa003i
from tests.firmware.hour.session import Session

NODE_SIDE = Path(__file__).parent / "node_side"
HEAP = "128k"
TIMEOUT_S = 60.0  # for one request of the node
AIR = (8.0, 20.0, 33.0)
CLIMATE = ("bme280", "bmp280", "sht3x", "sht4x", "dht22")
WIRING: dict[str, dict[str, int]] = {
    "uart": {"uart": 1, "tx": 17, "rx": 16},
    "i2c": {"i2c": 0, "sda": 21, "scl": 22},
    "pin": {"pin": 4},
}
# What a bad line does: of 1000 bytes four are wrong or missing, of 100 frames a dozen are hit.
BAD = {
    "byte_loss": 0.002,
    "bit_flip": 0.002,
    "byte_shift": 0.01,
    "truncated": 0.02,
    "crc_error": 0.02,
    "garbage": 0.05,
    "no_value": 0.02,
    "nack": 0.02,
    "clock_stretch": 0.01,
    "bus_stuck": 0.001,
}
BROWN_OUT_S = 300.0
BOOT_S = 4.0  # a sensor has had its supply for so long when firmware runs: the PMSA003I takes 3 s


@dataclass(frozen=True)
class Case:
    """`rxbuf`: None = what the driver asks for. `leak`: the node keeps 32 bytes each minute."""

    model: str
    bus: str
    mode: str | None = None
    bad: bool = False
    rxbuf: int | None = None
    minutes: int = 60
    leak: bool = False

    def __str__(self) -> str:
        return f"{self.model} {self.mode or self.bus}"


def every_case(minutes: int = 60) -> list[Case]:
    """Each sensor on each bus at its fastest, and the UART sensors' other modes."""
    cases = [Case(model, bus, minutes=minutes) for model, bus in MODELS]
    cases.append(Case("sds011", "uart", "query", minutes=minutes))
    cases.append(Case("pms5003", "uart", "passive", minutes=minutes))
    return cases


@dataclass
class Outcome:
    case: Case
    messages: list[dict[str, Any]]
    output: str  # what the node printed
    dropped: int = 0  # bytes that found the receive buffer full
    most: int = 0  # the most that it held
    dips: int = 0
    free: list[int] = field(default_factory=list)  # largest free piece at each look, bytes

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if kind in message]

    @property
    def heap(self) -> dict[int, int]:
        """s -> bytes that were alive after a collection."""
        return {message["s"]: message["heap"] for message in self.of("heap")}

    @property
    def end(self) -> dict[str, Any]:
        return self.of("end")[0]


class NodeError(Exception):
    """The node's side ended by itself; its last words."""


def emulated(case: Case, air: Air) -> Device:
    if case.model.startswith("pms") and not case.mode:
        made = make_sensor(case.model, air, 7, bus=case.bus)
        assert isinstance(made, Pms5003 | Pmsa003i)
        made.chamber.fast = True
    else:
        made = make_sensor(case.model, air, 7, bus=case.bus)
    if case.bad:
        made.faults = Faults(**BAD)
    return made


def run(case: Case, heap: str = HEAP) -> Outcome:
    """Raises NodeError when the node does not come to its end."""
    device = emulated(case, lambda _: AIR)
    device.power(True, -BOOT_S)
    slot = "m" if case.model in CLIMATE else "a"
    entry: dict[str, Any] = {"slot": slot, "model": case.model, **WIRING[case.bus]}
    if case.mode:
        entry["mode"] = case.mode
    ours, theirs = socket.socketpair()
    ours.settimeout(TIMEOUT_S)
    with ours, theirs, tempfile.TemporaryDirectory(prefix="dustline-hour-") as folder:
        session = Session(device, ours, case.rxbuf, BROWN_OUT_S if case.bad else None)
        output = Path(folder) / "output"
        with output.open("wb") as out:
            node = subprocess.Popen(
                [str(find_micropython().path), "-X", f"heapsize={heap}", "-m", "hour"],
                cwd=folder,
                env={
                    **os.environ,
                    "MICROPYPATH": f"{compiled(NODE_SIDE)}:{compiled(find_firmware())}:.frozen",
                    "DUSTLINE_HOUR_FD": str(theirs.fileno()),
                    "DUSTLINE_HOUR": json.dumps({"entry": entry, "minutes": case.minutes, "leak": case.leak}),
                },
                pass_fds=[theirs.fileno()],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        theirs.close()
        try:
            session.run()
        finally:
            ours.close()
            node.wait(10)
        text = output.read_text(errors="replace")
    outcome = Outcome(case, session.messages, text, dips=session.dips)
    if node.returncode or not outcome.of("end"):
        raise NodeError(f"{case}: the node ended with {node.returncode}:\n{text[-3000:]}")
    # mem_info's largest free piece is in blocks of four words.
    outcome.free = [int(blocks) * 32 for blocks in re.findall(r"max free sz: (\d+)", text)]
    if session.wire:
        outcome.dropped, outcome.most = session.wire.dropped, session.wire.most
    return outcome
