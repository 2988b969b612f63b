"""Improv's packets: framing, rubbish, pieces. Bytes are written down by hand from the protocol's page."""

import random

from setup.improv import (
    CURRENT,
    KIT,
    RESULT,
    RPC,
    WIFI,
    Parser,
    Pieces,
    command_of,
    packet,
    result,
    wifi_of,
)

# "Request current state": RPC (3), 2 bytes, command 2 without data; the sum, 0x1e5, is that of "IMPROV" and
# 1+3+2+2+0.
STATE_REQUEST = b"IMPROV\x01\x03\x02\x02\x00\xe5\n"


def packets(found):
    return [one for one in found if one[0] is not None]


def others(found):
    return b"".join([data for kind, data in found if kind is None])


def test_a_packet_by_hand():
    parser = Parser()
    found = parser.feed(STATE_REQUEST)
    assert packets(found) == [(RPC, b"\x02\x00")]
    assert command_of(b"\x02\x00") == (CURRENT, b"")
    assert others(found) == b"\n"
    assert packet(RPC, b"\x02\x00") == b"\n" + STATE_REQUEST


def test_byte_by_byte():
    parser = Parser()
    found = []
    for byte in STATE_REQUEST:
        found += parser.feed(bytes([byte]))
    assert packets(found) == [(RPC, b"\x02\x00")]
    assert not parser.pending()


def test_a_wrong_sum_is_counted_and_the_next_is_found():
    parser = Parser()
    found = parser.feed(STATE_REQUEST[:-2] + b"\xe6\n" + STATE_REQUEST)
    assert packets(found) == [(RPC, b"\x02\x00")]
    assert parser.wrong == 1


def test_a_packet_that_lost_bytes_does_not_swallow_the_next():
    parser = Parser()
    long = packet(RPC, bytes(200))[1:]
    found = parser.feed(long[:50] + STATE_REQUEST * 30)
    assert len(packets(found)) >= 30 - 14, len(packets(found))
    assert packets(Parser().feed(long[:50])) == []


def test_a_packet_in_what_never_ended_is_found_when_it_is_quiet():
    parser = Parser()
    assert parser.feed(b"IMPROV\x01\x03\xff" + STATE_REQUEST) == []
    assert parser.pending()
    assert packets(parser.quiet()) == [(RPC, b"\x02\x00")]
    assert not parser.pending()


def test_keys_at_the_console_are_given_at_once():
    parser = Parser()
    assert parser.feed(b"\r\x03") == [(None, b"\r\x03")]
    assert parser.feed(b"help()\r\n") == [(None, b"help()\r\n")]
    # "I" may be a packet's first letter
    assert parser.feed(b"I") == []
    assert parser.quiet() == [(None, b"I")]


def test_another_version_is_none_of_ours():
    assert packets(Parser().feed(b"IMPROV\x02\x03\x02\x02\x00\xe6\n" + STATE_REQUEST)) == [(RPC, b"\x02\x00")]


def test_half_a_head_before_a_head():
    assert packets(Parser().feed(b"IMPRIMPROIMPROV" + STATE_REQUEST)) == [(RPC, b"\x02\x00")]


def test_property_whatever_comes_between_packets_are_found():
    """Rubbish without an "I" between packets, cut anywhere: all are found in order, no byte is lost."""
    seed = random.getrandbits(30)
    print("seed", seed)
    random.seed(seed)
    for _ in range(60):
        wanted = []
        rubbish = b""
        stream = b""
        for _ in range(random.randint(1, 5)):
            noise = bytes(
                [random.choice(b"MPROV\x01\x03\n\r\x00\xff8") for _ in range(random.randint(0, 30))]
            )
            data = bytes([random.getrandbits(8) for _ in range(random.choice((0, 1, 9, 254, 255)))])
            kind = random.randint(1, 4)
            rubbish += noise
            wanted.append((kind, data))
            stream += noise + packet(kind, data)[1:-1]
        parser = Parser()
        found = []
        while stream:
            size = random.randint(1, 100)
            found += parser.feed(stream[:size])
            stream = stream[size:]
            assert len(parser._buf) <= 265
        assert packets(found) == wanted
        assert others(found) == rubbish
        assert parser.wrong == 0


def test_property_any_bytes_never_raise_and_are_bounded():
    seed = random.getrandbits(30)
    print("seed", seed)
    random.seed(seed)
    for _ in range(60):
        parser = Parser()
        size = 0
        given = 0
        for _ in range(10):
            data = bytes([random.choice(b"IMPROV\x01\x03\x00\xff") for _ in range(random.randint(0, 200))])
            given += len(data)
            for kind, part in parser.feed(data):
                size += len(part) if kind is None else len(part) + 10
            assert len(parser._buf) <= 265 + 64
        for kind, part in parser.quiet():
            size += len(part) if kind is None else len(part) + 10
        assert size == given


def test_results():
    # by hand: result of command 3 with "ab" and "": lengths 2 and 0, five bytes in all behind the two
    body = b"\x03\x04\x02ab\x00"
    head = b"IMPROV\x01\x04" + bytes([len(body)]) + body
    assert result(3, ["ab", ""]) == b"\n" + head + bytes([sum(head) & 255]) + b"\n"
    long = result(3, ["x" * 200, "y" * 200])
    assert packets(Parser().feed(long)) == [(RESULT, b"\x03\xc9\xc8" + b"x" * 200)]
    assert packets(Parser().feed(result(4, []))) == [(RESULT, b"\x04\x00")]
    # the SDK of browsers takes a length of 10 for a line's end, and loses the packet: it is never so long
    assert packets(Parser().feed(result(0xD2, ["no_code"]))) == [(RESULT, b"\xd2\x09\x07no_code\x00")]


def test_commands():
    assert command_of(b"") is None
    assert command_of(b"\x02") is None
    assert command_of(b"\x02\x01") is None
    assert command_of(b"\x02\x00\x00") is None
    assert command_of(b"\xd1\x01x") == (KIT, b"x")


def test_wifi_settings():
    name = "Café ☕".encode()
    data = bytes([len(name)]) + name + b"\x03p w"
    assert wifi_of(data) == ("Café ☕", "p w")
    assert wifi_of(b"\x01a\x00") == ("a", "")
    for wrong in (b"", b"\x00", b"\x05ab", b"\x01a", b"\x01a\x02b", b"\x01a\x01bc", b"\x02\xff\xfe\x00"):
        assert wifi_of(wrong) is None, wrong
    assert WIFI == 1


def test_pieces():
    pieces = Pieces()
    assert pieces.put(b"\x00\x02one") == b""
    assert pieces.put(b"\x00\x02one") == b""  # asked twice: it begins anew
    assert pieces.put(b"\x01\x02two") == b"onetwo"
    assert pieces.put(b"\x01\x02two") == b"onetwo"
    assert pieces.put(b"\x00\x01all") == b"all"
    for wrong in (b"", b"\x00\x01", b"\x00\x00x", b"\x01\x01x", b"\x00\x31x", b"\x00\x01" + bytes(121)):
        assert pieces.put(wrong) is None, wrong


def test_pieces_out_of_order():
    pieces = Pieces()
    assert pieces.put(b"\x01\x03b") is None
    assert pieces.put(b"\x00\x03a") == b""
    assert pieces.put(b"\x02\x03c") is None
    assert pieces.put(b"\x01\x02b") is None
    assert pieces.put(b"\x01\x03b") == b""
    assert pieces.put(b"\x01\x03X") is None
    assert pieces.put(b"\x01\x03b") == b""
    assert pieces.put(b"\x02\x03c") == b"abc"
