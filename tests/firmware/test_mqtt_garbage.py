"""The node's MQTT decoder on whatever bytes a broken or hostile broker may send."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.mqtt import codec
from node.mqtt.codec import Decoder

BOUND = 200
NAMES = {"connack", "publish", "puback", "suback", "pingresp", "oversize", "error"}


def publish(topic: str, payload: bytes, qos: int, packet_id: int) -> bytes:
    return codec.encode_publish_head(topic, len(payload), qos, packet_id=packet_id) + payload


packets = st.one_of(
    st.builds(
        publish,
        st.text(st.characters(exclude_characters="+#\0", codec="utf-8"), min_size=1, max_size=20),
        st.binary(max_size=400),
        st.just(1),
        packet_id=st.integers(1, 65535),
    ),
    st.builds(codec.encode_puback, st.integers(1, 65535)),
    st.sampled_from([b"\x20\x02\x01\x00", b"\x90\x03\x00\x01\x01", b"\xd0\x00"]),
)


def play(data: bytes, cuts: list[int]) -> list[tuple]:
    decoder = Decoder(BOUND)
    events = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        events += decoder.feed(data[start:end])
        assert decoder._body is None or len(decoder._body) <= BOUND
    return events


def shape(events: list[tuple]) -> list[tuple]:
    return [(event[0], str(event[1])) if event[0] == "error" else event for event in events]


@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=8))
def test_garbage_raises_nothing_and_stays_bounded(data: bytes, cuts: list[int]) -> None:
    events = play(data, cuts)
    assert {event[0] for event in events} <= NAMES
    assert all(event[0] != "error" for event in events[:-1])
    assert shape(events) == shape(play(data, []))


@given(
    st.lists(packets, max_size=6),
    st.lists(st.integers(0, 3000), max_size=12),
    st.binary(max_size=20),
)
def test_cuts_change_nothing_and_garbage_spoils_nothing_before_it(
    good: list[bytes], cuts: list[int], garbage: bytes
) -> None:
    expected = [event for packet in good for event in play(packet, [])]
    assert len(expected) == len(good)
    events = play(b"".join(good) + garbage, cuts)
    assert shape(events)[: len(good)] == shape(expected)
