"""Bytes of a UART as text: hex lines, hex dumps, terminal logs with times, a logic analyser's export."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime

# 12:30:01.2, [12:30:01,234], 2026-11-24 12:30:01, 2026-11-24T12:30:01.2Z, 1.234, with -> or > or : behind.
TIME = re.compile(
    r"^\[?(?:(?P<date>\d{4}-\d\d-\d\d)[T ])?"
    r"(?:(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d))?(?P<part>[.,]\d+)?|(?P<plain>\d+\.\d+))"
    r"(?:Z|[+-]\d\d:?\d\d)?\]?(?:\s*(?:->|>|:)?(?:\s+|$)|[,;]\s*)"
)
_DUMP = re.compile(r"^[0-9a-fA-F]{6,16}(?:: ?|  )(.*)$")  # an offset, as of xxd and hexdump -C
_SIGROK = re.compile(r"uart[^:]*:(?:[^:]*:)*\s*([0-9a-fA-F]{2})$", re.IGNORECASE)
_SIGROK_ANY = re.compile(r"(?:^\d+-\d+\s+|^)uart(?:-\d+)?\b[^:]*:", re.IGNORECASE)


def hex_bytes(words: str) -> bytes:
    """`AA C0 06`, `0xaa,0xc0` or `aac006`; ValueError when it is not hex."""
    parts = words.replace(",", " ").replace(";", " ").split()
    return bytes.fromhex("".join(part.removeprefix("0x").removeprefix("0X") for part in parts))


def without_note(line: str) -> str:
    """A line without its `# note`, its time and the mark that some editors put in front of a file."""
    return TIME.sub("", line.removeprefix("\ufeff").split("#", 1)[0].strip()).strip()


class UartLines:
    """Give it line by line; it keeps what a header or an earlier line has told of the file's form."""

    def __init__(self) -> None:
        self._dump = False
        self._column: int | None = None  # of a CSV's data
        self._time_column = 0

    @property
    def runs_on(self) -> bool:
        """Whether the lines so far are pieces of one stream, as of xxd, and not a frame each."""
        return self._dump

    def seconds_of(self, line: str) -> float | None:
        """The time that stands in a line: with a date since 1970, else of the day or of the capture. None
        when there is none."""
        text = line.removeprefix("\ufeff").strip()
        if self._column is not None and "," in text:
            try:
                return float(next(csv.reader([text]))[self._time_column])
            except ValueError:
                return None
        found = TIME.match(text)
        if found is None:
            return None
        if found["plain"]:
            return float(found["plain"])
        seconds = int(found["h"]) * 3600 + int(found["m"]) * 60 + int(found["s"] or 0)
        part = float((found["part"] or ".0").replace(",", "."))
        day = datetime.fromisoformat(found["date"]).replace(tzinfo=UTC).timestamp() if found["date"] else 0.0
        return day + seconds + part

    def bytes_of(self, line: str) -> bytes:
        """The bytes that a line holds, often none; ValueError when it is of no form that is known."""
        text = line.removeprefix("\ufeff").strip()
        header = text.replace('"', "").lower()
        if header.startswith(("time [s],value", "name,type,start_time")):
            columns = header.split(",")
            self._column = columns.index("data" if "data" in columns else "value")
            self._time_column = columns.index("start_time") if "start_time" in columns else 0
            return b""
        if self._column is not None and "," in text:
            return self._of_row(next(csv.reader([text])))
        if _SIGROK_ANY.search(text):
            # Bits, parity and the other direction stand beside the bytes that the sensor sent.
            found = _SIGROK.search(text)
            return bytes.fromhex(found[1]) if found and not re.search(r"\btx\b", text, re.IGNORECASE) else b""
        return self._of_words(text)

    def _of_row(self, row: list[str]) -> bytes:
        cell = row[self._column or 0].strip() if len(row) > (self._column or 0) else ""
        if cell and not cell.lower().startswith("0x"):
            raise ValueError(f"{cell!r} is not hexadecimal: export with that radix")
        return hex_bytes(cell)

    def _of_words(self, text: str) -> bytes:
        dump = _DUMP.match(text)
        # Two spaces may be how somebody writes bytes: then only an offset of 0 begins a dump.
        if dump and (
            self._dump or ":" in text[: dump.start(1)] or not int(text[: dump.start(1)].strip(), 16)
        ):
            words = dump[1].split("|", 1)[0]  # hexdump -C: |ASCII|
            if "  " in words.strip() and "|" not in dump[1]:
                words = re.split(r"\s{2,}", words.strip(), maxsplit=1)[0]  # xxd: two spaces, then ASCII
            try:
                found = hex_bytes(words)
            except ValueError:
                pass  # no dump after all: as any other line
            else:
                self._dump = True
                return found
        if self._dump and re.fullmatch(r"[0-9a-fA-F]{6,16}|\*", text):
            return b""  # the end's offset stands alone
        return hex_bytes(without_note(text))
