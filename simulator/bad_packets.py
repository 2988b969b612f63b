"""MQTT packets between a node and its broker, lost, repeated, held back: for bad_network.py, without I/O.

MQTT loses nothing on an open connection, so what is lost here is what a broker loses: it is acknowledged to
the side that sent it, and the other side never gets it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, PINGREQ = 2, 3, 4, 12
DUP = 8
# A node waits twice as long after each loss, up to five minutes: chance could make a trial last an hour.
MOST_LOST = 3


@dataclass(frozen=True)
class PacketFault:
    """Shares from 0 to 1 of what comes by. Of acks and readings never more than MOST_LOST in a row are lost,
    unless the share is 1."""

    lose_acks: float = 0.0  # of the gateway's acks
    repeat_acks: int = 0  # further copies of each
    hold_acks: int = 0  # so many are held back and given in reverse order
    lose_pubacks: float = 0.0  # of the broker's to the node
    repeat_pubacks: int = 0
    lose_readings: float = 0.0  # of the node's messages: acknowledged and lost, as by a broker that crashed
    mute_pings: bool = False  # the node's pings get nowhere


class _Framer:
    """Bytes in, whole packets out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        packets: list[bytes] = []
        while (size := self._size()) is not None and size <= len(self._buffer):
            packets.append(self._buffer[:size])
            self._buffer = self._buffer[size:]
        return packets

    @property
    def waiting(self) -> int:
        return len(self._buffer)

    def _size(self) -> int | None:
        length = 0
        for place in range(1, 5):
            if place >= len(self._buffer):
                return None
            length += (self._buffer[place] & 127) << 7 * (place - 1)
            if self._buffer[place] < 128:
                return 1 + place + length
        return None


class Packets:
    """One connection's packets. take() gives what goes to the broker and what goes to the node."""

    def __init__(self, fault: PacketFault | None, rng: random.Random) -> None:
        self.fault = fault
        self._rng = rng
        self._up, self._down, self._seen = _Framer(), _Framer(), _Framer()
        self._held: list[bytes] = []
        self._lost = {"acks": 0, "readings": 0}  # in a row
        self._copies: dict[bytes, int] = {}  # packet id: PUBACKs of the node that the broker must not see

    def take(self, data: bytes, up: bool) -> tuple[bytes, bytes]:
        to_broker, to_node = b"", b""
        for packet in (self._up if up else self._down).feed(data):
            for_broker, for_node = self._from_node(packet) if up else self._from_broker(packet)
            to_broker += for_broker
            to_node += for_node
        return to_broker, to_node

    def behind_first_ack(self, data: bytes) -> int | None:
        """How many of these bytes from the broker there are up to the end of a gateway's ack."""
        before = self._seen.waiting
        end = -before
        for packet in self._seen.feed(data):
            end += len(packet)
            if _is_ack(packet):
                return end
        return None

    def _loses(self, what: str, share: float) -> bool:
        lost = self._rng.random() < share and (share == 1 or self._lost[what] < MOST_LOST)
        self._lost[what] = self._lost[what] + 1 if lost else 0
        return lost

    def _from_node(self, packet: bytes) -> tuple[bytes, bytes]:
        fault = self.fault or PacketFault()
        kind = packet[0] >> 4
        if kind == PUBACK and self._copies.get(packet[2:4], 0):
            self._copies[packet[2:4]] -= 1
            return b"", b""
        if kind == PINGREQ and fault.mute_pings:
            return b"", b""
        if _topic(packet).endswith(b"/readings") and self._loses("readings", fault.lose_readings):
            return b"", _puback(packet)
        return packet, b""

    def _from_broker(self, packet: bytes) -> tuple[bytes, bytes]:
        fault = self.fault or PacketFault()
        if packet[0] >> 4 == PUBACK:
            if self._rng.random() < fault.lose_pubacks:
                return b"", b""
            return b"", packet * (1 + fault.repeat_pubacks)
        if not _is_ack(packet):
            return b"", packet
        if self._loses("acks", fault.lose_acks):
            return _puback(packet), b""
        if fault.hold_acks:
            self._held.insert(0, packet)
            if len(self._held) <= fault.hold_acks:
                return b"", b""
            packet, self._held = b"".join(self._held), []
            return b"", packet
        if fault.repeat_acks:
            self._copies[_id(packet)] = self._copies.get(_id(packet), 0) + fault.repeat_acks
            again = bytes([packet[0] | DUP]) + packet[1:]
            return b"", packet + again * fault.repeat_acks
        return b"", packet


def _start(packet: bytes) -> int:
    """Where the body begins."""
    place = 1
    while packet[place] & 128:
        place += 1
    return place + 1


def _topic(packet: bytes) -> bytes:
    """A PUBLISH's, else empty."""
    if packet[0] >> 4 != PUBLISH:
        return b""
    start = _start(packet)
    return packet[start + 2 : start + 2 + int.from_bytes(packet[start : start + 2], "big")]


def _is_ack(packet: bytes) -> bool:
    return _topic(packet).endswith(b"/ack") and bool(packet[0] & 6)


def _id(packet: bytes) -> bytes:
    end = _start(packet) + 2 + len(_topic(packet))
    return packet[end : end + 2]


def _puback(packet: bytes) -> bytes:
    return bytes([PUBACK << 4, 2]) + _id(packet)
