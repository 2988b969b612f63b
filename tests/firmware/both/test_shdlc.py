"""The SHDLC parser and encoder, on CPython and on MicroPython alike."""

from node.drivers.shdlc import Parser, frame
from node.drivers.sps30 import values

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0]
EMPTY = b"\x7e\x00\x03\x00\x00\xfc\x7e"  # no new values
MASSES = ("pm1", "pm25", "pm4", "pm10")


def rows(name):
    """(bytes, meaning) of a vector file; MicroPython has no csv module."""
    out = []
    with open(HERE + "/../../vectors/" + name) as file:
        file.readline()
        for line in file:
            hex_text, meaning = line.strip().split(",", 1)
            out.append((bytes.fromhex(hex_text), meaning.strip('"')))
    return out


def reply(command, state=0, data=b"", address=0):
    """A frame of the sensor; built here by the datasheet, not by the encoder under test."""
    return sealed(bytes([address, command, state, len(data)]) + data)


def sealed(body):
    out = b""
    for byte in body + bytes([255 - sum(body) % 256]):
        out += bytes([0x7D, byte ^ 0x20]) if byte in (0x7E, 0x7D, 0x11, 0x13) else bytes([byte])
    return b"\x7e" + out + b"\x7e"


def test_frame_vectors():
    replies = {}
    commands = 0
    for line, meaning in rows("sps30-shdlc-frames.csv"):
        parser = Parser()
        events = parser.feed(line)
        if meaning.startswith("reject"):
            assert events == []
            assert sum(parser.rejects.values()) == 1
        elif meaning.startswith("reply"):
            assert len(events) == 1
            assert parser.rejects == {}
            replies[meaning.split()[1]] = events[0]
        else:
            body = line.replace(b"}\x5e", b"~")[1:-1].rstrip(b"~")
            assert frame(body[1], bytes(body[3 : 3 + body[2]])) == line
            commands += 1
    assert commands == 4
    assert replies == {
        "no": {"kind": "reply", "address": 0, "command": 3, "state": 0, "data": b""},
        "state": {"kind": "reply", "address": 0, "command": 0, "state": 0x43, "data": b""},
        "with": {"kind": "reply", "address": 0x7E, "command": 0x7D, "state": 0x11, "data": b"\x12\x13\x14"},
    }


def test_rejected_vectors_say_why():
    reasons = {
        meaning: rejected(line)
        for line, meaning in rows("sps30-shdlc-frames.csv")
        if meaning.startswith("reject")
    }
    assert reasons == {
        "reject: empty": {"length": 1},
        "reject: too short": {"length": 1},
        "reject: length without data": {"length": 1},
        "reject: bad checksum": {"checksum": 1},
    }


def rejected(line):
    parser = Parser()
    parser.feed(line)
    return parser.rejects


def test_data_vectors():
    good = 0
    for line, meaning in rows("sps30-shdlc-data.csv"):
        parser = Parser()
        (event,) = parser.feed(line)
        decoded = values(event["data"])
        assert decoded["kind"] == "data"
        expected = meaning.split(";")[:4]
        assert [f"{decoded[name]:.4f}" for name in MASSES] == expected
        assert parser.rejects == {}
        good += 1
    assert good == 3


def test_every_byte_value_is_stuffed_and_unstuffed_in_data_and_checksum():
    checksums = set()
    for value in range(256):
        line = reply(3, 0, bytes([value]))
        (event,) = Parser().feed(line)
        assert event["data"] == bytes([value])
        checksums.add((~(3 + 1 + value)) & 0xFF)
        # and to the sensor
        assert frame(0x80, bytes([value])) == sealed(bytes([0, 0x80, 1, value]))
    assert len(checksums) == 256


def test_a_flag_may_end_one_frame_and_begin_the_next():
    parser = Parser()
    assert len(parser.feed(EMPTY + EMPTY[1:] + EMPTY)) == 3
    assert parser.rejects == {}
    assert parser.frames == 3


def test_a_lost_flag_costs_no_second_frame():
    for line in (EMPTY[:-1] + EMPTY, EMPTY + EMPTY[1:]):
        parser = Parser()
        assert len(parser.feed(line)) == 2
        assert parser.rejects == {}


def test_garbage_is_counted_by_bytes_and_costs_no_frame():
    parser = Parser()
    assert len(parser.feed(b"abc" + EMPTY + b"de" + EMPTY)) == 2
    assert parser.rejects == {"garbage": 5}


def test_bare_control_bytes_and_unknown_escapes_are_refused():
    good = reply(3, 0, b"\x11")
    for bad in (good.replace(b"\x7d\x31", b"\x11"), reply(3, 0, b"A").replace(b"A", b"\x7d\x61")):
        assert rejected(bad) == {"checksum": 1}
    assert rejected(b"\x7e\x00\x03\x00\x00\xfc\x7d\x7e") == {"truncated": 1}


def test_a_frame_longer_than_any_of_the_sensor_is_refused_and_the_next_is_read():
    parser = Parser()
    events = parser.feed(reply(3, 0, bytes(41)) + b"\x7e" + bytes(2000) + b"\x7e" + EMPTY)
    assert len(events) == 1
    assert parser.rejects == {"length": 2}


def test_the_longest_frame_all_stuffed():
    (event,) = Parser().feed(reply(0x13, 0x11, b"\x7e" * 40, 0x7D))
    assert event["data"] == b"\x7e" * 40


def test_the_end_of_the_stream():
    parser = Parser()
    assert parser.feed(EMPTY[:-1]) == []
    assert parser.flush() == []
    assert parser.rejects == {"truncated": 1}
    parser.feed(EMPTY[:3])
    parser.drop()
    assert len(parser.feed(EMPTY)) == 1
    assert parser.rejects == {"truncated": 1}
