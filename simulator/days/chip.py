"""The node's chip on simulated time: the simulator's, but that a UART's bytes come by the hour's Wire."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from simulator.board.esp32 import Esp32
from simulator.board.i2c import I2cs
from simulator.board.machine import Machine, Rtc, Wdt
from simulator.board.network import AccessPoint, Network, Station
from simulator.board.pins import Pads, Pin
from simulator.board.power import Watchdog
from simulator.board.talk import Desk
from simulator.board.uart import NodeUart, Uart, Uarts
from simulator.board.wiring import Fitting, Wiring
from simulator.days.wire import Line
from simulator.options import Fitted
from simulator.sensors import make_sensor
from simulator.sensors.base import Air, Device

Clock = Callable[[], float]


class SimUart:
    """A UART. What has a public name is for firmware to use."""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        self._wiring = wiring
        self._clock = clock
        self.line: Line | None = None

    def init(self, baudrate: int, *, tx: int, rx: int, rxbuf: int, timeout: int) -> None:
        self.line = None
        for fitting, sensor in self._wiring.uarts():
            if (fitting.talks, fitting.hears) == (rx, tx) and sensor.baud == baudrate:
                self.line = Line(sensor, rxbuf, int(self._clock() * 1000))

    def deinit(self) -> None:
        self.line = None

    def any(self) -> int:
        return self.line.held if self.line else 0


class SimUarts:
    """`machine.UART`"""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        self.uarts = {number: SimUart(wiring, clock) for number in (1, 2)}
        self._told = {number: NodeUart(cast(Uart, uart), number) for number, uart in self.uarts.items()}

    def __call__(self, id: int, **settings: int) -> NodeUart:
        self.uarts[id].init(**settings)
        return self._told[id]


class DaysDesk(Desk):
    """A watchdog and a pin go to the node as what they are: feeding and switching need no answer."""

    def _tell(self, value: object, path: str) -> bytes:
        if not path and isinstance(value, Wdt | Pin):
            return f"@{self._number(value)} s\n".encode()
        return super()._tell(value, path)

    def switch(self, number: int, level: int) -> None:
        thing = self._things[str(number)]
        if isinstance(thing, Wdt):
            thing.feed()
        else:
            cast(Pin, thing)(level)


class SimChip:
    """`clock`: simulated seconds since the beginning of all. What outlives a reset is here. `devices`: by
    slot; the others are made here and are in `air`."""

    def __init__(
        self,
        fitted: Sequence[Fitted],
        clock: Clock,
        air: Air,
        access_point: AccessPoint,
        nvs: Path,
        devices: Mapping[str, Device] | None = None,
    ) -> None:
        self.clock = clock
        self.access_point = access_point
        self.devices: dict[str, Device] = {}
        fittings: list[Fitting] = []
        for number, one in enumerate(fitted):
            given = (devices or {}).get(one.slot)
            device = given or make_sensor(one.model, air, 7 + number, bus=one.bus)
            self.devices[one.slot] = device
            fittings.append(Fitting(one, device))
        self.wiring = Wiring(fittings, clock)
        self.console: list[str] = []
        self._nvs = nvs
        self._pads = Pads(self.wiring)
        self._unique = b"\x02" + hashlib.sha256(b"days").digest()[:5]
        self._uarts: SimUarts | None = None
        self.power_on()

    def power_on(self) -> None:
        """After a power cut: RAM is lost, the clock begins anew."""
        self.wiring.power(False)
        self.wiring.power(True)
        self._rtc = Rtc(self.clock)

    def start(self, cause: str) -> tuple[DaysDesk, Watchdog]:
        """A run of the chip, for the reason "power", "hard", "watchdog", "deepsleep" or "soft"."""
        station = Station(self.access_point, self._unique, self.console.append, self.clock)
        self._pads.reset()
        watchdog = Watchdog(self.clock)
        machine = Machine(self._unique, cause, watchdog, self._rtc, self._pads, {})
        self._uarts = SimUarts(self.wiring, self.clock)
        machine.I2C = I2cs(self._pads, lambda _s: None)
        machine.UART = cast(Uarts, self._uarts)
        network, esp32 = Network(station), Esp32(self._nvs, self._pads)
        return DaysDesk({"machine": machine, "network": network, "esp32": esp32}), watchdog

    def line(self, number: int) -> Line | None:
        """The wire at a UART, None while it is closed or nothing is on its pins."""
        assert self._uarts is not None
        return self._uarts.uarts[number].line
