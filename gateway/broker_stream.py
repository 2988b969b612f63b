"""paho's client for a fast inflow: many packets from one read, many acknowledgements in one write.

paho reads each packet's header byte by byte and sends each acknowledgement by itself; with thousands of
messages a second that is most of the gateway's work. All but PUBLISH and PUBACK stay paho's: connecting,
sessions, keepalive, TLS. This rests on inner names of paho 2.2; tests/gateway/test_broker_stream.py fails
without them.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

_PUBLISH, _PUBACK = 0x30, 0x40
_READ_BYTES = 65536
_ACK = struct.Struct("!BBH")
# Answers on their way without the broker's word; MQTT's own limit, unless the broker names a lower one.
_MOST_UNCONFIRMED = 1000
# Answers that wait for their turn. Each node has at most one batch under way, and asks again.
MOST_QUEUED_ANSWERS = 20000


class Publication(NamedTuple):
    """One message as it came."""

    topic: bytes
    payload: bytes
    qos: int
    retain: bool
    mid: int


class Refusal(NamedTuple):
    """An answer that the broker did not take, and its reason code (MQTT 5, 3.4.2.1), 0x80 or more."""

    topic: bytes
    reason: int


class StreamClient(mqtt.Client):
    """`on_publications` gets what one read brought, in paho's thread; QoS 2 is not expected and refused.

    `on_refusals` gets the answers that the broker refused; they are not sent again. acknowledge() and
    answer() may be called from any thread. To be made with `manual_ack`.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.on_publications: Callable[[mqtt.Client, list[Publication]], None] = lambda _client, _what: None
        self.on_refusals: Callable[[mqtt.Client, list[Refusal]], None] = lambda _client, _what: None
        self.on_socket_open = _send_at_once
        self._ahead = bytearray()
        self._answers_mutex = threading.Lock()
        self._unconfirmed: dict[int, bytes] = {}  # mid -> packet
        self._queued: deque[tuple[bytes, bytes]] = deque()
        self._window = _MOST_UNCONFIRMED
        # Asked before each connection is made; without leave it is tried again later.
        self.may_connect: Callable[[], bool] = lambda: True

    def acknowledge(self, mids: Iterable[int]) -> None:
        """PUBACK all of these in one write. For the present connection: the caller knows which it is."""
        packets = b"".join([_ACK.pack(_PUBACK, 2, mid) for mid in mids])
        if packets:
            self._packet_queue(_PUBACK, packets, 0, 1)

    def answer(self, answers: Iterable[tuple[bytes, bytes]]) -> int:
        """Publish (topic, payload) each with QoS 1, as many at a time as the broker takes; how many were
        dropped because too many wait already."""
        dropped = 0
        with self._answers_mutex:
            for each in answers:
                if len(self._queued) < MOST_QUEUED_ANSWERS:
                    self._queued.append(each)
                else:
                    dropped += 1
            self._send_queued()
        return dropped

    @property
    def unsent(self) -> int:
        """Answers that wait for their turn, and those that the broker has not confirmed."""
        return len(self._queued) + len(self._unconfirmed)

    def begin(self, properties: Any) -> None:
        """To be called at each connection: sends again what the last one left unconfirmed, as MQTT wants."""
        limit = getattr(properties, "ReceiveMaximum", _MOST_UNCONFIRMED)
        with self._answers_mutex:
            self._window = min(limit, _MOST_UNCONFIRMED)
            for packet in self._unconfirmed.values():
                again = bytes([packet[0] | 0x08]) + packet[1:]
                self._packet_queue(_PUBLISH, again, 0, 1)
            self._send_queued()

    def drop_answers(self) -> int:
        """Forget those that wait and those unconfirmed; how many. The nodes ask again."""
        with self._answers_mutex:
            dropped = len(self._queued) + len(self._unconfirmed)
            self._queued.clear()
            self._unconfirmed.clear()
        return dropped

    def reconnect(self) -> MQTTErrorCode:
        self._ahead.clear()
        if not self.may_connect():
            raise ConnectionAbortedError("no leave to connect now")
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take all that has come. Called by paho's loop when there is something to read."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            data = self._sock_recv(_READ_BYTES)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = monotonic()
        self._ahead += data
        code = self._take_packets()
        return self._loop_rc_handle(code) if code > 0 else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take_packets(self) -> MQTTErrorCode:
        """Take the complete packets out of what was read."""
        ahead, begin = bytes(self._ahead), 0
        came: list[Publication] = []
        confirmed: list[int] = []
        refused: list[Refusal] = []
        code, v5 = MQTTErrorCode.MQTT_ERR_SUCCESS, self._protocol == mqtt.MQTTv5
        try:
            while code == MQTTErrorCode.MQTT_ERR_SUCCESS:
                body, end = _bounds(ahead, begin)
                if end > len(ahead):
                    break
                kind = ahead[begin] & 0xF0
                if kind == _PUBLISH:
                    came.append(_publication(ahead, begin, body, end, v5))
                elif kind == _PUBACK and (mid := int.from_bytes(ahead[body : body + 2])) in self._unconfirmed:
                    confirmed.append(mid)
                    if v5 and end > body + 2 and ahead[body + 2] >= 0x80:
                        refused.append(Refusal(_topic(self._unconfirmed[mid]), ahead[body + 2]))
                else:
                    self._deliver(came)
                    came = []
                    code = self._hand_over(ahead[begin], ahead[body:end])
                begin = end
        except MalformedPacket:
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        del self._ahead[:begin]
        if confirmed:
            self._confirm(confirmed)
        if refused:
            self.on_refusals(self, refused)
        self._deliver(came)
        return code

    def _deliver(self, came: list[Publication]) -> None:
        if came:
            self.on_publications(self, came)

    def _hand_over(self, command: int, body: bytes) -> MQTTErrorCode:
        """Let paho handle a packet."""
        self._in_packet["command"] = command
        self._in_packet["packet"] = bytearray(body)
        self._in_packet["remaining_length"] = len(body)
        code = self._packet_handle()
        self._in_packet["command"] = 0
        return code

    def _confirm(self, mids: list[int]) -> None:
        with self._answers_mutex:
            for mid in mids:
                self._unconfirmed.pop(mid, None)
            self._send_queued()

    def _send_queued(self) -> None:
        """As many as there is room for. The caller holds the answers' mutex."""
        packets: list[bytes] = []
        v5 = self._protocol == mqtt.MQTTv5
        while self._queued and len(self._unconfirmed) < self._window and self.is_connected():
            topic, payload = self._queued.popleft()
            mid = self._mid_generate()
            while mid in self._unconfirmed:
                mid = self._mid_generate()
            packet = self._unconfirmed[mid] = _publish(topic, payload, mid, v5)
            packets.append(packet)
        if packets:
            self._packet_queue(_PUBLISH, b"".join(packets), 0, 1)


