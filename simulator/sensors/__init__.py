"""Byte-level sensor emulators, written from the protocol descriptions."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, cast, overload

from simulator.sensors.base import Air, Device, Sensor, Weather
from simulator.sensors.i2c import I2cDevice

# (model, bus) -> (module, class, whether it takes `weather`). A module is imported when its model is made.
MODELS: dict[tuple[str, str], tuple[str, str, bool]] = {
    ("sds011", "uart"): ("sds011", "Sds011", False),
    ("pms3003", "uart"): ("plantower", "Pms3003", False),
    ("pms5003", "uart"): ("plantower", "Pms5003", False),
    ("pms7003", "uart"): ("plantower", "Pms7003", False),
    ("pmsa003", "uart"): ("plantower", "Pmsa003", False),
    ("pms5003t", "uart"): ("plantower", "Pms5003t", True),
    ("pms5003st", "uart"): ("plantower", "Pms5003st", True),
    ("pmsa003i", "i2c"): ("pmsa003i", "Pmsa003i", False),
    ("sps30", "uart"): ("sps30_uart", "Sps30Uart", False),
    ("sps30", "i2c"): ("sps30_i2c", "Sps30I2c", False),
    ("sen50", "i2c"): ("sen5x", "Sen50", True),
    ("sen54", "i2c"): ("sen5x", "Sen54", True),
    ("sen55", "i2c"): ("sen5x", "Sen55", True),
    ("bme280", "i2c"): ("bme280", "Bme280", True),
    ("bmp280", "i2c"): ("bme280", "Bmp280", True),
    ("sht3x", "i2c"): ("sht3x", "Sht3x", True),
    ("sht4x", "i2c"): ("sht4x", "Sht4x", True),
    ("dht22", "pin"): ("dht22", "Dht22", True),
}
UART_MODELS = tuple(sorted(model for model, bus in MODELS if bus == "uart"))


def i2c_address(model: str) -> int:
    """The address, 7 bits, that a model has on I2C when nobody changed it."""
    return cast("type[I2cDevice]", kind_of(model, "i2c")).address


def kind_of(model: str, bus: str) -> type[Device]:
    """The class of an emulator that MODELS knows."""
    module, name, _ = MODELS[model, bus]
    return getattr(import_module(f"simulator.sensors.{module}"), name)


@overload
def make_sensor(
    model: str, air: Air, seed: int = 0, *, bus: Literal["uart"] = "uart", weather: Weather | None = None
) -> Sensor: ...
@overload
def make_sensor(
    model: str, air: Air, seed: int = 0, *, bus: Literal["i2c"], weather: Weather | None = None
) -> I2cDevice: ...
@overload
def make_sensor(
    model: str, air: Air, seed: int = 0, *, bus: str, weather: Weather | None = None
) -> Device: ...
def make_sensor(
    model: str, air: Air, seed: int = 0, *, bus: str = "uart", weather: Weather | None = None
) -> Device:
    """A sensor on "uart", "i2c" or "pin", powered off. Raises ValueError for an unknown one."""
    if (model, bus) not in MODELS:
        buses = [known for name, known in MODELS if name == model]
        if buses:
            raise ValueError(f"sensor {model!r} is not on bus {bus!r}; it is on: {', '.join(buses)}")
        known = ", ".join(sorted({name for name, _ in MODELS}))
        raise ValueError(f"no emulator for sensor {model!r}; there are: {known}")
    kind = cast(Any, kind_of(model, bus))
    takes_weather = MODELS[model, bus][2]
    return kind(air, seed, weather=weather) if takes_weather and weather is not None else kind(air, seed)
