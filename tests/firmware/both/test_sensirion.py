"""Sensirion's CRC-8 over words of two bytes."""

from node.drivers.sensirion import crc8, intact

# tests/vectors/sensirion-crc8.csv, which test_sensirion_streams.py compares with this.
VECTORS = ((b"\xbe\xef", 0x92), (b"\x00\x00", 0x81), (b"\xff\xff", 0xAC), (b"\x03\x00", 0xAC), (b"ff", 0x93))


def test_the_published_values():
    for data, crc in VECTORS:
        assert crc8(data) == crc


def test_a_part_of_a_buffer():
    assert crc8(b"\x12\xbe\xef\x34", 1, 3) == 0x92
    assert crc8(b"\x12\xbe\xef", 1) == 0x92
    assert crc8(b"") == 0xFF


def test_words_are_intact_only_when_every_crc_is_right_and_none_is_missing():
    good = b"\xbe\xef\x92\x00\x00\x81"
    assert intact(good, 2)
    assert intact(bytearray(good), 2)
    assert not intact(good, 1)
    assert not intact(good, 3)
    assert not intact(good[:5], 2)
    assert intact(b"", 0)
    for i in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[i] ^= 1 << bit
            assert not intact(bad, 2)
