"""Sensirion SPS30 over I2C at 0x69, from its datasheet version 2.0 (June 2023), section 6 and table 8.

16-bit commands, words with CRC (sensirion.py); a pointer once set may be read again and again (6.1). What is
not allowed now, or has a parameter out of range, has no effect; an unknown command is not acknowledged (both
are judgements: the datasheet does not say). Without new values the old ones are given again, only the
data-ready flag tells (6.3.4); that they are zeros before the first is a judgement.
In sleep the interface is off: a start condition switches it on for 100 ms, in which a wake-up command must
come; so the first wake-up of two is not acknowledged (6.3.6).
"""

from __future__ import annotations

from simulator.sensors.i2c import Nack
from simulator.sensors.sensirion import WordDevice
from simulator.sensors.sps30 import (
    ASLEEP,
    BOOT_S,
    INTEGERS_SINCE,
    PRODUCT_TYPE,
    SLEEP_SINCE,
    STATUS_SINCE,
    Sps30,
)

START, STOP, READY, READ, SLEEP, WAKE, CLEAN = 0x0010, 0x0104, 0x0202, 0x0300, 0x1001, 0x1103, 0x5607
INTERVAL, PRODUCT, SERIAL, VERSION = 0x8004, 0xD002, 0xD033, 0xD100
STATUS, CLEAR_STATUS, RESET = 0xD206, 0xD210, 0xD304
# Execution times in s; none for commands that only set what is read.
TIMES = {
    START: 0.02,
    STOP: 0.02,
    SLEEP: 0.005,
    WAKE: 0.005,
    CLEAN: 0.005,
    INTERVAL: 0.005,
    CLEAR_STATUS: 0.005,
    RESET: BOOT_S,
}
WRITE_INTERVAL_S = 0.02
PLAIN = (READY, READ, INTERVAL, PRODUCT, SERIAL, VERSION, STATUS)
FLOATS, INTEGERS = b"\x03\x00", b"\x05\x00"
LISTENS_S = 0.1


class Sps30I2c(Sps30, WordDevice):
    """Public for tests and faults: as Sps30's."""

    address = 0x69
    _listens_until = 0.0  # asleep, after a start condition

    def _boot(self, now: float) -> None:
        super()._boot(now)
        self._busy_until = self._booted_at
        self._command = None

    def write(self, data: bytes, now: float) -> None:
        if self.state == ASLEEP:
            if now > self._listens_until:
                self._listens_until = now + LISTENS_S
                raise Nack
            if data[:2] != WAKE.to_bytes(2, "big"):
                raise Nack
        super().write(data, now)

    def read(self, n: int, now: float) -> bytes:
        if self.state == ASLEEP:
            if now > self._listens_until:
                self._listens_until = now + LISTENS_S
            raise Nack
        return super().read(n, now)

    def _execute(self, command: int, words: bytes, now: float) -> float:
        if not self._knows(command):
            raise Nack
        if command == START:
            if words == FLOATS or (words == INTEGERS and self.firmware >= INTEGERS_SINCE):
                self.start(words == FLOATS, now)
        elif command == INTERVAL:
            if len(words) == 4:
                self.interval = int.from_bytes(words, "big")
                return WRITE_INTERVAL_S
        elif command == STOP:
            self.stop()
        elif command == SLEEP:
            self._listens_until = now
            self.sleep()
        elif command == WAKE:
            self.wake()
        elif command == CLEAN:
            self.clean(now)
        elif command == CLEAR_STATUS:
            self.read_status(clear=True)
        elif command == RESET:
            self._boot(now)
        return TIMES.get(command, 0.0)

    def _knows(self, command: int) -> bool:
        if command in (SLEEP, WAKE, CLEAR_STATUS):
            return self.firmware >= SLEEP_SINCE
        if command == STATUS:
            return self.firmware >= STATUS_SINCE
        return command in TIMES or command in PLAIN

    def _answer(self, command: int, now: float) -> bytes:
        if command == READY:
            return bytes([0, int(self.ready)])
        if command == READ:
            return self.take()
        if command == INTERVAL:
            return self.interval.to_bytes(4, "big")
        if command == PRODUCT:
            return PRODUCT_TYPE
        if command == SERIAL:
            return self.serial.ljust(32, b"\0")
        if command == VERSION:
            return bytes(self.firmware)
        if command == STATUS:
            return self.read_status(clear=False).to_bytes(4, "big")
        raise Nack
