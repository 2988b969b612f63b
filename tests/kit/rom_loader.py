"""An ESP32's serial loader as esptool and esptool-js meet it: ROM first, then what they load (the stub).

Written from the loader's protocol, not from their code:
https://docs.espressif.com/projects/esptool/en/latest/esp32/advanced-topics/serial-protocol.html
It plays reset lines not at all: a pty has none. No instruction of what is loaded is run; from MEM_END on it
answers as the stub does. Its registers are those that are asked for, enough for chip, crystal and flash chip.
"""

from __future__ import annotations

import hashlib
import os
import select
import struct
import threading
import tty
import zlib
from pathlib import Path

END, ESC = 0xC0, 0xDB
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA, SYNC, WRITE_REG, READ_REG = 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUD = 0x0B, 0x0D, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY_INFO = 0x10, 0x11, 0x12, 0x13, 0x14
ERASE_FLASH, ERASE_REGION = 0xD0, 0xD1

MAGIC_REG, UART_CLKDIV = 0x40001000, 0x3FF40014
SPI = 0x3FF42000  # SPI1
SPI_USR2, SPI_W0 = SPI + 0x24, SPI + 0x80
RDID = 0x9F
MAGICS = {"esp32": 0x00F01D83}


def slip(data: bytes) -> bytes:
    body = data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return bytes([END]) + body + bytes([END])


class Loader:
    """answer() takes what comes over the line and returns what goes back. `flash` is what was written."""

    def __init__(self, chip: str = "esp32", size: int = 0x400000) -> None:
        self.flash = bytearray(b"\xff" * size)
        self.stub = False
        self.commands: list[int] = []
        self.deaf = False  # no answer at all: a board that was not put into its loader
        self.break_off_after: int | None = None  # blocks of data, after which it is silent
        self.refuse_after: int | None = None  # the same, after which it refuses them
        self._chip = chip
        self._registers = {MAGIC_REG: MAGICS[chip], UART_CLKDIV: 347}  # 40 MHz at 115200
        self._packet = bytearray()
        self._inside = self._escaped = False
        self._at = 0
        self._inflate = zlib.decompressobj()

    def answer(self, data: bytes) -> bytes:
        back = b""
        for byte in data:
            if byte == END:
                if self._inside and self._packet:
                    back += self._command(bytes(self._packet))
                self._packet.clear()
                self._inside = True
            elif self._escaped:
                self._packet.append({0xDC: END, 0xDD: ESC}[byte])
                self._escaped = False
            elif byte == ESC:
                self._escaped = True
            else:
                self._packet.append(byte)
        return b"" if self.deaf else back

    exchange = answer  # as the far end of a cable, see cable.py

    def _command(self, packet: bytes) -> bytes:
        if len(packet) < 8 or packet[0] != 0:
            return b""
        command, size, _ = struct.unpack("<xBHL", packet[:8])
        body = packet[8 : 8 + size]
        self.commands.append(command)
        if command in (FLASH_DATA, DEFL_DATA) and self.break_off_after is not None:
            self.break_off_after -= 1
            if self.break_off_after < 0:
                self.deaf = True
        value, data, good = self._do(command, body)
        if command in (FLASH_DATA, DEFL_DATA) and self.refuse_after is not None:
            self.refuse_after -= 1
            good = self.refuse_after >= 0
        answers = 8 if command == SYNC else 1
        status = bytes([0, 0]) if good else bytes([1, 5])
        data += status if self.stub else status + b"\0\0"
        back = slip(struct.pack("<BBHL", 1, command, len(data), value) + data) * answers
        if command == MEM_END:
            self.stub = True
            back += slip(b"OHAI")
        return back

    def _do(self, command: int, body: bytes) -> tuple[int, bytes, bool]:
        """(value, data, whether it worked)"""
        if command == READ_REG:
            return self._registers.get(struct.unpack("<L", body[:4])[0], 0), b"", True
        if command == WRITE_REG:
            for at in range(0, len(body) // 16 * 16, 16):
                self._write(*struct.unpack_from("<LL", body, at))
        elif command in (FLASH_BEGIN, DEFL_BEGIN):
            size, _, _, self._at = struct.unpack("<LLLL", body[:16])
            self._inflate = zlib.decompressobj()
            if self._at + size > len(self.flash):
                return 0, b"", False
        elif command == DEFL_DATA:
            self._put(self._inflate.decompress(body[16:]))
        elif command == FLASH_DATA:
            self._put(body[16:])
        elif command == MD5:
            start, size = struct.unpack("<LL", body[:8])
            digest = hashlib.md5(self.flash[start : start + size])
            return 0, digest.digest() if self.stub else digest.hexdigest().encode(), True
        elif command == ERASE_FLASH:
            self.flash[:] = b"\xff" * len(self.flash)
        elif command == ERASE_REGION:
            start, size = struct.unpack("<LL", body[:8])
            self.flash[start : start + size] = b"\xff" * size
        elif command == SYNC:
            return 0 if self.stub else 0x20120707, b"", True  # by a 0 one knows the stub
        elif command == SECURITY_INFO:
            return 0, b"", False  # this chip's ROM has it not
        elif command not in (
            *(MEM_BEGIN, MEM_DATA, MEM_END, SPI_SET_PARAMS, SPI_ATTACH),
            *(CHANGE_BAUD, FLASH_END, DEFL_END),
        ):
            return 0, b"", False
        return 0, b"", True

    def _write(self, register: int, value: int) -> None:
        self._registers[register] = value
        if register == SPI:  # run what is set up; done at once
            opcode = self._registers.get(SPI_USR2, 0) & 0xFFFF
            self._registers[SPI_W0] = 0x1640EF if opcode == RDID else 0  # a W25Q32: 4 MiB
            self._registers[SPI] = 0

    def _put(self, data: bytes) -> None:
        self.flash[self._at : self._at + len(data)] = data
        self._at += len(data)


class LoaderPort:
    """The loader behind a pty, `path`, until close()."""

    def __init__(self, loader: Loader, link: Path | None = None) -> None:
        self.loader = loader
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="loader", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._far, self._wake], [], [])
            if self._wake in ready:
                return
            back = self.loader.answer(os.read(self._far, 65536))
            while back:
                back = back[os.write(self._far, back) :]

    def close(self) -> None:
        os.close(self._stop)
        self._thread.join()
        for end in (self._far, self._near, self._wake):
            os.close(end)
