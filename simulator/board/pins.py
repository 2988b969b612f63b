"""`machine.Pin` of the ESP32, and the pads that UART and I2C share with it."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.board.wiring import Wiring

UNUSABLE = (20, 24, 28, 29, 30, 31)
LAST = 39
FIRST_INPUT_ONLY = 34


class PinModes:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2


@dataclass
class Pad:
    """What the chip does with a pin. `owner`: the peripheral whose output lies on it, None for Pin's own."""

    owner: object = None
    mode: int = 0
    pull: int = 0
    level: int = 0


class Pads:
    """All pads of the chip. The last to ask for a pad's output has it."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._pads: dict[int, Pad] = {}
        self._pins: dict[int, Pin] = {}
        self._held: set[int] = set()
        self.sleep_hold = False  # esp32.gpio_deep_sleep_hold()

    def reset(self) -> None:
        """As a reset does, but for a soft one: all pins float, but for those held."""
        for number in list(self._pads):
            self._pads[number] = Pad()
            self._tell(number)

    def sleep(self) -> None:
        """As deep sleep does: all pins float, those held, too, unless they are held in sleep as well."""
        if not self.sleep_hold:
            self._held.clear()
        self.reset()

    def hold(self, number: int, on: bool) -> None:
        """Keep what the pad drives, whatever it is told, until it is let go; that outlives resets."""
        self._held.discard(number)
        self._tell(number)
        if on:
            self._held.add(number)

    def number(self, pin: object) -> int:
        """Of a Pin or a number. Raises ValueError for any other thing."""
        for number, known in self._pins.items():
            if known is pin:
                return number
        if not isinstance(pin, int) or not 0 <= pin <= LAST or pin in UNUSABLE:
            raise ValueError("invalid pin")
        return pin

    def output(self, pin: object) -> int:
        """The same, of a pin that can drive. Raises OSError as the IDF does."""
        number = self.number(pin)
        if number >= FIRST_INPUT_ONLY:
            raise OSError(1, "ESP_FAIL")
        return number

    def pin(self, number: int) -> Pin:
        """Always the same one."""
        return self._pins.setdefault(number, Pin(number, self))

    def __getitem__(self, number: int) -> Pad:
        return self._pads.setdefault(number, Pad())

    def claim(self, number: int, owner: object) -> None:
        """A peripheral's output is put on the pad; it idles high."""
        self._pads[number] = Pad(owner, pull=PinModes.PULL_UP)
        self._tell(number)

    def listen(self, number: int, owner: object) -> None:
        """A peripheral's input: what another had driven there is let go."""
        if self[number].owner is not owner:
            self._pads[number] = Pad(mode=PinModes.IN, pull=PinModes.PULL_UP)
            self._tell(number)

    def configure(self, number: int, mode: int | None, pull: int | None, level: int | None) -> None:
        """As Pin.init() does. With a mode the pad is Pin's from then on. None, and pull -1: as it is; pull
        None: no pull."""
        pad = self[number]
        if mode is not None:
            pad.owner, pad.mode = None, mode
        if pull is None or pull >= 0:
            pad.pull = pull or 0
        if level is not None:
            pad.level = level
        self._tell(number)

    def read(self, number: int) -> int:
        """The level at the pin."""
        pad, outside = self[number], self.wiring.level(number)
        ours = self._driven(pad)
        if ours is not None and (ours == 0 or pad.owner is None):
            return ours
        if outside is not None:
            return outside
        return 1 if ours or pad.pull & PinModes.PULL_UP else 0

    def _driven(self, pad: Pad) -> int | None:
        if pad.owner is not None:
            return 1
        if pad.mode == PinModes.OUT:
            return pad.level
        return 0 if pad.mode == PinModes.OPEN_DRAIN and not pad.level else None

    def _tell(self, number: int) -> None:
        if number in self._held:
            return
        self.wiring.drive(number, self._driven(self[number]))


class Pin(PinModes):
    """One pin."""

    def __init__(self, number: int, pads: Pads) -> None:
        self._number = number
        self._pads = pads

    def init(
        self,
        mode: int | None = None,
        pull: int | None = -1,
        *,
        value: object = None,
        hold: object = None,
    ) -> None:
        mode = None if mode == -1 else mode
        if self._number >= FIRST_INPUT_ONLY and mode in (self.OUT, self.OPEN_DRAIN):
            raise ValueError("pin can only be input")
        self._pads.configure(self._number, mode, pull, None if value is None else int(bool(value)))
        if hold is not None:
            self._pads.hold(self._number, bool(hold))

    def value(self, level: object = None) -> int | None:
        if level is None:
            return self._pads.read(self._number)
        self._pads.configure(self._number, None, -1, int(bool(level)))
        return None

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)


class Pins(PinModes):
    """`machine.Pin`: called with a number it gives the pin, always the same one."""

    def __init__(self, pads: Pads) -> None:
        self._pads = pads

    def __call__(
        self,
        id: object,
        mode: int | None = None,
        pull: int | None = -1,
        *,
        value: object = None,
        hold: object = None,
    ) -> Pin:
        pin = self._pads.pin(self._pads.number(id))
        if mode is not None or pull != -1 or value is not None or hold is not None:
            pin.init(mode, pull, value=value, hold=hold)
        return pin
