"""`machine` of the ESP32. Every public name is for firmware to use; values are the ESP32 port's."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable

from simulator.board.i2c import Fill, I2cs, SoftI2cs, dht_readinto
from simulator.board.pins import Pads, Pins
from simulator.board.power import Ended, Reset, Watchdog
from simulator.board.uart import Port, Uarts

EPOCH_2000 = 946684800
FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
CAUSES = {"power": 1, "hard": 2, "watchdog": 3, "deepsleep": 4, "soft": 5}


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
        self,
        unique_id: bytes,
        cause: str,
        watchdog: Watchdog,
        rtc: Rtc,
        pads: Pads,
        ports: dict[int, Port],
    ) -> None:
        self._unique_id = unique_id
        self._cause = CAUSES[cause]
        self._freq = 160000000
        self._pads = pads
        self.UART = Uarts(ports)
        self.I2C = I2cs(pads)
        self.SoftI2C = SoftI2cs(pads)
        self.RTC = rtc
        self.WDT = Wdt(watchdog)
        self.Pin = Pins(pads)

    def reset(self) -> None:
        """As the reset button does: no `finally` runs, no buffer is flushed, RAM is lost."""
        raise Ended(Reset("hard"))

    def soft_reset(self) -> None:
        """Leaves Wi-Fi up, as on the chip."""
        raise Ended(Reset("soft"))

    def deepsleep(self, time_ms: int | None = None) -> None:
        """Ends the run; the next starts after `time_ms`, never by itself when not given."""
        self._pads.sleep()
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

    def dht_readinto(self, pin: object, buf: bytes) -> Fill:
        """What the `dht` module is made of."""
        return dht_readinto(self._pads, pin, buf, time.sleep)

    def idle(self) -> None:
        time.sleep(0.001)
