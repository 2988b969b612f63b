"""One simulated node: the unmodified firmware on MicroPython's Unix port, with sensors on the chip's pins.

Its directory: home.py.
"""

from __future__ import annotations

import hashlib
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.board.chip import Chip
from simulator.board.network import AccessPoint
from simulator.board.power import Reset
from simulator.board.soft_ap import SoftAp
from simulator.board.talk import serve
from simulator.board.wiring import Fitting, Wiring
from simulator.bytecode import compiled
from simulator.console import Console
from simulator.home import Home
from simulator.options import Fitted, NodeOptions
from simulator.process import Process, end, send, spawn
from simulator.router import HOST as ROUTER_HOST
from simulator.router import Router
from simulator.runtime import MicroPython, SimulatorError, find_firmware, find_micropython
from simulator.sensors import make_sensor
from simulator.sensors.base import Air, Device, Sensor, Weather
from simulator.sensors.i2c import I2cDevice
from simulator.serial_line import SerialLine, SerialLines, Wire, steady_unix_clock

REBOOT_S = 1.0
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT)
UARTS = (1, 2)
SEED_STEP = 7919  # between the sensors of a node: two of a model are two units in the same air


def _fitting(
    fitted: Fitted, number: int, seed: int, air: Air, weather: Weather | None, given: Device | None
) -> Fitting:
    """Raises ValueError for an unknown model or a setting that it cannot have."""
    device = given or make_sensor(
        fitted.model, air, seed + number * SEED_STEP, bus=fitted.bus, weather=weather
    )
    if fitted.baud is not None and isinstance(device, Sensor):
        device.baud = fitted.baud
    if fitted.address is not None and isinstance(device, I2cDevice):
        device.address = fitted.address
    return Fitting(fitted, device)


