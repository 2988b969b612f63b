"""Captures of I2C as text, one transfer a line, or as a logic analyser exports them.

By hand, hex throughout, with # notes and times in front as in UART captures:

    69 W 03 00                to address 69: bytes written
    69 R 3D CD 78 ...         bytes read
    76 W F7 R 6E A0 00 ...    both, with a repeated start between
    W FD, R 66 66 93          without the address
    66 66 93 66 66 93         bytes read, when nothing is said

PulseView's and sigrok-cli's annotations and the exports of Saleae's Logic 1 and 2 are known by their form.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.uart_lines import hex_bytes, without_note


@dataclass(frozen=True)
class Transfer:
    """`address`: 7 bits, or 8 as some exports have it; None when nobody said."""

    address: int | None
    read: bool
    data: bytes
    acked: bool = True


_SIGROK = re.compile(
    r"(?:i2c|i²c|iÂ²c)[^:]*:.*?"
    r"(?:(?P<what>(?:address|data) (?:read|write)): (?P<byte>[0-9a-f]{2})"
    r"|\b(?P<event>start repeat|start|stop|nack))?$",
    re.IGNORECASE,
)
_DIRECTIONS = {"w": False, "write": False, "r": True, "read": True}


class I2cLines:
    """Give it line by line; transfers come out when they are complete, the last ones at the end()."""

    def __init__(self) -> None:
        self._columns: list[str] | None = None
        self._open: tuple[int | None, bool] | None = None
        self._packet = ""  # Logic 1: its number of the transfer
        self._data = bytearray()
        self._acked = True
        self._fresh = False  # the address was the last that came: a NACK now is the address's

    def transfers_of(self, line: str) -> list[Transfer]:
        """The transfers that a line completes; ValueError when it is of no form that is known."""
        text = line.removeprefix("\ufeff").strip()
        header = text.replace('"', "").lower()
        if header.startswith(("time [s],packet id", "name,type,start_time")):
            self._columns = header.split(",")
            return self.end()
        if self._columns is not None and "," in text:
            cells = dict(zip(self._columns, next(csv.reader([text])), strict=False))
            return self._logic2(cells) if "type" in cells else self._logic1(cells)
        sigrok = _SIGROK.search(text)
        if sigrok:
            return self._sigrok(sigrok)
        return [*self.end(), *_by_hand(without_note(text))]

    def end(self) -> list[Transfer]:
        """What was under way."""
        if self._open is None:
            return []
        transfer = Transfer(*self._open, bytes(self._data), self._acked)
        self._open = None
        return [transfer]

    def _begin(self, address: int | None, read: bool, acked: bool = True) -> list[Transfer]:
        before = self.end()
        self._open = (address, read)
        self._data = bytearray()
        self._acked = acked
        self._fresh = True
        return before

    def _sigrok(self, found: re.Match[str]) -> list[Transfer]:
        event = (found["event"] or "").lower()
        if event in ("start", "start repeat", "stop"):
            return self.end()
        if event == "nack":
            self._acked = self._acked and not self._fresh
        elif found["what"]:
            place, direction = found["what"].lower().split()
            if place == "address":
                return self._begin(int(found["byte"], 16), _DIRECTIONS[direction])
            self._fresh = False
            self._data += bytes.fromhex(found["byte"])
        return []

    def _logic2(self, cells: dict[str, str]) -> list[Transfer]:
        kind = cells["type"]
        if kind in ("start", "stop"):
            return self.end()
        if kind == "address":
            address = _one(cells.get("address", ""))
            return self._begin(address, cells.get("read") == "true", cells.get("ack") != "false")
        if kind == "data":
            self._data.append(_one(cells.get("data", "")))
        return []

    def _logic1(self, cells: dict[str, str]) -> list[Transfer]:
        packet = cells.get("packet id", "")
        read = cells.get("read/write", "").strip().lower() == "read"
        address = cells.get("address", "").strip()
        if not address and not cells.get("data", "").strip():
            return []
        number = _one(address) if address else None
        before: list[Transfer] = []
        if self._open is None or packet != self._packet or (number, read) != self._open:
            before = self._begin(number, read)
        self._packet = packet
        if cells.get("data", "").strip():
            self._data.append(_one(cells["data"]))
        elif cells.get("ack/nak", "").strip() == "NAK":
            self._acked = False
        return before


def _one(cell: str) -> int:
    """The byte of a cell such as 0x3D."""
    text = cell.strip()
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,2}", text):
        raise ValueError(f"{text!r} is not hexadecimal: export with that radix")
    return int(text, 16)


def _by_hand(text: str) -> Iterable[Transfer]:
    if not text:
        return
    words = re.split(r"\b(w|write|r|read)\b", text, flags=re.IGNORECASE)
    if len(words) == 1:
        yield Transfer(None, True, hex_bytes(text))
        return
    named = hex_bytes(words[0].replace(":", " "))
    if len(named) > 1:
        raise ValueError("before W or R stands one address")
    for at in range(1, len(words), 2):
        data = hex_bytes(words[at + 1].replace(":", " "))
        yield Transfer(named[0] if named else None, _DIRECTIONS[words[at].lower()], data)
