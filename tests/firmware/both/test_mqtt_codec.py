"""MQTT packets against bytes worked out by hand from the standard; on CPython and on MicroPython."""

import gc

from node.mqtt import codec, hello
from node.mqtt.codec import Decoder
from node.mqtt.errors import ProtocolError


def encode_publish(topic, payload, qos=0, retain=False, dup=False, packet_id=None):
    """PUBLISH, whole."""
    return codec.encode_publish_head(topic, len(payload), qos, retain, dup, packet_id) + payload


def decode(data, step=None, max_packet=8192):
    decoder = Decoder(max_packet)
    events = []
    view = memoryview(data)
    for at in range(0, len(data), step or len(data)):
        events += decoder.feed(view[at : at + (step or len(data))])
    return events


def publish(size, packet_id=None, topic="t"):
    return encode_publish(topic, b"x" * size, 1 if packet_id else 0, packet_id=packet_id)


def refused(call, *args, **named):
    try:
        call(*args, **named)
    except ProtocolError as error:
        return error.fault == "node"
    return False


def fault(data):
    """The one error that these bytes give, as text."""
    events = decode(data)
    assert len(events) == 1, events
    assert events[0][0] == "error", events
    assert events[0][1].fault == "broker"
    return str(events[0][1])


def test_connect_plain():
    expected = b"\x10\x0e\x00\x04MQTT\x04\x00\x00\x3c\x00\x02n1"
    assert hello.encode_connect("n1") == expected


def test_connect_with_everything():
    will = ("w/t", b"gone", 1, True)
    got = hello.encode_connect("n1", "user", "pw", 300, True, will)
    # user 0x80, password 0x40, will retain 0x20, will QoS 1 0x08, will 0x04, clean session 0x02
    expected = b"\x10\x23\x00\x04MQTT\x04\xee\x01\x2c\x00\x02n1\x00\x03w/t\x00\x04gone\x00\x04user\x00\x02pw"
    assert got == expected


def test_connect_refuses_what_the_standard_forbids():
    assert refused(hello.encode_connect, "n1", None, "pw")
    assert refused(hello.encode_connect, "")
    assert refused(hello.encode_connect, "n1", keepalive=65536)
    assert refused(hello.encode_connect, "n1", will=("a/#", b"", 0, False))
    assert refused(hello.encode_connect, "n1", "u" * 65536)
    assert hello.encode_connect("", clean_session=True)


def test_publish():
    assert encode_publish("a/b", b"hi") == b"\x30\x07\x00\x03a/bhi"
    assert encode_publish("a/b", b"hi", 1, packet_id=258) == b"\x32\x09\x00\x03a/b\x01\x02hi"
    assert encode_publish("a", b"", 1, True, True, 1) == b"\x3b\x05\x00\x01a\x00\x01"
    assert encode_publish("\xe9", b"") == b"\x30\x04\x00\x02\xc3\xa9"
    assert codec.encode_publish_head("a", 200) == b"\x30\xcb\x01\x00\x01a"


def test_publish_refuses_what_the_standard_forbids():
    for topic in ("", "a/+", "#", "a\0b"):
        assert refused(encode_publish, topic, b""), topic
    assert refused(encode_publish, "a", b"", 2, packet_id=1)
    assert refused(encode_publish, "a", b"", 1)
    assert refused(encode_publish, "a", b"", 1, packet_id=65536)
    assert refused(encode_publish, "a", b"", 0, False, True)
    assert refused(codec.encode_publish_head, "a", 268435455)


def test_small_packets():
    assert codec.encode_puback(0x1234) == b"\x40\x02\x12\x34"
    assert hello.encode_subscribe(10, "a/b", 1) == b"\x82\x08\x00\x0a\x00\x03a/b\x01"
    assert codec.PINGREQ_PACKET == b"\xc0\x00"
    assert codec.DISCONNECT_PACKET == b"\xe0\x00"
    assert refused(codec.encode_puback, 0)
    assert refused(hello.encode_subscribe, 1, "")
    assert refused(hello.encode_subscribe, 1, "a", 2)


STREAM = (
    b"\x20\x02\x01\x00"  # CONNACK, session present
    b"\x3b\x07\x00\x01t\x00\x07hi"  # PUBLISH, QoS 1, retained, duplicate, id 7
    b"\x40\x02\x00\x05"  # PUBACK 5
    b"\x90\x03\x00\x06\x80"  # SUBACK 6, refused
    b"\xd0\x00"  # PINGRESP
    b"\x30\x03\x00\x01t"  # PUBLISH without payload
)
EVENTS = [
    ("connack", True, 0),
    ("publish", "t", b"hi", 1, 7, True, True),
    ("puback", 5),
    ("suback", 6, b"\x80"),
    ("pingresp",),
    ("publish", "t", b"", 0, None, False, False),
]