class SimNode:
    """start, stop, kill and start it again at will. Use one thread at a time for these."""

    def __init__(
        self,
        directory: Path,
        options: NodeOptions,
        air: Air,
        *,
        weather: Weather | None = None,
        devices: Mapping[str, Device] | None = None,
        firmware: Path | None = None,
        board: Mapping[str, bytes] | None = None,
        micropython: MicroPython | None = None,
    ) -> None:
        """`air` and `weather` are asked with Unix time. `devices`: by slot, in place of those that are made
        here. `board`: files of a flashed board, by path; then it runs from its slots (docs/node/update.md)
        and `firmware` does not count. Raises SimulatorError when firmware or MicroPython are not found, and
        ValueError for sensors that do not exist."""
        self.options = options
        self._home = Home(directory)
        self.directory, self.flash, self.log = self._home.directory, self._home.flash, self._home.log
        self._unique = hashlib.sha256(options.name.encode()).digest()[:5]
        rssi = -50 - self._unique[0] % 30
        # The first is behind the router that there may be; others may be added. The chip hears all of them.
        self.access_point = AccessPoint(options.ssid, options.wifi_password, rssi)
        self.access_points = [self.access_point]
        self.soft_ap = SoftAp()  # the board's own
        self.board = board
        self.firmware = self._home.directory / "main"
        if board is None:
            self.firmware = compiled((firmware or find_firmware()).resolve(), link=True)
        self.micropython = micropython or find_micropython()
        fittings = [
            _fitting(fitted, number, options.seed, air, weather, (devices or {}).get(fitted.slot))
            for number, fitted in enumerate(options.fitted)
        ]
        self.wiring = Wiring(fittings, steady_unix_clock())
        self.devices: dict[str, Device] = {each.slot: each.device for each in fittings}
        if len(self.devices) != len(fittings):
            raise ValueError("two sensors have the same slot")
        self.lines = {
            each.slot: SerialLine(sensor, each.slot, self.wiring) for each, sensor in self.wiring.uarts()
        }
        self._serial = SerialLines(self.wiring, self._fail)
        self.starts = 0  # of the process, whatever the reason
        self.crashes = 0  # exits that nobody asked for
        self._process: Process | None = None
        self._console: Console | None = None
        self._runner: threading.Thread | None = None
        self._network: Router | None = None
        self._failure: Exception | None = None
        self._ending = threading.Event()
        self._started = threading.Event()
        self._spawning = threading.Lock()

    @property
    def line(self) -> SerialLine:
        """The first sensor on a UART."""
        return next(iter(self.lines.values()))

    def change(self, slot: str, what: Callable[[Any], None]) -> None:
        """Do something to a device (a fault, a brown-out) while nothing else does."""
        with self.wiring.lock:
            what(self.devices[slot])

    def _connect(self, options: NodeOptions) -> NodeOptions:
        """Put a router in the way if there is to be one. Returns the options with its addresses."""
        if not options.router:
            return options
        self._network = network = Router()
        ntp = [server.rpartition(":") for server in options.ntp]
        return replace(
            options,
            broker_host=ROUTER_HOST,
            broker_port=network.tcp(options.broker_host, options.broker_port),
            ntp=tuple(f"{ROUTER_HOST}:{network.udp(host, int(port))}" for host, _, port in ntp),
        )

    @property
    def alive(self) -> bool:
        """Whether the process runs now; false for a moment during a reset, and in deep sleep."""
        process = self._process
        return process is not None and process.poll() is None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> SimNode:
        """Power on: sensor and board. Returns when the process is started."""
        if self._runner is not None:
            raise SimulatorError(f"node {self.options.name} is on already")
        self._home.make()
        self._hang_up()
        self._home.configure(self._connect(self.options))
        self.restore_wifi()
        self._ending.clear()
        self._started.clear()
        self._failure = None
        self._home.link(self.firmware, self.board)
        # The runner starts the process, and the process may not outlive the thread that started it.
        runner = threading.Thread(target=self._live, name=f"node {self.options.name}", daemon=True)
        self._runner = runner
        runner.start()
        self._started.wait()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.stop()
            raise SimulatorError(f"node {self.options.name} cannot start: {failure}") from failure
        return self

    def stop(self) -> None:
        """Ask the process to end, insist after some seconds, power off. Raises SimulatorError if anything of
        the simulator's own failed since start()."""
        self._end(signal.SIGTERM)
        self._hang_up()
        self._report()

    def kill(self) -> None:
        """Power cut: board and sensors are dead at once. With a router, peers see silence until start().
        Raises SimulatorError as stop() does."""
        if self._network is not None:
            self._network.switch(False)
        self._end(signal.SIGKILL)
        self._report()

    def restart(self) -> None:
        """Power cut and power on."""
        self.kill()
        self.start()

    def cut_wifi(self) -> None:
        """Switch the router off."""
        self.access_point.on = False
        if self._network is not None:
            self._network.switch(False)

    def restore_wifi(self) -> None:
        if self._network is not None:
            self._network.switch(True)
        self.access_point.on = True

    def hang_wifi(self) -> None:
        """Let the chip's Wi-Fi stay as it is and carry nothing, until firmware switches its interface off."""
        if self._network is not None:
            self._network.switch(False)
        self.access_point.revived = self.restore_wifi
        self.access_point.hung = True

    def _hang_up(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None

    def _end(self, how: signal.Signals) -> None:
        if self._runner is None:
            return
        with self._spawning:
            self._ending.set()
            process = self._process
        if process is not None:
            end(process, how)
        self._runner.join()
        self._runner = self._process = None

    def _live(self) -> None:
        """Run until told to end, then power off."""
        try:
            with ExitStack() as stack:
                wires: dict[int, Wire] = {}
                for number in UARTS:
                    wires[number] = Wire()
                    stack.callback(wires[number].close)
                unique_id = b"\x02" + self._unique  # a locally administered address
                home = self._home
                chip = Chip(
                    unique_id, self.access_points, wires, self.wiring, home.nvs, home.print, self.soft_ap
                )
                stack.callback(self.wiring.power, False)
                self.wiring.power(True)
                stack.callback(self._serial.close)
                self._serial.open(chip.ports.values(), wires)
                if self.options.console:
                    self._console = Console(home.directory / "console", home.log)
                    stack.callback(self._console.close)
                self._run(chip)
        except Exception as error:  # noqa: BLE001 - kept, told and raised by stop()
            # A mistake in the simulator. As a thread's it would be lost, and the node look merely silent.
            self._fail(error)
        finally:
            self._started.set()
            self._home.unlink()

    def _fail(self, error: Exception) -> None:
        """Keep what stop() or kill() shall raise, and tell it on the console."""
        self._failure = self._failure or error
        self._home.print("".join(traceback.format_exception(error)).rstrip())
        self._home.note("the simulator itself failed; the node stands still")

    def _report(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise SimulatorError(
                f"node {self.options.name}: the simulator itself failed: {failure!r}; {self.log} has the rest"
            ) from failure

    def _run(self, chip: Chip) -> None:
        """Start the process, and again after each reset, until told to end."""
        cause = "power"
        while True:
            run = chip.run(cause)
            ours, theirs = socket.socketpair()
            with ours:
                with self._spawning, theirs:
                    if self._ending.is_set():
                        return
                    try:
                        self._process = process = self._spawn(theirs, chip)
                    except OSError as error:
                        self._failure = error
                        self._home.note(f"cannot start: {error}")
                        self._started.set()
                        return
                self.starts += 1
                self._started.set()
                reset = serve(ours, chip, run, lambda process=process: process.poll() is None)
                if reset is not None:
                    send(process, signal.SIGKILL)
                code = process.wait()
            if self._ending.is_set():
                return
            cause, pause = self._after(code, reset)
            if self._ending.wait(pause):
                return

    def _spawn(self, theirs: socket.socket, chip: Chip) -> Process:
        heap, runtime = self.options.heap, self.micropython.path
        console = self._console.handle if self._console else None
        return spawn(runtime, heap, self._home, theirs.fileno(), chip.handles, console)

    def _after(self, code: int, reset: Reset | None) -> tuple[str, float | None]:
        """(reset cause, seconds until the next start; None for never)"""
        if reset is None:
            self.crashes += 1
            # What a panic is to a chip, which tells one as a reset that was asked for.
            cause, who = ("hard", "a panic") if -code in FAULTS else ("watchdog", "the watchdog")
            self._home.note(f"the process ended by itself with code {code}; restarting as {who} would")
            return cause, REBOOT_S
        self._home.note(f"reset: {reset.cause}" + (f", wakes in {reset.wake_s} s" if reset.wake_s else ""))
        return reset.cause, reset.wake_s
