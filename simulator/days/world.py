"""A node, its chip and its network on one clock, which is the node's: it moves when the node waits.

The line to the node: a request is <BBHI: kind, n, value, ms since the node's start. Kinds and answers:
  1 read UART n, at most `value` bytes   <H and so many bytes; with 0x8000: for how many ms nothing can come
  2 write `value` bytes to UART n        none
  3 ask the chip in `value` bytes        as simulator/board/talk.py has it
  4 may time go on?                      <H: for so many ms; with 0x8000: and tell the heap
  5 the heap, once it is printed         none; <II follow: bytes alive, and the most since the last time
  6 feed watchdog n, or set pin n        none
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import launcher
from simulator.board.network import AccessPoint
from simulator.board.power import Ended, Reset, Watchdog
from simulator.bytecode import compiled
from simulator.days.chip import DaysDesk, SimChip
from simulator.days.gateway import HOST, Gateway, Judge
from simulator.days.net import Net
from simulator.options import Fitted
from simulator.runtime import find_firmware, find_micropython
from simulator.sensors.base import Air, Device

NODE_SIDE = Path(__file__).parent / "node_side"
HEAD = struct.Struct("<BBHI")
READ, WRITE, ASK, GO_ON, HEAP, SWITCH = range(1, 7)
PRINTED = [re.compile(what) for what in (r"used: \d+, free: (\d+)", r"max free sz: (\d+)", r"n_qstr=(\d+)")]
EPOCH = 1780272000  # 2026-06-01T00:00:00Z: the true time when the world begins
NEAR_MS, FAR_MS, AWAY_MS = (
    50,
    250,
    1000,
)  # how long time may go on: while something moves, else, without radio
TIMEOUT_S = 120.0  # real seconds without a word of the node
AIR = (8.0, 20.0, 33.0)


class NodeError(Exception):
    """The node's process ended, or fell silent; its last words."""


@dataclass(frozen=True)
class Heap:
    """A look at the node's heap, bytes. `largest`: the largest free piece. `names`: of the runtime's pool.
    `state`: "calm"; "unheard", connected while the gateway is away; or "offline"."""

    at: float
    alive: int
    peak: int
    free: int
    largest: int
    names: int
    state: str = "calm"