def _send_at_once(_client: mqtt.Client, _userdata: Any, connection: Any) -> None:
    """Else the kernel keeps a node's ack back until the PUBACK before it is confirmed by TCP: 40 ms."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _bounds(data: bytes, begin: int) -> tuple[int, int]:
    """Where the packet's body begins and where it ends, beyond the data when it is not complete.

    Raises MalformedPacket.
    """
    length, shift, at = 0, 0, begin + 1
    while at < len(data):
        byte = data[at]
        length |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return at, at + length
        shift += 7
        if shift > 21:
            raise MalformedPacket("a length of more than four bytes")
    return at, len(data) + 1


def _publication(data: bytes, begin: int, body: int, end: int, v5: bool) -> Publication:
    """Raises MalformedPacket."""
    flags = data[begin]
    qos = flags >> 1 & 3
    at = body + 2 + int.from_bytes(data[body : body + 2])
    topic, mid = data[body + 2 : at], 0
    if qos:
        mid = int.from_bytes(data[at : at + 2])
        at += 2
    if v5 and at < end:
        # None of the properties says anything about a reading.
        at = at + 1 if data[at] == 0 else _bounds(data, at - 1)[1]
    elif v5:
        at = end + 1
    if qos > 1 or at > end:
        raise MalformedPacket("not a whole PUBLISH with QoS 0 or 1")
    return Publication(topic, data[at:end], qos, bool(flags & 1), mid)


def _topic(packet: bytes) -> bytes:
    """Of a PUBLISH that we made."""
    body, _ = _bounds(packet, 0)
    return packet[body + 2 : body + 2 + int.from_bytes(packet[body : body + 2])]


def _publish(topic: bytes, payload: bytes, mid: int, v5: bool) -> bytes:
    body = b"%b%b%b%b%b" % (
        len(topic).to_bytes(2),
        topic,
        mid.to_bytes(2),
        b"\0" if v5 else b"",
        payload,
    )
    length, head = len(body), bytearray((_PUBLISH | 0x02,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body
