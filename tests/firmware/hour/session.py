"""The host's side: answers the node's requests from an emulated sensor, at the node's simulated time.

A request is <BBHI: kind, n, value, ms since the start; then n bytes where the node writes. Kinds and answers:
  1 read the UART, at most `value` bytes   n and n bytes; 0 and, as <H, for how many ms nothing can come
  2 write to the UART                      none
  3 write to I2C address `value`           errno, 0 = acknowledged
  4 read n bytes from I2C address `value`  errno; n bytes when it is 0
  5 clock the I2C bus free                 1 when SDA is free
  6 read the pin                           errno; 5 bytes when it is 0
  7 a message of `value` bytes of JSON     none
"""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Callable
from typing import Any

from simulator.days.wire import Wire
from simulator.sensors.base import Device, Sensor
from simulator.sensors.i2c import I2cDevice, Nack, Stretched
from simulator.sensors.pin import NoAnswer, PinDevice

HEAD = struct.Struct("<BBHI")
READ, WRITE, I2C_WRITE, I2C_READ, RECOVER, PIN_READ, MESSAGE = range(1, 8)
ENODEV, ETIMEDOUT = 19, 116


class Session:
    """`rxbuf`: in place of what the driver asks for. `brown_out_s`: the supply dips so often on average."""

    def __init__(
        self, device: Device, line: socket.socket, rxbuf: int | None = None, brown_out_s: float | None = None
    ) -> None:
        self.device = device
        self.messages: list[dict[str, Any]] = []
        self.wire: Wire | None = None
        self._rxbuf = rxbuf
        self._line = line.makefile("rwb", buffering=0)
        self._chance = random.Random(17)
        self._every_s = brown_out_s
        self._dip_ms = self._next_dip(0)
        self.dips = 0

    def run(self) -> None:
        """Answer until the node is gone."""
        kinds: dict[int, Callable[[int, int, int], bytes | None]] = {
            READ: self._read,
            WRITE: self._write,
            I2C_WRITE: self._i2c_write,
            I2C_READ: self._i2c_read,
            RECOVER: self._recover,
            PIN_READ: self._pin,
            MESSAGE: self._message,
        }
        while True:
            head = self._line.read(HEAD.size)
            if not head:
                return
            kind, n, value, now = HEAD.unpack(head)
            if now >= self._dip_ms:
                self.device.brown_out(now / 1000)
                self._dip_ms = self._next_dip(now)
                self.dips += 1
            answer = kinds[kind](n, value, now)
            if answer is not None:
                self._line.write(answer)

    def _next_dip(self, now: int) -> float:
        return now + self._chance.uniform(0.5, 1.5) * self._every_s * 1000 if self._every_s else float("inf")

    def _message(self, n: int, value: int, now: int) -> None:
        message = json.loads(self._line.read(value))
        self.messages.append(message)
        if "open" in message:
            assert isinstance(self.device, Sensor)
            assert message["open"] == self.device.baud
            self.wire = Wire(self.device, self._rxbuf or message["rxbuf"])

    def _read(self, n: int, value: int, now: int) -> bytes:
        assert self.wire
        data = self.wire.read(value, now)
        if data:
            return bytes([len(data)]) + data
        return b"\0" + self.wire.quiet_ms().to_bytes(2, "little")

    def _write(self, n: int, value: int, now: int) -> None:
        assert self.wire
        self.wire.write(self._line.read(n), now)

    def _i2c_write(self, n: int, value: int, now: int) -> bytes:
        data = self._line.read(n) if n else b""
        return bytes([self._transfer(value, now, lambda device: device.write(data, now / 1000))])

    def _i2c_read(self, n: int, value: int, now: int) -> bytes:
        data = b""

        def read(device: I2cDevice) -> None:
            nonlocal data
            data = device.spoiled(device.read(n, now / 1000))

        return bytes([self._transfer(value, now, read)]) + data

    def _transfer(self, address: int, now: int, part: Callable[[I2cDevice], None]) -> int:
        """The part of a transfer behind the address; returns the errno."""
        device = self.device
        assert isinstance(device, I2cDevice)
        if device.holds_sda:
            return ETIMEDOUT
        if address != device.address:
            return ENODEV
        try:
            device.begin(now / 1000)
            part(device)
        except Nack:
            return ENODEV
        except Stretched:
            return ETIMEDOUT
        return 0

    def _recover(self, n: int, value: int, now: int) -> bytes:
        assert isinstance(self.device, I2cDevice)
        self.device.release()
        return bytes([not self.device.holds_sda])

    def _pin(self, n: int, value: int, now: int) -> bytes:
        assert isinstance(self.device, PinDevice)
        try:
            return b"\0" + self.device.read(now / 1000)
        except NoAnswer:
            return bytes([ETIMEDOUT])