def test_events():
    assert decode(STREAM) == EVENTS
    assert decode(b"\x20\x02\x00\x05") == [("connack", False, 5)]


def test_any_cut_gives_the_same_events():
    for step in range(1, len(STREAM) + 1):
        assert decode(STREAM, step) == EVENTS, step


def test_remaining_length_at_its_edges():
    for remaining, head in (
        (127, b"\x30\x7f"),
        (128, b"\x30\x80\x01"),
        (16383, b"\x30\xff\x7f"),
        (16384, b"\x30\x80\x80\x01"),
    ):
        packet = publish(remaining - 3)
        assert packet[: len(head)] == head
        for step in (None, 1000, 7):
            events = decode(packet, step, 20000)
            assert len(events) == 1, remaining
            assert events[0][1] == "t"
            assert len(events[0][2]) == remaining - 3
            events = None
        packet = None
        gc.collect()  # of 128 KiB, three pieces of 16 in a row are all that there is


def test_long_packets_are_skipped_and_their_id_is_known():
    data = publish(200, 0x0102, "topic") + publish(91) + publish(300) + b"\xd0\x00"
    for step in (None, 1, 2, 3, 50):
        events = decode(data, step, 100)
        assert events[0] == ("oversize", 209, 0x0102), step
        assert events[1][0] == "publish"
        assert events[2] == ("oversize", 303, None)
        assert events[3] == ("pingresp",)


def test_the_bound_itself_is_accepted():
    assert decode(publish(97), max_packet=100)[0][0] == "publish"
    assert decode(publish(98), max_packet=100)[0][0] == "oversize"


def test_a_skipped_packet_is_not_kept():
    decoder = Decoder(100)
    decoder.feed(b"\x30\xff\xff\xff\x7f\x00\x01t")  # 256 MiB are announced
    for _ in range(100):
        assert decoder.feed(b"x" * 1000) == []
        assert decoder._body is None


def test_broken_packets_are_the_brokers_fault():
    assert "four bytes" in fault(b"\x30\x80\x80\x80\x80\x01")
    assert "QoS 3" in fault(b"\x36\x05\x00\x01t\x00\x01")
    assert "QoS 2" in fault(b"\x34\x05\x00\x01t\x00\x01")
    assert "duplicate" in fault(b"\x38\x03\x00\x01t")
    assert "reserved" in fault(b"\x41\x02\x00\x01")
    assert "reserved" in fault(b"\x20\x02\x02\x00")
    assert "reserved" in fault(b"\xd1\x00")
    assert "3 bytes" in fault(b"\x40\x03\x00\x01\x00")
    assert "1 bytes" in fault(b"\xd0\x01\x00")
    assert "SUBACK" in fault(b"\x90\x02\x00\x01")
    assert "code 3" in fault(b"\x90\x03\x00\x01\x03")
    assert "id 0" in fault(b"\x40\x02\x00\x00")
    assert "id 0" in fault(b"\x32\x05\x00\x01t\x00\x00")
    assert "UTF-8" in fault(b"\x30\x03\x00\x01\xff")
    assert "cut off" in fault(b"\x30\x03\x00\x02t")
    assert "cut off" in fault(b"\x32\x04\x00\x01t\x00")
    assert "cut off" in fault(b"\x30\x01\x00")
    assert "cut off" in fault(b"\x30\x00")
    assert "empty" in fault(b"\x30\x02\x00\x00")
    for kind in (0, 1, 5, 6, 7, 8, 10, 11, 12, 14, 15):
        assert f"type {kind}" in fault(bytes((kind << 4, 2)))


def test_a_long_packet_whose_topic_runs_over_its_end_is_an_error():
    for topic_length in (198, 197, 65535):
        data = b"\x32\xc8\x01" + bytes((topic_length >> 8, topic_length & 255)) + b"t" * 198
        events = decode(data, None, 100)
        assert events[0][0] == "error", topic_length


def test_after_an_error_nothing_more_is_decoded():
    decoder = Decoder()
    events = decoder.feed(b"\xd0\x00\xff\xd0\x00")
    assert [event[0] for event in events] == ["pingresp", "error"]
    assert decoder.feed(STREAM) == []
    assert decoder.failed is events[1][1]
