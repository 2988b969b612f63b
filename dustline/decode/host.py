"""What is sent to a sensor on a UART: the makers' commands. The firmware writes these and reads none.

SDS011: Nova's Control Protocol V1.3. Plantower: PMS5003 manual V2.3, appendix II. SPS30: datasheet version
1.0, section 5 and table 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dustline.decode.errors import DecodeError
from dustline.decode.parts import Event, summed_up
from dustline.decode.streams import SPS30_COMMANDS, StreamDecoder

_SDS011 = {2: "mode", 4: "read", 5: "id", 6: "work", 7: "firmware", 8: "period"}
_PLANTOWER = {0xE1: "mode", 0xE2: "read", 0xE4: "work"}


class Commands:
    """Finds frames of a fixed length; bytes that are part of none count as garbage."""

    def __init__(self, head: bytes, size: int, judge: Callable[[bytes], Event | str]) -> None:
        self._head = head
        self._size = size
        self._judge = judge
        self._held = b""
        self._frames = 0
        self._rejects: dict[str, int] = {}

    def feed(self, data: bytes) -> list[Event]:
        self._held += data
        events: list[Event] = []
        while len(self._held) >= self._size:
            frame = self._held[: self._size]
            event = self._judge(frame) if frame.startswith(self._head) else "garbage"
            if isinstance(event, str):
                self._reject(event)
                # The rest of a refused frame is no garbage, unless another begins in it.
                next_at = self._held.find(self._head[:1], 1) if event != "garbage" else 1
                self._held = self._held[min(next_at, self._size) if next_at > 0 else self._size :]
                continue
            self._frames += 1
            events.append(event)
            self._held = self._held[self._size :]
        return events

    def flush(self) -> list[Event]:
        if self._held:
            self._reject("truncated" if self._held.startswith(self._head) else "garbage")
            self._held = b""
        return []

    def summary(self) -> Event:
        return summed_up(dict(self._rejects), self._frames)

    def _reject(self, reason: str) -> None:
        self._rejects[reason] = self._rejects.get(reason, 0) + 1


class Shdlc:
    """SHDLC frames to the sensor: 7E, address, command, length, data, checksum, 7E, stuffed."""

    def __init__(self) -> None:
        self._held = b""
        self._frames = 0
        self._rejects: dict[str, int] = {}

    def feed(self, data: bytes) -> list[Event]:
        self._held += data
        events: list[Event] = []
        while match := re.match(rb"([^~]*)~+([^~]+)~", self._held):
            self._held = self._held[match.end() :]
            self._judge(match[2], events)
            if match[1].strip(b"\xff"):  # FF is the pulse that wakes the sensor's UART
                self._reject("garbage")
        return events

    def flush(self) -> list[Event]:
        if self._held.strip(b"~\xff"):
            self._reject("truncated")
        return []

    def summary(self) -> Event:
        return summed_up(dict(self._rejects), self._frames)

    def _judge(self, stuffed: bytes, events: list[Event]) -> None:
        body = re.sub(rb"}(.)", lambda found: bytes((found[1][0] ^ 0x20,)), stuffed, flags=re.DOTALL)
        if len(body) < 4 or body[2] + 4 != len(body):
            self._reject("length")
        elif sum(body) & 0xFF != 0xFF:
            self._reject("checksum")
        else:
            self._frames += 1
            what = SPS30_COMMANDS.get(body[1], "unknown")
            event = {"kind": "command", "what": what, "command": body[1]}
            events.append({**event, "data": body[3:-1].hex()} if body[2] else event)

    def _reject(self, reason: str) -> None:
        self._rejects[reason] = self._rejects.get(reason, 0) + 1


def _sds011(frame: bytes) -> Event | str:
    if frame[18] != 0xAB:
        return "tail"
    if sum(frame[2:17]) & 0xFF != frame[17]:
        return "checksum"
    what = _SDS011.get(frame[2])
    if what is None:
        return "unknown"
    event: Event = {"kind": "command", "what": what}
    if what == "id":
        event["value"] = frame[13:15].hex()
    elif what in ("mode", "work", "period"):
        event["set"] = frame[3]
        if frame[3]:
            event["value"] = frame[4]
    return {**event, "to": frame[15:17].hex()}


def _plantower(frame: bytes) -> Event | str:
    if sum(frame[:5]) != int.from_bytes(frame[5:], "big"):
        return "checksum"
    what = _PLANTOWER.get(frame[2])
    if what is None:
        return "unknown"
    return {"kind": "command", "what": what} | ({} if what == "read" else {"value": frame[4]})


def make_decoder(sensor: str) -> StreamDecoder:
    """The decoder of commands to `sds011`, `plantower` or `sps30`."""
    if sensor == "sds011":
        return Commands(b"\xaa\xb4", 19, _sds011)
    if sensor == "plantower":
        return Commands(b"\x42\x4d", 7, _plantower)
    if sensor == "sps30":
        return Shdlc()
    raise DecodeError(
        f"--host is for UART sensors (sds011, plantower, sps30); {sensor} has commands in its capture"
    )
