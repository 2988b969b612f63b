"""One chip under power: what outlives its resets, and one run after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from simulator.board.esp32 import Esp32
from simulator.board.machine import Machine, Rtc
from simulator.board.network import AccessPoint, Network, Station
from simulator.board.pins import Pads
from simulator.board.power import Watchdog
from simulator.board.soft_ap import SoftAp, restart
from simulator.board.uart import Line, Port
from simulator.board.wiring import Wiring


class Run:
    """From one reset to the next: `modules` by the name under which the node asks for them."""

    def __init__(self, modules: dict[str, object], watchdog: Watchdog) -> None:
        self.modules = modules
        self.watchdog = watchdog


class Chip:
    """Made at power-on. `lines`: of its UARTs, by number. `nvs` is its file, `console` gets the lines that
    ROM and IDF print."""

    def __init__(
        self,
        unique_id: bytes,
        air: AccessPoint | Sequence[AccessPoint],
        lines: Mapping[int, Line],
        wiring: Wiring,
        nvs: Path,
        console: Callable[[str], None],
        soft_ap: SoftAp | None = None,
    ) -> None:
        self.console = console
        self._unique_id = unique_id
        self._air = air
        self._pads = Pads(wiring)
        self.ports = {number: Port(number, line, self._pads) for number, line in lines.items()}
        self._nvs = nvs
        self._rtc = Rtc()
        self._station: Station | None = None
        self._soft_ap = soft_ap or SoftAp()

    @property
    def handles(self) -> tuple[int, ...]:
        """Files that the node's process must inherit."""
        return tuple(port.line.handle for port in self.ports.values())

    def run(self, cause: str = "power") -> Run:
        """Start, for the reason "power", "hard", "watchdog", "deepsleep" or "soft"."""
        station = self._station
        if station is None or cause != "soft" or not station.isconnected():
            self._station = station = Station(self._air, self._unique_id, self.console)
        for port in self.ports.values():
            port.shut()
            port.reset()
        if cause != "soft":
            self._pads.reset()
            restart(self._soft_ap)
        watchdog = Watchdog()
        modules: dict[str, object] = {
            "machine": Machine(self._unique_id, cause, watchdog, self._rtc, self._pads, self.ports),
            "network": Network(station, self._soft_ap),
            "esp32": Esp32(self._nvs, self._pads),
        }
        return Run(modules, watchdog)
