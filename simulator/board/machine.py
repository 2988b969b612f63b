"""`machine` of the ESP32. Every public name is for firmware to use; values are the ESP32 port's."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from typing import Protocol

from simulator.board.power import Ended, Reset, Watchdog

EPOCH_2000 = 946684800
UART_SETTINGS = {"tx", "rx", "rts", "cts", "txbuf", "rxbuf", "timeout", "timeout_char", "invert"}
MP_STREAM_GET_FILENO = 10
FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
UNUSABLE_PINS = (20, 24, 28, 29, 30, 31)
CAUSES = {"power": 1, "hard": 2, "watchdog": 3, "deepsleep": 4, "soft": 5}


class Line(Protocol):
    """A serial line as the UART needs it: a non-blocking file for the node, and what waits in it."""

    @property
    def handle(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    def waiting(self) -> int: ...
    def listen(self, rxbuf: int | None) -> None: ...


class Uart:
    """A UART. Reading and writing are done on the node, with the file that it inherited."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def dropped(self) -> int:
        """Bytes lost because the receive buffer was full. The chip itself loses them without a word."""
        return self._line.dropped

    def any(self) -> int:
        return self._line.waiting()

    def deinit(self) -> None:
        self._line.listen(None)

    def init(
        self, baudrate: int = 115200, bits: int = 8, parity: int | None = None, stop: int = 1, **more: object
    ) -> None:
        rxbuf = more.get("rxbuf", 256)
        if not isinstance(rxbuf, int):
            raise TypeError("rxbuf is a number of bytes")
        if more.get("timeout"):
            raise ValueError("a simulated UART does not wait: timeout must be 0")
        unknown = more.keys() - UART_SETTINGS
        if unknown:
            raise TypeError(f"extra keyword arguments given: {', '.join(sorted(unknown))}")
        self._line.listen(max(rxbuf, 129))  # the IDF's driver refuses anything up to the FIFO's 128 bytes

    def ioctl(self, request: int, argument: int) -> int:
        """Of MicroPython's stream protocol: the file to wait for."""
        return self._line.handle if request == MP_STREAM_GET_FILENO else 0


class NodeUart:
    """A UART's object as the node has to make it: a thing of ours with the methods of a file."""

    def __init__(self, uart: Uart, handle: int) -> None:
        self.uart = uart
        self._handle = handle
        self._made = False

    def expression(self, path: str) -> str:
        """Made once and then kept by the node: a file that nobody holds any more is closed for good."""
        keep = f"_{self._handle}"
        if self._made:
            return f"_Thing.{keep}"
        self._made = True
        methods = ", ".join(f"setattr(self, '{name}', file.{name})" for name in ("read", "readinto", "write"))
        return (
            f"(lambda self, file: [{methods}, setattr(_Thing, '{keep}', self)] and self)"
            f"(_Thing('{path}'), open({self._handle}, 'r+b'))"
        )


class Uarts:
    """`machine.UART`"""

    def __init__(self, lines: dict[int, Line]) -> None:
        self._uarts = {number: NodeUart(Uart(line), line.handle) for number, line in lines.items()}

    def __call__(self, id: int, *settings: int, **more: object) -> NodeUart:
        if id == 0:
            raise ValueError("UART(0) is disabled (dedicated to REPL)")
        if id not in self._uarts:
            raise ValueError(f"UART({id}) does not exist")
        uart = self._uarts[id]
        uart.uart.init(*settings, **more)  # type: ignore[arg-type]
        return uart


class PinModes:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2


class Pin(PinModes):
    """A pin that nothing is wired to: it keeps the level it was given."""

    def __init__(self, id: int) -> None:
        self._id = id
        self._level: int | None = None

    def init(self, mode: int = -1, pull: int | None = -1, *, value: object = None) -> None:
        if self._id >= 34 and mode in (self.OUT, self.OPEN_DRAIN):
            raise ValueError("pin can only be input")
        if pull == self.PULL_UP and self._level is None:
            self._level = 1
        if value is not None:
            self.value(value)

    def value(self, level: object = None) -> int | None:
        if level is None:
            return self._level or 0
        self._level = 1 if level else 0
        return None

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)


class Pins(PinModes):
    """`machine.Pin`: called with a number it gives the pin, always the same one."""

    def __init__(self) -> None:
        self._pins: dict[int, Pin] = {}

    def __call__(self, id: int, mode: int = -1, pull: int | None = -1, *, value: object = None) -> Pin:
        if not 0 <= id <= 39 or id in UNUSABLE_PINS:
            raise ValueError("invalid pin")
        pin = self._pins.setdefault(id, Pin(id))
        pin.init(mode, pull, value=value)
        return pin


class Rtc:
    """Clock that starts at 2000-01-01 after a power cut and runs on through resets, as its memory does.

    It does not change time.time() on the node, which is the host's.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._offset = EPOCH_2000 - clock()
        self._memory = b""

    def __call__(self) -> Rtc:
        return self

    def datetime(self, when: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
        """(year, month, day, weekday 0-6 from Monday, hour, minute, second, microsecond)"""
        if when is None:
            seconds, us = divmod(round((self._clock() + self._offset) * 1_000_000), 1_000_000)
            now = time.gmtime(seconds)
            return (*now[:3], now.tm_wday, *now[3:6], us)
        year, month, day, _, hour, minute, second, us = when
        wanted = calendar.timegm((year, month, day, hour, minute, second)) + us / 1_000_000
        self._offset = wanted - self._clock()
        return None

    init = datetime

    def memory(self, data: bytes | None = None) -> bytes | None:
        if data is None:
            return self._memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self._memory = data
        return None


class Wdt:
    """`machine.WDT` and the one object that it makes. It cannot be stopped once started."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog

    def __call__(self, id: int = 0, timeout: int = 5000) -> Wdt:
        if id != 0:
            raise ValueError("invalid watchdog")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        self._watchdog.watch(timeout / 1000)
        return self

    def feed(self) -> None:
        self._watchdog.feed()


class Machine:
    """The module, for one run of the chip."""

    PWRON_RESET = CAUSES["power"]
    HARD_RESET = CAUSES["hard"]
    WDT_RESET = CAUSES["watchdog"]
    DEEPSLEEP_RESET = CAUSES["deepsleep"]
    SOFT_RESET = CAUSES["soft"]

    def __init__(
        self, unique_id: bytes, cause: str, watchdog: Watchdog, rtc: Rtc, lines: dict[int, Line]
    ) -> None:
        self._unique_id = unique_id
        self._cause = CAUSES[cause]
        self._freq = 160000000
        self.UART = Uarts(lines)
        self.RTC = rtc
        self.WDT = Wdt(watchdog)
        self.Pin = Pins()

    def reset(self) -> None:
        """As the reset button does: no `finally` runs, no buffer is flushed, RAM is lost."""
        raise Ended(Reset("hard"))

    def soft_reset(self) -> None:
        """Leaves Wi-Fi up, as on the chip."""
        raise Ended(Reset("soft"))

    def deepsleep(self, time_ms: int | None = None) -> None:
        """Ends the run; the next starts after `time_ms`, never by itself when not given."""
        raise Ended(Reset("deepsleep", None if time_ms is None else time_ms / 1000))

    def reset_cause(self) -> int:
        return self._cause

    def unique_id(self) -> bytes:
        return self._unique_id

    def freq(self, hertz: int | None = None) -> int | None:
        if hertz is None:
            return self._freq
        if hertz not in FREQUENCIES:
            raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
        self._freq = hertz
        return None

    def idle(self) -> None:
        time.sleep(0.001)
