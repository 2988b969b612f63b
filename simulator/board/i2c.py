"""`machine.I2C`, `machine.SoftI2C` and `machine.dht_readinto` of the ESP32.

No acknowledge is OSError(19), ENODEV; a bus that is held, or a clock that is stretched for too long, is
OSError(116), ETIMEDOUT, after the time-out: the numbers are the chip's, not the host's. A transfer takes its
time on the wire. The IDF's driver clocks a stuck bus free by itself in some cases; here firmware must.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from simulator.board.pins import Pads, PinModes
from simulator.sensors.i2c import I2cDevice, Nack, Stretched

ENODEV, ETIMEDOUT = 19, 116
ADDRESSES = range(0x08, 0x78)
DEFAULT_PINS = {0: (18, 19), 1: (25, 26)}  # number: (scl, sda)
DEFAULT_HZ = 400_000
DEFAULT_TIMEOUT_US = 50_000
# dht_readinto keeps the line high for 250 ms and low for 18, and the device sends for about 5.
DHT_START_S, DHT_S = 0.268, 0.005

Sleep = Callable[[float], None]


class Fill:
    """Bytes for the buffer that firmware gave as the second argument."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class I2c:
    """One bus. Every public name is for firmware to use."""

    def __init__(self, pads: Pads, pins: tuple[int, int], sleep: Sleep = time.sleep) -> None:
        self._pads = pads
        self._scl, self._sda = pins
        self._hz = DEFAULT_HZ
        self._timeout_s = 0.0
        self._sleep = sleep

    def init(
        self,
        *,
        scl: object = None,
        sda: object = None,
        freq: int = DEFAULT_HZ,
        timeout: int = DEFAULT_TIMEOUT_US,
    ) -> None:
        """Pins are numbers or Pin objects; `timeout` in us."""
        if freq <= 0:
            raise ValueError("invalid freq")
        self._scl = self._scl if scl is None else self._pads.output(scl)
        self._sda = self._sda if sda is None else self._pads.output(sda)
        self._hz, self._timeout_s = freq, timeout / 1_000_000
        self._pads.claim(self._scl, self)
        self._pads.claim(self._sda, self)

    def scan(self) -> list[int]:
        return [address for address in ADDRESSES if self._answers(address)]

    def writeto(self, addr: int, buf: bytes, stop: bool = True) -> int:
        self._transfer(addr, len(buf), lambda device, now: device.write(device.heard(bytes(buf)), now))
        return len(buf)

    def readfrom(self, addr: int, nbytes: int, stop: bool = True) -> bytes:
        """Where two devices have the address, a 0 of either wins."""
        got = [0xFF] * nbytes

        def take(device: I2cDevice, now: float) -> None:
            data = device.spoiled(device.read(nbytes, now))[:nbytes]
            got[: len(data)] = [ours & theirs for ours, theirs in zip(got, data, strict=False)]

        self._transfer(addr, nbytes, take)
        return bytes(got)

    def readfrom_into(self, addr: int, buf: bytes, stop: bool = True) -> Fill:
        return Fill(self.readfrom(addr, len(buf)))

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes, *, addrsize: int = 8) -> None:
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big") + bytes(buf))

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, *, addrsize: int = 8) -> bytes:
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big"))
        return self.readfrom(addr, nbytes)

    def _answers(self, address: int) -> bool:
        """Like the port's scan: any failure counts as no answer."""
        try:
            self.writeto(address, b"")
        except OSError:
            return False
        return True

    def _transfer(self, address: int, length: int, part: Callable[[I2cDevice, float], None]) -> None:
        """Start, address, `length` bytes, stop: nine bits a byte."""
        wiring = self._pads.wiring
        with wiring.lock:
            if not self._free():
                fault, lasts = ETIMEDOUT, self._timeout_s
            else:
                now = wiring.clock()
                fault, lasts = ENODEV, 11 / self._hz
                try:
                    for device in wiring.i2c(self._sda, self._scl, address):
                        self._part(device, part, now)
                        fault, lasts = 0, (9 * (1 + length) + 2) / self._hz
                except Nack:
                    fault = ENODEV
                except Stretched:
                    fault, lasts = ETIMEDOUT, self._timeout_s
        self._sleep(lasts)
        if fault:
            raise OSError(fault)

    def _part(self, device: I2cDevice, part: Callable[[I2cDevice, float], None], now: float) -> None:
        """An emulator's mistake must not look to firmware like an error of its own."""
        try:
            device.begin(now)
            part(device, now)
        except (Nack, Stretched):
            raise
        except Exception as error:
            raise RuntimeError(f"the emulator of {device.model} failed") from error

    def _free(self) -> bool:
        """Whether both pins are ours, and high."""
        pads = self._pads
        return all(pads[pin].owner is self and pads.read(pin) == 1 for pin in (self._scl, self._sda))


class I2cs:
    """`machine.I2C`"""

    def __init__(self, pads: Pads, sleep: Sleep = time.sleep) -> None:
        self._buses = {number: I2c(pads, pins, sleep) for number, pins in DEFAULT_PINS.items()}

    def __call__(self, id: int, **settings: object) -> I2c:
        if id not in self._buses:
            raise ValueError(f"I2C({id}) doesn't exist")
        bus = self._buses[id]
        bus.init(**settings)  # type: ignore[arg-type]
        return bus


class SoftI2cs:
    """`machine.SoftI2C`: the same in software, at any two pins."""

    def __init__(self, pads: Pads, sleep: Sleep = time.sleep) -> None:
        self._pads = pads
        self._sleep = sleep

    def __call__(
        self, scl: object, sda: object, *, freq: int = DEFAULT_HZ, timeout: int = DEFAULT_TIMEOUT_US
    ) -> I2c:
        pins = self._pads.output(scl), self._pads.output(sda)
        bus = I2c(self._pads, pins, self._sleep)
        bus.init(freq=freq, timeout=timeout)
        return bus


def dht_readinto(pads: Pads, pin: object, buf: bytes, sleep: Sleep) -> Fill:
    """Five bytes of the device on a data pin. Raises OSError(116) when none answers."""
    number = pads.number(pin)
    if len(buf) < 5:
        raise ValueError("buffer too small")
    pads.configure(number, PinModes.OPEN_DRAIN, PinModes.PULL_UP, 1)
    sleep(DHT_START_S)
    wiring = pads.wiring
    with wiring.lock:
        device = wiring.one_wire(number)
        try:
            data = device.read(wiring.clock()) if device else b""
        except (Nack, TimeoutError):
            data = b""
    if len(data) < 5:
        raise OSError(ETIMEDOUT)
    sleep(DHT_S)
    return Fill(data[:5])
