"""`machine.UART` of the ESP32. Every public name of Uart and Uarts is for firmware to use.

A UART reaches what is soldered to its two pins, whichever they are: simulator/serial_line.py carries the
bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from simulator.board.pins import Pads

SETTINGS = {"rts", "cts", "txbuf", "timeout", "timeout_char", "invert"}
MP_STREAM_GET_FILENO = 10
DEFAULT_BAUD = 115200
DEFAULT_RXBUF = 256
DEFAULT_PINS = {1: (10, 9), 2: (17, 16)}  # number: (tx, rx)


class Line(Protocol):
    """The UART's buffers: a non-blocking file for the node, and what waits in it to be read."""

    @property
    def handle(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    def waiting(self) -> int: ...
    def listen(self, rxbuf: int | None) -> None: ...


class Port:
    """A UART of the chip, as its registers are. `rx` is None while it is closed."""

    def __init__(self, number: int, line: Line, pads: Pads) -> None:
        self.number = number
        self.line = line
        # Takes what the node has written and the line has not yet; a UART sends its buffer before it changes.
        self.flush: Callable[[], None] = lambda: None
        self._pads = pads
        self.reset()

    def reset(self) -> None:
        self.baud = DEFAULT_BAUD
        self.tx, self.rx = DEFAULT_PINS[self.number]
        self.rxbuf = DEFAULT_RXBUF
        self.open = False
        self.line.listen(None)

    def set_up(self, baud: int | None, rxbuf: int | None, tx: object, rx: object) -> None:
        """None leaves a thing as it is. Input from before is discarded, as by the chip's port."""
        self.flush()
        self.baud = baud or self.baud
        self.rxbuf = self.rxbuf if rxbuf is None else rxbuf
        self.tx = self.tx if tx is None else self._pads.output(tx)
        self.rx = self.rx if rx is None else self._pads.number(rx)
        self._pads.claim(self.tx, self)
        self._pads.listen(self.rx, self)
        self.open = True
        self.line.listen(max(self.rxbuf, 129))  # the IDF's driver refuses anything up to the FIFO's 128 bytes

    def shut(self) -> None:
        self.flush()
        self.open = False
        self.line.listen(None)

    @property
    def talks(self) -> int | None:
        """The pin that its output lies on; None when it is closed or another has taken the pin."""
        return self.tx if self.open and self._pads[self.tx].owner is self else None

    @property
    def listens(self) -> int | None:
        return self.rx if self.open else None


class Uart:
    """A UART. Reading and writing are done on the node, with the file that it inherited."""

    def __init__(self, port: Port) -> None:
        self._port = port

    @property
    def dropped(self) -> int:
        """Bytes lost because the receive buffer was full. The chip itself loses them without a word."""
        return self._port.line.dropped

    def any(self) -> int:
        return self._port.line.waiting()

    def deinit(self) -> None:
        self._port.shut()

    def init(
        self,
        baudrate: int = 0,
        bits: int = 8,
        parity: int | None = None,
        stop: int = 1,
        *,
        tx: object = None,
        rx: object = None,
        rxbuf: int | None = None,
        **more: object,
    ) -> None:
        """Pins are numbers or Pin objects."""
        if rxbuf is not None and not isinstance(rxbuf, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("rxbuf is a number of bytes")
        if more.get("timeout"):
            raise ValueError("a simulated UART does not wait: timeout must be 0")
        unknown = more.keys() - SETTINGS
        if unknown:
            raise TypeError(f"extra keyword arguments given: {', '.join(sorted(unknown))}")
        if (bits, parity, stop) != (8, None, 1) or more.get("invert"):
            raise ValueError("a simulated UART does 8N1 only")
        self._port.set_up(baudrate, rxbuf, tx, rx)

    def ioctl(self, request: int, argument: int) -> int:
        """Of MicroPython's stream protocol: the file to wait for."""
        return self._port.line.handle if request == MP_STREAM_GET_FILENO else 0


class NodeUart:
    """A UART's object as the node has to make it: a thing of ours with the methods of a file."""

    def __init__(self, uart: Uart, handle: int) -> None:
        self.uart = uart
        self.handle = handle


class Uarts:
    """`machine.UART`"""

    def __init__(self, ports: dict[int, Port]) -> None:
        self._uarts = {number: NodeUart(Uart(port), port.line.handle) for number, port in ports.items()}

    def __call__(self, id: int, *settings: int, **more: object) -> NodeUart:
        if id == 0:
            raise ValueError("UART(0) is disabled (dedicated to REPL)")
        if id not in self._uarts:
            raise ValueError(f"UART({id}) does not exist")
        uart = self._uarts[id]
        uart.uart.init(*settings, **more)  # type: ignore[arg-type]
        return uart
