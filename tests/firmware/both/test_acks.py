"""What an ack message declares durable."""

from node.link_start import shard
from node.sender_ack import acked_seqs

SEQS = [4, 5, 6, 7]


def test_everything_up_to():
    assert acked_seqs({"v": 1, "boot": 1, "upto": 7}, SEQS) == SEQS
    assert acked_seqs({"v": 1, "boot": 1, "upto": 5}, SEQS) == [4, 5]
    assert acked_seqs({"v": 1, "boot": 1, "upto": 3}, SEQS) == []


def test_gaps_are_not_acked():
    assert acked_seqs({"upto": 7, "except": [5]}, SEQS) == [4, 6, 7]
    assert acked_seqs({"upto": 7, "except": [[1, 4], [6, 9]]}, SEQS) == [5]


def test_it_speaks_only_from_a_seq_on():
    assert acked_seqs({"upto": 7, "from": 6}, SEQS) == [6, 7]


def test_a_malformed_ack_acks_nothing():
    for message in (
        {},
        {"upto": "7"},
        {"upto": None},
        {"upto": 7, "except": 5},
        {"upto": 7, "except": ["x"]},
        {"upto": 7, "except": [[1, 2, 3]]},
        {"upto": 7, "except": [[1, None]]},
        {"upto": 7, "from": "1"},
    ):
        assert acked_seqs(message, SEQS) == [], message


def test_shard_is_crc32_mod_16():
    assert shard("praga-1") == "a"
    assert shard("123456789") == "6"  # CRC-32 of "123456789" is cbf43926
