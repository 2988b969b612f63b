"""What firmware's board.py and `machine` are here: the sensor is at the other end of an inherited socket.

Each request is a header of 8 bytes (see ../session.py) and what it announces. Nothing here leaves garbage,
so that what is counted is the firmware's own.
"""

import json
import os
import struct
import time

_port = open(int(os.getenv("DUSTLINE_HOUR_FD")), "r+b")  # noqa: SIM115 - an inherited socket, open to the end
_head = bytearray(8)
_one = bytearray(1)
_quiet = bytearray(2)


def _send(kind, value=0, n=0):
    struct.pack_into("<BBHI", _head, 0, kind, n, value, time.uptime_ms())
    _port.write(_head)


def tell(message):
    """A message in JSON."""
    data = json.dumps(message).encode()
    _send(7, len(data))
    _port.write(data)


def _answer(kind, value=0, n=0, data=None):
    """Send a request; return the first byte of its answer."""
    _send(kind, value, n)
    if data:
        _port.write(data)
    _port.readinto(_one)
    return _one[0]


def _check(error):
    if error:
        raise OSError(error)


class _Uart:
    """The sensor's side says for how long nothing can come, so that most polls ask nobody."""

    _next = 0  # ms since the start

    def write(self, data):
        _send(2, 0, len(data))
        _port.write(data)
        self._next = 0
        return len(data)

    def readinto(self, buf):
        if time.uptime_ms() < self._next:
            return None
        n = _answer(1, len(buf))
        if n:
            _port.readinto(buf, n)
            return n
        _port.readinto(_quiet)
        self._next = time.uptime_ms() + (_quiet[0] | _quiet[1] << 8)
        return None


class _I2c:
    """At 100 kHz: nine bits a byte, the address too."""

    def writeto(self, address, data):
        time.sleep_ms((len(data) + 1) * 9 // 100)
        _check(_answer(3, address, len(data), data))

    def readfrom(self, address, n):
        time.sleep_ms((n + 1) * 9 // 100)
        _check(_answer(4, address, n))
        return _port.read(n)


def open_uart(number, tx, rx, baud, rxbuf):
    tell({"open": baud, "rxbuf": rxbuf})
    return _Uart()


def open_i2c(number, sda, scl):
    return _I2c()


def recover_i2c(sda, scl):
    return _answer(5) == 1


def read_dht(pin, buf):
    time.sleep_ms(273)  # 250 high, 18 low, 5 for the answer
    _check(_answer(6))
    _port.readinto(buf)