class World:
    """`settings`: of config.json, on top of what the network makes necessary. `ppm`: by how much the node's
    crystal is slow. `stride_ms`: its clock moves at least so much when it waits (0: as it asks). `lax`: its
    heap is collected when it is full, not as the firmware wants it. `devices`: by slot, in place of those
    that are made here, in `air`; they are asked with simulated seconds. `epoch`: the true time at the
    beginning. `judge`: says what breaks the contract."""

    def __init__(
        self,
        directory: Path,
        broker_port: int,
        fitted: Sequence[Fitted],
        settings: dict[str, Any] | None = None,
        *,
        gateway_port: int | None = None,
        heap: str = "128k",
        firmware: Path | None = None,
        ppm: float = 0.0,
        stride_ms: int = 0,
        lax: bool = False,
        air: Air = lambda _at: AIR,
        watch: Callable[[Heap], None] = lambda _look: None,
        name: str = "praga-1",
        network: str = "warsaw",
        broker_host: str = HOST,
        login: tuple[str, str | None] | None = None,
        epoch: float = EPOCH,
        devices: Mapping[str, Device] | None = None,
        judge: Judge = lambda _kind, _body: [],
    ) -> None:
        """Raises OSError or ValueError when there is no broker, SimulatorError without MicroPython."""
        self.name, self.network, self.epoch = name, network, epoch
        self.directory = directory
        self.flash = directory / "flash"
        self.flash.mkdir(parents=True)
        self.log = directory / "node.log"
        self.log.touch()
        self.heap = heap
        self.stride_ms = stride_ms
        self.most_starts = 100
        self.lax = lax
        self.leak = False  # keep 256 bytes at each look at the heap: to see that it is seen
        self.starts: list[tuple[float, str]] = []  # of the node: simulated second, reset cause
        self.looks: list[Heap] = []
        self._watch = watch
        self._stopped = False
        self._ppm = ppm
        self._base = 0.0
        self._now = 0.0
        self._until = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._look = False
        self._reset: Reset | None = None
        self.access_point = AccessPoint("dustline", "particles", scan_s=0.0)  # it sleeps that in true time
        self.chip = SimChip(fitted, self.now, air, self.access_point, directory / "nvs.json", devices)
        self.gateway = Gateway(
            gateway_port or broker_port, self.now, name, host=broker_host, login=login, judge=judge
        )
        self.net = Net(broker_port, self.gateway, self.truth, broker_host)
        self._login = login
        self._fitted = [one.config() for one in fitted]
        self.configure(settings or {})
        built = compiled((firmware or find_firmware()).resolve(), link=True)
        (directory / "days").symlink_to(compiled(NODE_SIDE))
        (directory / "fw").symlink_to(built)
        # In a folder of its own, as in simulator/home.py: or each module's long path would be in the heap.
        (directory / "main").mkdir()
        shutil.copyfile(built / "main.py", directory / "main" / "main.py")

    def configure(self, settings: dict[str, Any]) -> None:
        """Write config.json; the node reads it at its next start."""
        user, password = self._login or (None, None)
        config: dict[str, Any] = {
            "node": self.name,
            "network": self.network,
            "wifi": [{"ssid": "dustline", "password": "particles"}],
            "broker": {"host": HOST, "port": self.net.port, "user": user, "password": password},
            "ntp": self.net.ntp,
            "sensors": self._fitted,
        }
        for name, value in settings.items():
            config[name] = {**config[name], **value} if name == "broker" else value
        (self.flash / "config.json").write_text(json.dumps(config))

    # Time.

    def now(self) -> float:
        """Simulated seconds since the beginning, by the node's crystal."""
        return self._now

    def truth(self, at: float | None = None) -> float:
        """The true time, Unix seconds, of now or of a simulated second."""
        return self.epoch + (self._now if at is None else at) * (1 + self._ppm / 1e6)

    def at(self, seconds: float, what: Callable[[], object]) -> None:
        """Do something at a simulated second."""
        heapq.heappush(self._events, (seconds, next(self._order), what))

    def every(self, seconds: float, what: Callable[[], object], first: float | None = None) -> None:
        def again() -> None:
            what()
            self.every(seconds, what)

        self.at(self._now + seconds if first is None else first, again)

    # What may happen.

    def wifi(self, on: bool) -> None:
        """The router, off or on."""
        self.access_point.on = on
        self.net.radio = on

    def look(self) -> None:
        """Let the node tell its heap."""
        self._look = True

    def cut_power(self, off_s: float = 5.0) -> None:
        self._reset = Reset("power", off_s)

    def reset(self, cause: str = "hard") -> None:
        self._reset = Reset(cause)

    def stop(self) -> None:
        """End run() before its time."""
        self._stopped = True

    def forget_events(self) -> None:
        self._events.clear()

    # The run.

    def run(self, until: float) -> None:
        """Let the node live until a simulated second. Raises NodeError."""
        self._until = until
        cause, pause = "power", 0.0
        self._stopped = False
        while self._now < until and not self._stopped:
            self.starts.append((self._now, cause))
            if len(self.starts) > self.most_starts:
                raise NodeError(f"the node starts anew again and again:\n{self.last_words()}")
            self._base = self._now
            self._reset = None
            reset = self._live(cause)
            if reset is None:
                break
            cause, pause = reset.cause, reset.wake_s or 0.0
            self._now += pause
            if cause == "power":
                self.chip.power_on()

    def close(self) -> None:
        self.net.close()
        self.gateway.close()

    def _live(self, cause: str) -> Reset | None:
        """One run of the chip. None: the time is over."""
        self._life: tuple[DaysDesk, Watchdog] = self.chip.start(cause)
        ours, theirs = socket.socketpair()
        ours.settimeout(TIMEOUT_S)
        with ours:
            with theirs, self.log.open("ab") as log:
                node = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", launcher.__file__, str(os.getpid())),
                        *(str(find_micropython().path), "-X", f"heapsize={self.heap}", "../main/main.py"),
                    ],
                    cwd=self.flash,
                    env={
                        **os.environ,
                        "MICROPYPATH": "../days:../fw:.frozen",
                        "DUSTLINE_DAYS_FD": str(theirs.fileno()),
                        "DUSTLINE_DAYS_STRIDE": str(self.stride_ms),
                        **({"DUSTLINE_DAYS_LAX": "1"} if self.lax else {}),
                        **({"DUSTLINE_DAYS_LEAK": "1"} if self.leak else {}),
                    },
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us to act on
                )
            try:
                over = self._serve(ours)
            except Ended as end:
                self._reset, over = end.reset, True
            except TimeoutError:
                raise NodeError(f"the node is silent:\n{self.last_words()}") from None
            finally:
                node.kill()
                node.wait()
        if not over:
            raise NodeError(f"the node ended by itself at {self._now:.0f} s:\n{self.last_words()}")
        return self._reset

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def _serve(self, ours: socket.socket) -> bool:
        """Answer the node until it is gone (False), the time is over or its power is cut (True)."""
        line = ours.makefile("rb")
        send = ours.sendall
        while True:
            head = line.read(HEAD.size)
            if len(head) < HEAD.size:
                return False
            kind, n, value, ms = HEAD.unpack(head)
            self._now = self._base + ms / 1000
            if kind == GO_ON:
                word = self._go_on()
                if word is None:
                    return True
                send(word)
            elif kind == READ:
                send(self._read(n, value))
            elif kind == WRITE:
                data = line.read(value)
                wire = self.chip.line(n)
                if wire:
                    wire.write(data, int(self._now * 1000))
            elif kind == ASK:
                send(self._life[0].answer(line.read(value)))
            elif kind == SWITCH:
                self._life[0].switch(n, value)
            elif kind == HEAP:
                self._see_heap(*struct.unpack("<II", line.read(8)))
            else:
                raise NodeError(f"the node's side sent {head!r}")

    def _read(self, number: int, most: int) -> bytes:
        wire = self.chip.line(number)
        if wire is None:
            return (0x8000 | 1000).to_bytes(2, "little")
        data = wire.read(most, int(self._now * 1000))
        if data:
            return len(data).to_bytes(2, "little") + data
        return (0x8000 | max(wire.quiet_ms(), 1)).to_bytes(2, "little")

    def _go_on(self) -> bytes | None:
        """Do what is due, carry what is under way; the answer, None when the run is over."""
        while self._events and self._events[0][0] <= self._now:
            heapq.heappop(self._events)[2]()
        left = self._life[1].left_s()
        if left is not None and left <= 0:
            self._reset = Reset("watchdog")
        if self._reset is not None or self._now >= self._until or self._stopped:
            return None
        moved = self.net.settle()
        ms = NEAR_MS if moved else FAR_MS if self.net.radio else AWAY_MS
        if self._events:
            ms = min(ms, max(1, int((self._events[0][0] - self._now) * 1000)))
        look, self._look = self._look, False
        return (ms | (0x8000 if look else 0)).to_bytes(2, "little")

    def _see_heap(self, alive: int, peak: int) -> None:
        """Beside what was told, what the runtime has just printed."""
        text = self.log.read_text(errors="replace")
        total, largest, names = (pattern.findall(text)[-1] for pattern in PRINTED)
        # The largest free piece is in blocks of four words.
        state = "offline" if not self.net.connected else "unheard" if self.gateway.away else "calm"
        look = Heap(self._now, alive, peak, int(total), int(largest) * 32, int(names), state)
        self.looks.append(look)
        self._watch(look)
