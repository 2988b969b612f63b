"""The node's chip on simulated time: the simulator's, but that a UART's bytes come by the hour's Wire."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.board.esp32 import Esp32
from simulator.board.i2c import I2cs
from simulator.board.machine import Machine, Rtc, Wdt
from simulator.board.network import AccessPoint, Network, Station
from simulator.board.pins import Pads, Pin
from simulator.board.power import Watchdog
from simulator.board.talk import Desk
from simulator.board.uart import NodeUart
from simulator.board.wiring import Fitting, Wiring
from simulator.options import Fitted
from simulator.sensors import make_sensor
from simulator.sensors.base import Air, Device
from simulator.sensors.plantower import Pms5003
from simulator.sensors.sds011 import Sds011
from tests.firmware.hour.wire import LONGEST_MS, Wire

Clock = Callable[[], float]


class Line(Wire):
    """A Wire that goes from one frame to the next, not in steps of 10 ms: days have many of those."""

    def _go_on(self, now: int) -> None:
        while self._now < now:
            self._now = min(now, math.ceil(self._due()))
            data = self.sensor.advance(self._now / 1000)
            if data:
                if not self._sent:
                    self._first_at = max(self._free_at, self._now) + self._byte_ms
                self._sent += data
                self._free_at = self._first_at + (len(self._sent) - 1) * self._byte_ms
        if self._sent and self._first_at <= now:
            n = min(int((now - self._first_at) / self._byte_ms) + 1, len(self._sent))
            self._arrive(bytes(self._sent[:n]))
            del self._sent[:n]
            self._first_at += n * self._byte_ms

    def _due(self) -> float:
        """ms of the next thing that the sensor does by itself; later than now."""
        sensor = self.sensor
        due = [waiting.due for waiting in sensor._waiting]
        if isinstance(sensor, Pms5003) and not sensor.asleep:
            due.append(sensor.chamber.next)
        elif isinstance(sensor, Sds011) and not sensor.asleep:
            due.append(sensor._next)
        return max(min(due, default=math.inf) * 1000, self._now + 1)

    def quiet_ms(self) -> int:
        return 0 if self._sent else int(min(self._due() - self._now, LONGEST_MS))


class SimUart:
    """A UART. What has a public name is for firmware to use."""

    def __init__(self, number: int, wiring: Wiring, clock: Clock) -> None:
        self._number = number
        self._wiring = wiring
        self._clock = clock
        self._line: Line | None = None

    def init(self, baudrate: int, *, tx: int, rx: int, rxbuf: int, timeout: int) -> None:
        self._line = None
        for fitting, sensor in self._wiring.uarts():
            if (fitting.talks, fitting.hears) == (rx, tx) and sensor.baud == baudrate:
                self._line = Line(sensor, rxbuf)
                self._line._now = int(self._clock() * 1000)

    def deinit(self) -> None:
        self._line = None

    def any(self) -> int:
        return len(self._line._held) if self._line else 0


class SimUarts:
    """`machine.UART`"""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        self._uarts = {n: NodeUart(SimUart(n, wiring, clock), n) for n in (1, 2)}  # type: ignore[arg-type]
        self._clock = clock

    def __call__(self, id: int, **settings: int) -> NodeUart:
        uart = self._uarts[id]
        uart.uart.init(**settings)  # type: ignore[arg-type]
        return uart

    def _lines(self) -> dict[int, Line | None]:
        return {number: uart.uart._line for number, uart in self._uarts.items()}  # type: ignore[attr-defined]


class DaysDesk(Desk):
    """A watchdog and a pin go to the node as what they are: feeding and switching need no answer."""

    def _tell(self, value: object, path: str) -> bytes:
        if not path and isinstance(value, Wdt | Pin):
            return f"@{self._number(value)} s\n".encode()
        return super()._tell(value, path)

    def switch(self, number: int, level: int) -> None:
        thing = self._things[str(number)]
        thing.feed() if isinstance(thing, Wdt) else thing(level)  # type: ignore[operator]


class SimChip:
    """`clock`: simulated seconds since the beginning of all. What outlives a reset is here."""

    def __init__(
        self, fitted: Sequence[Fitted], clock: Clock, air: Air, access_point: AccessPoint, nvs: Path
    ) -> None:
        self.clock = clock
        self.access_point = access_point
        self.devices: dict[str, Device] = {}
        fittings: list[Fitting] = []
        for number, one in enumerate(fitted):
            device = make_sensor(one.model, air, 7 + number, bus=one.bus)
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
        machine.I2C = I2cs(self._pads, lambda _s: None)  # type: ignore[assignment]
        machine.UART = self._uarts = SimUarts(self.wiring, self.clock)  # type: ignore[assignment]
        network, esp32 = Network(station), Esp32(self._nvs, self._pads)
        return DaysDesk({"machine": machine, "network": network, "esp32": esp32}), watchdog

    def line(self, number: int) -> Line | None:
        """The wire at a UART, None while it is closed or nothing is on its pins."""
        assert self._uarts is not None
        return self._uarts._lines()[number]
