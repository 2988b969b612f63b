"""What is soldered to the chip's pins: sensors, the switches in their supply, and the levels that come of it.

All that touches a device holds `lock`: the node's requests, the serial lines and the tests come in threads of
their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from simulator.options import Fitted
from simulator.sensors.base import Device, Sensor
from simulator.sensors.i2c import RELEASE_CLOCKS, I2cDevice


class OneWire(Protocol):
    """A device on one data wire, as the DHT22."""

    powered: bool

    def read(self, now: float) -> bytes: ...


class Fitting:
    """A device and its wires."""

    def __init__(self, fitted: Fitted, device: Device) -> None:
        self.slot = fitted.slot
        self.bus = fitted.bus
        self.device = device
        first, second = (fitted.rx, fitted.tx) if self.bus == "uart" else (fitted.sda, fitted.scl)
        if fitted.swapped:
            first, second = second, first
        self.talks, self.hears = first, second  # UART: the board's pins at the device's TX and RX
        self.sda, self.scl = first, second
        self.data = fitted.pin
        self.switch = fitted.power
        self.switch_on = fitted.power_on
        self.plugged = True
        self.supplied = False

    def level(self, pin: int) -> int | None:
        """What the device makes of a pin: UART TX and I2C's pull-ups are high when idle. None: nothing."""
        if not self.device.powered:
            return None
        if self.bus == "uart":
            return 1 if pin == self.talks else None
        if self.bus == "i2c":
            if pin == self.sda and cast(I2cDevice, self.device).holds_sda:
                return 0
            return 1 if pin in (self.sda, self.scl) else None
        return 1 if pin == self.data else None


class Wiring:
    """`clock`: seconds for the devices. The board is off until power(True)."""

    def __init__(self, fittings: Sequence[Fitting], clock: Callable[[], float]) -> None:
        self.fittings = tuple(fittings)
        self.clock = clock
        self.lock = threading.RLock()
        self._on = False
        self._driven: dict[int, int] = {}  # by the chip
        self._pressed: set[int] = set()
        self._clocks: dict[int, int] = {}  # rising edges per pin since it was last used as SCL

    def power(self, on: bool) -> None:
        """The board's supply, from which the sensors' comes."""
        with self.lock:
            self._on = on
            self._driven.clear()
            self._settle()

    def plug(self, slot: str, plugged: bool) -> None:
        """Cut one device's supply, or give it back."""
        with self.lock:
            self[slot].plugged = plugged
            self._settle()

    def __getitem__(self, slot: str) -> Fitting:
        return next(fitting for fitting in self.fittings if fitting.slot == slot)

    def drive(self, pin: int, level: int | None) -> None:
        """The chip puts a level on a pin, or lets it go (None): this works switches and frees a stuck bus."""
        with self.lock:
            before = self._driven.get(pin)
            if before == level:
                return
            if level is None:
                self._driven.pop(pin, None)
            else:
                self._driven[pin] = level
            self._settle()
            if before == 0:
                self._tick(pin)

    def driven(self, pin: int) -> int | None:
        """The level that the chip puts on a pin, such as an LED's; None: none."""
        with self.lock:
            return self._driven.get(pin)

    def level(self, pin: int) -> int | None:
        """What the devices make of a pin; 0 wins. None: nothing drives it."""
        with self.lock:
            levels = {fitting.level(pin) for fitting in self.fittings} - {None}
            if pin in self._pressed:
                return 0
            return None if not levels else 0 if 0 in levels else 1

    def press(self, pin: int, down: bool) -> None:
        """A button between a pin and ground, as the boot button."""
        with self.lock:
            (self._pressed.add if down else self._pressed.discard)(pin)

    def uarts(self) -> list[tuple[Fitting, Sensor]]:
        return [(each, cast(Sensor, each.device)) for each in self.fittings if each.bus == "uart"]

    def i2c(self, sda: int, scl: int, address: int) -> list[I2cDevice]:
        """The powered devices with that address on a bus."""
        found = [
            cast(I2cDevice, each.device)
            for each in self.fittings
            if each.bus == "i2c" and (each.sda, each.scl) == (sda, scl) and each.device.powered
        ]
        return [device for device in found if device.address == address]

    def one_wire(self, pin: int) -> OneWire | None:
        """The powered device on a data pin."""
        for each in self.fittings:
            if each.bus == "pin" and each.data == pin and each.device.powered:
                return cast(OneWire, each.device)
        return None

    def _settle(self) -> None:
        """Each device has power when the board has it, its plug is in and its switch is on."""
        for each in self.fittings:
            switched = each.switch is None or self._driven.get(each.switch) == each.switch_on
            supplied = self._on and each.plugged and switched
            if supplied != each.supplied:  # a test may have cut the device's power by itself
                each.supplied = supplied
                each.device.power(supplied, self.clock())

    def _tick(self, pin: int) -> None:
        """A rising edge: nine of them on SCL free a bus whose SDA is held low."""
        holding = [
            cast(I2cDevice, each.device)
            for each in self.fittings
            if each.bus == "i2c" and each.scl == pin and cast(I2cDevice, each.device).holds_sda
        ]
        self._clocks[pin] = self._clocks.get(pin, 0) + 1 if holding else 0
        if self._clocks[pin] >= RELEASE_CLOCKS:
            self._clocks[pin] = 0
            for device in holding:
                device.release()
