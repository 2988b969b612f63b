"""Improv Wi-Fi over serial, the computer's side: https://www.improv-wifi.com/serial/

The node's console prints in between; what is no packet is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_HEAD = b"IMPROV\x01"
_STATE, _ERROR, _RPC, _RESULT = 1, 2, 3, 4
_WIFI, _CURRENT, _INFO, _NETWORKS, _KIT, _WHY = 1, 2, 3, 4, 0xD1, 0xD2
_PIECE = 120
PROVISIONED = 4
ERRORS = {
    1: "the node could not read what was sent",
    2: "the node does not know this request",
    3: "no connection",
}


class Line(Protocol):
    """pyserial's Serial, or what tests put there. read() returns what has come, b"" after a short while."""

    def read(self, size: int) -> bytes: ...
    def write(self, data: bytes) -> int | None: ...


class ImprovError(Exception):
    """The node answered with an error; `code` is Improv's, 0 for no answer in time."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Network:
    """`rssi` in dBm."""

    ssid: str
    rssi: int
    secured: bool


def packet(kind: int, data: bytes) -> bytes:
    body = _HEAD + bytes([kind, len(data)]) + data
    return body + bytes([sum(body) & 0xFF, 10])


class Improv:
    """A node at the other end. One request at a time."""

    def __init__(self, line: Line, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = line
        self._clock = clock
        self._buffer = b""
        self.state = 0

    def find(self, seconds: float) -> None:
        """Ask until it answers: it may still be starting. Raises ImprovError after `seconds`."""
        until = self._clock() + seconds
        while True:
            self._send(_CURRENT)
            try:
                kind, data = self._packet(1.0)
                while kind != _STATE:
                    kind, data = self._packet(1.0)
            except ImprovError:
                if self._clock() > until:
                    raise
                continue
            self.state = data[0] if data else 0
            self._drain()
            return

    def info(self) -> list[str]:
        """[firmware, version, chip, name]"""
        return self._ask(_INFO)

    def networks(self, seconds: float = 20.0) -> list[Network]:
        """What the node hears, the strongest first."""
        self._send(_NETWORKS)
        found: list[Network] = []
        while texts := self._result(_NETWORKS, seconds):
            if len(texts) >= 3 and texts[1].lstrip("-").isdecimal():
                found.append(Network(texts[0], int(texts[1]), texts[2] != "NO"))
        return sorted(found, key=lambda one: -one.rssi)

    def give_kit(self, raw: bytes) -> str:
        """Hand over a kit code's JSON. Returns the node's name; raises ImprovError when it is refused."""
        pieces = [raw[at : at + _PIECE] for at in range(0, len(raw), _PIECE)]
        texts: list[str] = []
        for number, piece in enumerate(pieces):
            texts = self._ask(_KIT, bytes([number, len(pieces)]) + piece)
        if len(texts) != 3 or texts[1] != "ok":
            raise ImprovError(1, f"the node refused the kit code: {' '.join(texts[1:]) or 'no reason given'}")
        return texts[2]

    def join(self, ssid: str, password: str, seconds: float = 90.0) -> None:
        """Let it try that network and its broker. Raises ImprovError; why() then says more."""
        name, secret = ssid.encode(), password.encode()
        self._ask(_WIFI, bytes([len(name)]) + name + bytes([len(secret)]) + secret, seconds)

    def why(self) -> list[str]:
        """[word, detail] of the last try that failed, the words of docs/node/flash.md."""
        return self._ask(_WHY)

    def _ask(self, command: int, data: bytes = b"", seconds: float = 10.0) -> list[str]:
        self._send(command, data)
        return self._result(command, seconds)

    def _send(self, command: int, data: bytes = b"") -> None:
        self._line.write(packet(_RPC, bytes([command, len(data)]) + data))

    def _result(self, command: int, seconds: float) -> list[str]:
        until = self._clock() + seconds
        while True:
            kind, data = self._packet(max(0.0, until - self._clock()))
            if kind == _STATE and data:
                self.state = data[0]
            elif kind == _ERROR and data and data[0]:
                raise ImprovError(data[0], ERRORS.get(data[0], f"error {data[0]}"))
            elif kind == _RESULT and data[:1] == bytes([command]):
                return _texts(data[2:])

    def _drain(self) -> None:
        """Let answers to what was asked before pass."""
        try:
            while True:
                self._packet(0.3)
        except ImprovError:
            return

    def _packet(self, seconds: float) -> tuple[int, bytes]:
        until = self._clock() + seconds
        while True:
            at = self._buffer.find(_HEAD)
            if at >= 0 and len(self._buffer) > at + 8:
                end = at + 9 + self._buffer[at + 8]
                if len(self._buffer) > end:
                    body, check = self._buffer[at:end], self._buffer[end]
                    right = sum(body) & 0xFF == check
                    self._buffer = self._buffer[end + 1 if right else at + 1 :]
                    if right:
                        return body[7], body[9:]
                    continue
            elif at < 0:
                self._buffer = self._buffer[-len(_HEAD) :]
            if self._clock() >= until:
                raise ImprovError(0, "the node does not answer")
            self._buffer += self._line.read(256)


def _texts(data: bytes) -> list[str]:
    texts: list[str] = []
    while data:
        texts.append(data[1 : 1 + data[0]].decode("utf-8", "replace"))
        data = data[1 + data[0] :]
    return texts
