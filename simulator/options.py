"""What a simulated node is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.sensors import MODELS

# Pins that are free and safe on common ESP32 dev boards, for those that are not named.
UART_PINS = {1: (17, 16), 2: (33, 32)}  # number: (tx, rx)
I2C_PINS = {0: (21, 22), 1: (26, 27)}  # number: (sda, scl)
DATA_PIN = 4


@dataclass(frozen=True)
class Fitted:
    """A sensor on the board: how it is wired, and what config.json says of it.

    It hangs on `pin` if that is given (one data wire), else on I2C bus number `i2c`, else on `uart`. tx, rx,
    sda, scl: the board's pins; left out, they are the usual ones.
    """

    slot: str = "a"
    model: str = "sds011"
    uart: int | None = 1
    tx: int | None = None
    rx: int | None = None
    i2c: int | None = None
    sda: int | None = None
    scl: int | None = None
    pin: int | None = None
    power: int | None = None  # pin of a switch in its supply, off until the pin has the level `power_on`
    power_on: int = 1
    configured: str | None = None  # config.json names this model instead, for instance "auto"
    mode: str | None = None
    swapped: bool = False  # its two signal wires are crossed: tx with rx, or sda with scl
    baud: int | None = None  # the device talks at this speed instead of its usual one
    address: int | None = None  # the device's I2C address is set to this one

    def __post_init__(self) -> None:
        """Raises ValueError for pins that cannot be told."""
        if self.bus == "uart":
            self._fill("tx", "rx", UART_PINS.get(self.uart or 0))
        elif self.bus == "i2c":
            object.__setattr__(self, "uart", None)
            self._fill("sda", "scl", I2C_PINS.get(self.i2c or 0))
        else:
            object.__setattr__(self, "uart", None)

    def _fill(self, first: str, second: str, usual: tuple[int, int] | None) -> None:
        if None not in (getattr(self, first), getattr(self, second)):
            return
        if usual is None:
            raise ValueError(f"slot {self.slot}: there is no such {self.bus.upper()} on the board")
        for name, number in zip((first, second), usual, strict=True):
            if getattr(self, name) is None:
                object.__setattr__(self, name, number)

    @property
    def bus(self) -> str:
        return "pin" if self.pin is not None else "i2c" if self.i2c is not None else "uart"

    def config(self) -> dict[str, Any]:
        """Its entry in config.json's `sensors`."""
        entry: dict[str, Any] = {"slot": self.slot, "model": self.configured or self.model}
        for name in ("uart", "tx", "rx", "i2c", "sda", "scl", "pin", "address", "mode", "power"):
            if getattr(self, name) is not None and (self.bus == "uart" or name not in ("tx", "rx")):
                entry[name] = getattr(self, name)
        if self.power is not None and self.power_on != 1:
            entry["power_on"] = self.power_on
        return entry


def fit(model: str, slot: str = "a", bus: str | None = None, number: int | None = None) -> Fitted:
    """A sensor at the usual pins. `bus`: None is the first that the model has; `number`: the UART's, the I2C
    bus's or the data pin's. Raises ValueError for an unknown model or a bus that it does not have."""
    buses = [known for name, known in MODELS if name == model]
    if not buses:
        raise ValueError(f"no emulator for sensor {model!r}; there are: {', '.join(known_models())}")
    bus = bus or buses[0]
    if bus not in buses:
        raise ValueError(f"sensor {model!r} is not on bus {bus!r}; it is on: {', '.join(buses)}")
    if bus == "uart":
        return Fitted(slot, model, uart=1 if number is None else number)
    if bus == "i2c":
        return Fitted(slot, model, i2c=0 if number is None else number)
    return Fitted(slot, model, pin=DATA_PIN if number is None else number)


def heap_for(sensors: Sequence[Fitted]) -> str:
    """What a node with these gets: a second driver, or the search for what is fitted, does not go into the
    128 KiB in which nodes with a single sensor are tested. See bench/heap.py."""
    return "128k" if len(sensors) == 1 and sensors[0].configured is None else "192k"


def known_models() -> list[str]:
    return sorted({model for model, _ in MODELS})


@dataclass(frozen=True)
class TlsOptions:
    """Files, DER or PEM, that are copied into the node's flash, and the name to check if not the host's."""

    ca: Path | None = None  # None: config.json names a file that is not there
    name: str | None = None
    cert: Path | None = None
    key: Path | None = None

    def files(self) -> dict[str, Path]:
        """By their names in flash."""
        return {
            f"{role}{path.suffix}": path
            for role, path in (("ca", self.ca), ("cert", self.cert), ("key", self.key))
            if path is not None
        }

    def config(self) -> dict[str, Any]:
        """Its part of config.json's `broker`."""
        names = {name.partition(".")[0]: name for name in self.files()}
        return {"tls": True, "ca": "ca.der", "tls_name": self.name, "cert": None, "key": None, **names}


@dataclass(frozen=True)
class NodeOptions:
    """What a node is and where it sends; the times are the firmware's config.json."""

    name: str
    model: str = "sds011"  # the one sensor, at the usual pins, when `sensors` is empty
    network: str = "warsaw"
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    user: str | None = None
    password: str | None = None
    tls: TlsOptions | None = None
    ntp: tuple[str, ...] = ()
    ssid: str = "dustline"
    wifi_password: str = "particles"  # noqa: S105 - of a router that does not exist
    warmup_s: int = 30
    window_s: int = 60
    sleep_s: int = 0
    health_s: int = 600
    ack_timeout_s: int = 20
    keepalive_s: int = 60
    spread_s: int = 2  # the firmware's own default is 60
    seed: int = 0
    heap: str = "128k"
    # All traffic goes through a router that cut_wifi() silences; its far side never hears of a power cut.
    # Without it cutting Wi-Fi is seen through WLAN only: the sockets are the host's and stay open.
    router: bool = False
    sensors: tuple[Fitted, ...] = ()
    auto: bool = False  # config.json does not say what is fitted, nor where: the firmware looks
    console: bool = False  # its serial console can be opened, as `console` in its directory
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])  # further settings of config.json

    @property
    def fitted(self) -> tuple[Fitted, ...]:
        """The sensors on the board. Raises ValueError for an unknown model."""
        return self.sensors or (fit(self.model),)

    @property
    def kit(self) -> str:
        """What is fitted, for people: "sds011 + bme280"; in brackets what the node has to find out."""
        return " + ".join(f"({one.model})" if one.configured else one.model for one in self.fitted)

    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        broker = {
            "host": self.broker_host,
            "port": self.broker_port,
            "user": self.user,
            "password": self.password,
            **(self.tls.config() if self.tls else {}),
        }
        return {
            "node": self.name,
            "network": self.network,
            "wifi": [{"ssid": self.ssid, "password": self.wifi_password}],
            "broker": broker,
            "ntp": list(self.ntp),
            "sensors": "auto" if self.auto else [sensor.config() for sensor in self.fitted],
            "warmup_s": self.warmup_s,
            "window_s": self.window_s,
            "sleep_s": self.sleep_s,
            "health_s": self.health_s,
            "ack_timeout_s": self.ack_timeout_s,
            "keepalive_s": self.keepalive_s,
            "spread_s": self.spread_s,
            **self.extra,
        }
