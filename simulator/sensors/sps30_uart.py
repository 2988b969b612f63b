"""Sensirion SPS30 over UART: SHDLC at 115200 8N1, from its datasheet version 2.0 (June 2023), section 5.

Command: 7E, address 0, command, length, data, check sum, 7E. Reply: 7E, 0, command, state, length, data,
check sum, 7E. Check sum: the inverted low byte of the sum of all between. 7E, 7D, 11 and 13 between the two
7E are sent as 7D and the byte with bit 5 inverted (table 5). State: bit 7 says that an error bit stands in
the status register; the rest (table 6): 01 wrong length, 02 unknown command, 04 illegal parameter, 43 not
allowed now. That a frame with a wrong check sum is not answered is a judgement. Times: table 7, taken as if
it were always so. In sleep the UART is off: the first byte only wakes it, for 100 ms, in which a wake-up
command must come (5.3.5). A reset comes after its reply (5.3.11).
"""

from __future__ import annotations

from simulator.sensors.base import Sensor
from simulator.sensors.sps30 import (
    ASLEEP,
    INTEGERS_SINCE,
    MEASURING,
    PRODUCT_TYPE,
    SLEEP_SINCE,
    STATUS_SINCE,
    Sps30,
)

EDGE, ESCAPE = 0x7E, 0x7D
STUFFED = (0x7E, 0x7D, 0x11, 0x13)
START, STOP, READ, SLEEP, WAKE, CLEAN = 0x00, 0x01, 0x03, 0x10, 0x11, 0x56
INTERVAL, INFO, VERSION, STATUS, RESET = 0x80, 0xD0, 0xD1, 0xD2, 0xD3
OK, WRONG_LENGTH, UNKNOWN, ILLEGAL, NOT_NOW = 0x00, 0x01, 0x02, 0x04, 0x43
LENGTHS = {
    START: (2,),
    STOP: (0,),
    READ: (0,),
    SLEEP: (0,),
    WAKE: (0,),
    CLEAN: (0,),
    INTERVAL: (1, 5),
    INFO: (1,),
    VERSION: (0,),
    STATUS: (1,),
    RESET: (0,),
}
FLOATS, INTEGERS = b"\x01\x03", b"\x01\x05"
HARDWARE, SHDLC_VERSION = 7, b"\x02\x00"
REPLY_S, FAST_REPLY_S = 0.02, 0.005  # sleep and wake-up are the fast ones
LISTENS_S = 0.1

Answer = tuple[int, bytes]  # state and data


class Sps30Uart(Sps30, Sensor):
    """Public for tests and faults: as Sps30's."""

    baud = 115200
    _listens_until = 0.0  # asleep, after a first byte

    def receive(self, data: bytes, now: float) -> None:
        if not self.powered or not data or now < self._booted_at:
            return
        if self.state == ASLEEP and now > self._listens_until:
            # The edge of the first byte switches the interface on; the byte itself is lost.
            self._heard.clear()
            self._listens_until = now + LISTENS_S
            data = data[1:]
        super().receive(data, now)

    def _obey(self, now: float) -> None:
        heard = self._heard
        while True:
            start = heard.find(EDGE)
            end = heard.find(EDGE, start + 1)
            if start < 0:
                heard.clear()
                return
            del heard[:start]
            if end < 0:
                return
            inner = bytes(heard[1 : end - start])
            # The closing edge stays: it may as well be the opening one of the next frame.
            del heard[: end - start]
            frame = unstuffed(inner)
            if len(frame) >= 4 and frame[0] == 0 and check_sum(frame[:-1]) == frame[-1]:
                del heard[:1]
                self._command_came(frame[1], frame[2], frame[3:-1], now)

    def _command_came(self, command: int, length: int, data: bytes, now: float) -> None:
        if self.state == ASLEEP and command != WAKE:
            return
        state, answer = self._execute(command, length, data, now)
        delay = FAST_REPLY_S if command in (SLEEP, WAKE) else REPLY_S
        reply = self._reply(command, state, answer)
        if command == RESET and state == OK:
            self._boot(now + delay)
        self._send(reply, now + delay)

    def _execute(self, command: int, length: int, data: bytes, now: float) -> Answer:
        """Obey, and say with which state and data."""
        if not self._knows(command):
            return UNKNOWN, b""
        if length != len(data) or length not in LENGTHS[command]:
            return WRONG_LENGTH, b""
        if command == START:
            if data != FLOATS and (data != INTEGERS or self.firmware < INTEGERS_SINCE):
                return ILLEGAL, b""
            return _allowed(self.start(data == FLOATS, now))
        if command == STOP:
            return _allowed(self.stop())
        if command == READ:
            if self.state != MEASURING:
                return NOT_NOW, b""
            return OK, self.take() if self.ready else b""
        if command == SLEEP:
            self._listens_until = now
            return _allowed(self.sleep())
        if command == WAKE:
            return _allowed(self.wake())
        if command == CLEAN:
            return _allowed(self.clean(now))
        if command == VERSION:
            return OK, bytes([*self.firmware, 0, HARDWARE, 0, *SHDLC_VERSION])
        if command == RESET:
            return OK, b""
        return self._with_parameter(command, data)

    def _with_parameter(self, command: int, data: bytes) -> Answer:
        what = data[0]
        if command == INFO and what in (0, 3):
            return OK, (PRODUCT_TYPE if what == 0 else self.serial) + b"\0"
        if command == STATUS and what <= 1:
            return OK, self.read_status(what == 1).to_bytes(4, "big") + b"\0"
        if command == INTERVAL and what == 0:
            if len(data) == 1:
                return OK, self.interval.to_bytes(4, "big")
            self.interval = int.from_bytes(data[1:], "big")
            return OK, b""
        return ILLEGAL, b""

    def _knows(self, command: int) -> bool:
        if command in (SLEEP, WAKE):
            return self.firmware >= SLEEP_SINCE
        return command in LENGTHS and (command != STATUS or self.firmware >= STATUS_SINCE)

    def _reply(self, command: int, state: int, data: bytes) -> bytes:
        inner = bytes([0, command, state | (0x80 if self.failed else 0), len(data)]) + data
        total = check_sum(inner)
        if self._happens(self.faults.crc_error):
            total ^= 1 << self.random.randrange(8)
        return framed(inner + bytes([total]))


def check_sum(data: bytes) -> int:
    return ~sum(data) & 0xFF


def framed(data: bytes) -> bytes:
    """`data` with its check sum, stuffed, between two edges."""
    out = bytearray([EDGE])
    for byte in data:
        out += bytes([ESCAPE, byte ^ 0x20]) if byte in STUFFED else bytes([byte])
    return bytes(out) + bytes([EDGE])


def unstuffed(data: bytes) -> bytes:
    """What stood between two edges before it was stuffed; an escape at the end is dropped."""
    out = bytearray()
    escaped = False
    for byte in data:
        if escaped:
            out.append(byte ^ 0x20)
            escaped = False
        elif byte == ESCAPE:
            escaped = True
        else:
            out.append(byte)
    return bytes(out)


def _allowed(yes: bool) -> Answer:
    return (OK if yes else NOT_NOW), b""
