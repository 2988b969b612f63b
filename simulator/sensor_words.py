"""What `dustline sim node` understands by --sensor and --fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from simulator.options import I2C_PINS, UART_PINS, Fitted, fit
from simulator.sensors import MODELS, i2c_address, kind_of
from simulator.sensors.base import Device
from simulator.sensors.faults import Faults

SLOTS = "abcdefghijklmnopqrstuvwxyz"
LAST_PIN = 33  # those above are for input only
WIRING = ("swapped", "baud")  # faults of how a sensor is fitted, not of the device
# Faults that not every bus can have; the emulators on the others pass them over.
ONLY_ON = {
    "swapped": ("uart", "i2c"),
    "baud": ("uart",),
}
_BUS = {"uart": "a UART", "i2c": "an I2C bus", "pin": "one pin"}
YES_NO = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}


def fit_all(words: Sequence[str], auto: bool = False) -> tuple[Fitted, ...]:
    """MODEL, or MODEL@WHERE: the number of a UART or an I2C bus, or a data pin, where needed after the bus's
    name: sds011, pms5003@2, sps30@i2c, sps30@i2c1, dht22@4. Slots are a, b, c in this order; without a number
    it is the first UART that is free, I2C bus 0, pin 4. `auto`: config.json does not name the models.
    Raises ValueError with a sentence for the user."""
    if len(words) > len(SLOTS):
        raise ValueError(f"{len(words)} sensors are more than a board holds")
    fitted: list[Fitted] = []
    for slot, word in zip(SLOTS, words, strict=False):
        one = _fit(slot, word, [each.uart for each in fitted if each.bus == "uart"])
        taken = _pins(one) & {pin for each in fitted if not _share(one, each) for pin in _pins(each)}
        if taken:
            raise ValueError(f"{word}: pin {min(taken)} has another sensor already")
        if one.bus == "i2c":
            _check_address(word, one, fitted)
        if auto and one.bus != "pin":
            one = replace(one, configured="auto")
        fitted.append(one)
    return tuple(fitted)


def _fit(slot: str, word: str, uarts: list[int | None]) -> Fitted:
    model, at, where = word.partition("@")
    name = where.rstrip("0123456789")
    digits = where[len(name) :]
    if at and (not where or name not in ("", "uart", "i2c", "pin")):
        raise ValueError(f"{word}: behind the @ comes a number, or uart, i2c or pin and a number")
    number = int(digits) if digits else None
    one = fit(model, slot, name or None, None)
    known = {"uart": UART_PINS, "i2c": I2C_PINS}.get(one.bus)
    if number is not None and known is not None and number not in known:
        raise ValueError(f"{word}: the board has {one.bus.upper()} {' and '.join(map(str, known))}")
    if one.bus == "pin" and number is not None and not 0 <= number <= LAST_PIN:
        raise ValueError(f"{word}: the board's pins are 0 to {LAST_PIN}")
    if number is None and one.bus == "uart":
        free = [each for each in UART_PINS if each not in uarts]
        if not free:
            raise ValueError(f"{word}: the board's UARTs are all taken")
        number = free[0]
    return fit(model, slot, one.bus, number)


def _check_address(word: str, one: Fitted, others: Sequence[Fitted]) -> None:
    """Two devices of one address on one bus would answer at the same time."""
    address = i2c_address(one.model)
    for other in others:
        if _share(one, other) and i2c_address(other.model) == address:
            raise ValueError(
                f"{word}: I2C bus {one.i2c} has a {other.model} at address 0x{address:02x} already; "
                f"put one on the other bus, for instance {one.model}@i2c1"
            )


def _pins(fitted: Fitted) -> set[int]:
    pins = (fitted.tx, fitted.rx, fitted.sda, fitted.scl, fitted.pin)
    return {pin for pin in pins if pin is not None}


def _share(one: Fitted, other: Fitted) -> bool:
    """Many devices may hang on an I2C bus."""
    return one.bus == other.bus == "i2c" and one.i2c == other.i2c


@dataclass(frozen=True)
class Fault:
    slot: str
    name: str
    value: float

    def wired(self, fitted: tuple[Fitted, ...]) -> tuple[Fitted, ...]:
        """The sensors as they are fitted with this fault."""
        if self.name not in WIRING:
            return fitted
        value = bool(self.value) if self.name == "swapped" else int(self.value)
        return tuple(
            replace(each, **{self.name: value}) if each.slot == self.slot else each for each in fitted
        )

    def strike(self, device: Device) -> None:
        """Let the device have it from now on."""
        if self.name not in WIRING:
            switch = isinstance(getattr(Faults(), self.name), bool)
            setattr(device.faults, self.name, bool(self.value) if switch else self.value)


def parse_fault(word: str, fitted: Sequence[Fitted]) -> Fault:
    """SLOT:NAME, SLOT:NAME=PROBABILITY, SLOT:swapped or SLOT:baud=SPEED. Raises ValueError with a sentence
    for the user."""
    slot, colon, rest = word.partition(":")
    name, _, text = rest.partition("=")
    slots = {each.slot: each for each in fitted}
    if not colon or slot not in slots:
        raise ValueError(
            f"{word}: a fault begins with a slot and a colon, as in a:mute; the slots are {', '.join(slots)}"
        )
    if name not in fault_names():
        raise ValueError(f"{word}: no fault {name!r}; there are {', '.join(fault_names())}")
    one = slots[slot]
    if one.bus not in ONLY_ON.get(name, (one.bus,)) or name in kind_of(one.model, one.bus).spared:
        raise ValueError(f"{word}: {one.model} in slot {slot}, on {_BUS[one.bus]}, cannot have {name}")
    try:
        value = YES_NO[text] if text in YES_NO else float(text or 1)
    except ValueError:
        raise ValueError(f"{word}: {text!r} is not a number") from None
    if name == "baud" and not 300 <= value <= 1_000_000:
        raise ValueError(f"{word}: a speed is 300 to 1000000 baud")
    if name != "baud" and not 0 <= value <= 1:
        raise ValueError(f"{word}: a probability is 0 to 1")
    return Fault(slot, name, value)


def fault_names() -> list[str]:
    return [*(field.name for field in fields(Faults)), *WIRING]


def models_text() -> str:
    """All models, each with its buses where it has more than one."""
    buses: dict[str, list[str]] = {}
    for model, bus in MODELS:
        buses.setdefault(model, []).append(bus)
    return ", ".join(model if len(on) == 1 else f"{model} ({' or '.join(on)})" for model, on in buses.items())
