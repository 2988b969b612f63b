"""The client for a fast inflow against bytes as a broker may send them, in whatever pieces."""

from __future__ import annotations

import socket
from itertools import pairwise
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway import broker_stream
from gateway.broker_stream import MOST_QUEUED_ANSWERS, Publication, Refusal, StreamClient

PROTOCOLS = [mqtt.MQTTv5, mqtt.MQTTv311]


class Wire:
    """A socket that gives prepared pieces, and keeps what is sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent = b""

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def close(self) -> None: ...
    def setblocking(self, _flag: bool) -> None: ...


def connected(protocol: Any, *pieces: bytes) -> tuple[StreamClient, Wire, list[Publication]]:
    client = StreamClient(CallbackAPIVersion.VERSION2, client_id="test", protocol=protocol, manual_ack=True)
    wire, came = Wire(*pieces), []
    client._sock = wire  # type: ignore[assignment]
    client._state = mqtt._ConnectionState.MQTT_CS_CONNECTED
    client.on_publications = lambda _client, what: came.extend(what)
    return client, wire, came


def read_all(client: StreamClient, wire: Wire) -> MQTTErrorCode:
    code = MQTTErrorCode.MQTT_ERR_SUCCESS
    while wire.pieces and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
        code = client.loop_read()
    return code


def encoded_length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


def publish(it: Publication, protocol: Any, properties: bytes = b"") -> bytes:
    """By the standard's section 3.3, not by the client's code."""
    body = len(it.topic).to_bytes(2, "big") + it.topic
    body += it.mid.to_bytes(2, "big") if it.qos else b""
    body += encoded_length(len(properties)) + properties if protocol == mqtt.MQTTv5 else b""
    body += it.payload
    return bytes([0x30 | it.qos << 1 | it.retain]) + encoded_length(len(body)) + body


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places) if b > a]


publications = st.builds(
    Publication,
    st.binary(min_size=0, max_size=40),
    st.binary(max_size=300) | st.just(b"x" * 20000),
    st.sampled_from([0, 1]),
    st.booleans(),
    st.integers(1, 65535),
).map(lambda it: it if it.qos else it._replace(mid=0))
# Message expiry, content type, a user property of more than 127 bytes.
SOME = b"\x02\0\0\0\x09" + b"\x03\0\x04json" + b"\x26\0\x01a" + (200).to_bytes(2, "big") + b"v" * 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(st.lists(publications, max_size=8), st.lists(st.integers(0, 1 << 20), max_size=12), st.data())
def test_every_message_once_in_order_whole(
    protocol: Any, expected: list[Publication], cuts: list[int], data: Any
) -> None:
    stream = b""
    for each in expected:
        stream += publish(each, protocol, data.draw(st.sampled_from([b"", SOME])))
        stream += data.draw(st.sampled_from([b"", b"\xd0\0"]))  # PINGRESP: paho's own affair
    client, wire, came = connected(protocol, *in_pieces(stream, cuts))
    assert read_all(client, wire) == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert came == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_whatever_comes_ends_in_an_orderly_way(protocol: Any, data: bytes, cuts: list[int]) -> None:
    client, wire, _ = connected(protocol, *in_pieces(data, cuts))
    # What is paho's own to read is not the subject.
    client._packet_handle = lambda: MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[method-assign]
    assert read_all(client, wire) in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_PROTOCOL)


@pytest.mark.parametrize(
    "packet",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x34\x07\0\x01t\0\x01\0x",  # QoS 2
        b"\x32\x03\0\x09t",  # a topic beyond the end
        b"\x32\x04\0\x01t\0",  # half a message id
        b"\x30\x05\0\x01t\x09x",  # properties beyond the end
    ],
)
def test_a_malformed_message_ends_the_connection(packet: bytes) -> None:
    client, wire, came = connected(mqtt.MQTTv5, packet)
    lost: list[Any] = []
    client.on_disconnect = lambda *_: lost.append(1)
    assert read_all(client, wire) == MQTTErrorCode.MQTT_ERR_PROTOCOL
    assert (came, lost) == ([], [1])


def test_a_connection_that_ends_is_told() -> None:
    client, _, _ = connected(mqtt.MQTTv5, b"")
    assert client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST


def sent(client: StreamClient) -> bytes:
    data = b"".join(bytes(each["packet"]) for each in client._out_packet)
    client._out_packet.clear()
    return data


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without paho's thread it would send at once; here the packets stay to be looked at."""
    monkeypatch.setattr(mqtt.Client, "loop_write", lambda _self: MQTTErrorCode.MQTT_ERR_SUCCESS)


