"""One chip under power: what outlives its resets, and one run after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.board.esp32 import Esp32
from simulator.board.machine import Line, Machine, Rtc
from simulator.board.network import AccessPoint, Network, Station
from simulator.board.power import Watchdog


class Run:
    """From one reset to the next: `modules` by the name under which the node asks for them."""

    def __init__(self, modules: dict[str, object], watchdog: Watchdog) -> None:
        self.modules = modules
        self.watchdog = watchdog


class Chip:
    """Made at power-on. `nvs` is its file, `console` gets the lines that ROM and IDF print."""

    def __init__(
        self,
        unique_id: bytes,
        air: AccessPoint,
        lines: dict[int, Line],
        nvs: Path,
        console: Callable[[str], None],
    ) -> None:
        self.console = console
        self._unique_id = unique_id
        self._air = air
        self._lines = lines
        self._nvs = nvs
        self._rtc = Rtc()
        self._station: Station | None = None

    @property
    def handles(self) -> tuple[int, ...]:
        """Files that the node's process must inherit."""
        return tuple(line.handle for line in self._lines.values())

    def run(self, cause: str = "power") -> Run:
        """Start, for the reason "power", "hard", "watchdog", "deepsleep" or "soft"."""
        station = self._station
        if station is None or cause != "soft" or not station.isconnected():
            self._station = station = Station(self._air, self._unique_id, self.console)
        for line in self._lines.values():
            line.listen(None)
        watchdog = Watchdog()
        modules: dict[str, object] = {
            "machine": Machine(self._unique_id, cause, watchdog, self._rtc, self._lines),
            "network": Network(station),
            "esp32": Esp32(self._nvs),
        }
        return Run(modules, watchdog)