@pytest.mark.usefixtures("quiet")
def test_many_acks_are_one_write() -> None:
    client, _, _ = connected(mqtt.MQTTv5)
    client.acknowledge([1, 300, 65535])
    assert len(client._out_packet) == 1
    assert sent(client) == bytes.fromhex("40020001 4002012c 4002ffff")
    client.acknowledge([])
    assert not client._out_packet


def puback(mid: int) -> bytes:
    return b"\x40\x02" + mid.to_bytes(2, "big")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_go_as_the_broker_takes_them_and_again_on_the_next_connection(protocol: Any) -> None:
    client, wire, _ = connected(protocol)
    limit = Properties(PacketTypes.CONNACK)
    limit.ReceiveMaximum = 2
    client.begin(limit)
    assert client.answer([(b"t", b"%d" % number) for number in range(4)]) == 0
    first = [publish(Publication(b"t", b"%d" % n, 1, False, n + 1), protocol) for n in range(4)]
    assert sent(client) == b"".join(first[:2])
    wire.pieces = [puback(1)]
    read_all(client, wire)
    assert sent(client) == first[2]
    # The connection is lost: what was not confirmed comes again, marked as such, and then the rest.
    client.begin(None)
    assert sent(client) == b"".join([bytes([0x3A]) + each[1:] for each in first[1:3]] + [first[3]])
    wire.pieces = [puback(2) + puback(3), puback(4) + puback(9)]
    read_all(client, wire)
    assert not client._unconfirmed
    assert sent(client) == b""


@pytest.mark.usefixtures("quiet")
def test_answers_wait_without_a_connection_up_to_a_bound() -> None:
    client, _, _ = connected(mqtt.MQTTv5)
    client._state = mqtt._ConnectionState.MQTT_CS_CONNECTION_LOST
    assert client.answer([(b"t", b"x")] * (MOST_QUEUED_ANSWERS + 5)) == 5
    assert not client._out_packet
    client._state = mqtt._ConnectionState.MQTT_CS_CONNECTED
    client.begin(None)
    assert len(client._unconfirmed) == broker_stream._MOST_UNCONFIRMED


@pytest.mark.usefixtures("quiet")
@given(
    st.lists(
        st.sampled_from(["plain", "success", "no subscribers", "refused", "refused with a text"]), max_size=9
    ),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_a_refused_answer_is_told_and_not_sent_again(kinds: list[str], cuts: list[int]) -> None:
    """MQTT 5, 3.4: a PUBACK's reason code and properties may be left out."""
    rest = {
        "plain": b"",
        "success": b"\0",
        "no subscribers": b"\x10\0",
        "refused": b"\x87",
        "refused with a text": b"\x97\x05\x1f\0\x02no",
    }
    stream = b""
    for mid, kind in enumerate(kinds, 1):
        stream += bytes([0x40, 2 + len(rest[kind])]) + mid.to_bytes(2, "big") + rest[kind]
    client, wire, _ = connected(mqtt.MQTTv5, *in_pieces(stream, cuts))
    told: list[Refusal] = []
    client.on_refusals = lambda _client, what: told.extend(what)
    assert client.answer([(b"t%d" % mid, b"x" * 200) for mid in range(1, len(kinds) + 1)]) == 0
    assert read_all(client, wire) == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert told == [
        Refusal(b"t%d" % mid, rest[kind][0])
        for mid, kind in enumerate(kinds, 1)
        if kind.startswith("refused")
    ]
    assert not client._unconfirmed
    sent(client)
    client.begin(None)
    assert sent(client) == b""


def test_a_puback_of_mqtt_3_has_no_reason() -> None:
    client, wire, _ = connected(mqtt.MQTTv311, b"\x40\x02\0\x01")
    told: list[Refusal] = []
    client.on_refusals = lambda _client, what: told.extend(what)
    client.answer([(b"t", b"x")])
    read_all(client, wire)
    assert (told, client._unconfirmed) == ([], {})


@pytest.mark.usefixtures("quiet")
def test_dropped_answers_do_not_come_again() -> None:
    client, _, _ = connected(mqtt.MQTTv5)
    client.answer([(b"t", b"x")] * (broker_stream._MOST_UNCONFIRMED + 3))
    sent(client)
    assert client.drop_answers() == broker_stream._MOST_UNCONFIRMED + 3
    client.begin(None)
    assert sent(client) == b""


def test_nothing_that_is_sent_waits_for_tcp(mosquitto: Any) -> None:
    client = StreamClient(CallbackAPIVersion.VERSION2, client_id="test", protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", mosquitto().port)
    try:
        made: Any = client.socket()
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    finally:
        client.disconnect()
        client.loop()
