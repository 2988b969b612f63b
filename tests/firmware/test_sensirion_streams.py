"""SHDLC on hostile streams and Sensirion's I2C answers damaged at will: nothing raises or passes unseen."""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.drivers import make_driver, sen5x, sps30
from node.drivers.sensirion import crc8, intact
from node.drivers.shdlc import Parser, frame
from tests.firmware.both import test_sensirion

VECTORS = Path(__file__).parents[1] / "vectors"
pytestmark = pytest.mark.timeout(120)
SPECIAL = (0x7E, 0x7D, 0x11, 0x13)
many = settings(max_examples=100, deadline=None, print_blob=True)


def sealed(body: bytes) -> bytes:
    out = bytearray()
    for byte in body + bytes([255 - sum(body) % 256]):
        out += bytes([0x7D, byte ^ 0x20]) if byte in SPECIAL else bytes([byte])
    return b"\x7e" + bytes(out) + b"\x7e"


def reply(address: int, command: int, state: int, data: bytes) -> bytes:
    return sealed(bytes([address, command, state, len(data)]) + data)


byte = st.integers(0, 255) | st.sampled_from(SPECIAL)
payload = st.lists(byte, max_size=40).map(bytes)
replies = st.builds(reply, byte, byte, byte, payload)
teasers = st.sampled_from([b"\x7e", b"\x7d", b"\x7e\x7e", b"\x7e\x00", b"\x7d\x5e", b"\x7e\x00\x03\x00\x28"])
garbage = st.lists(teasers | st.binary(max_size=12), max_size=8).map(b"".join)
floats = st.floats(0, 1000, width=32)
measured = st.tuples(st.lists(floats, min_size=4, max_size=4), st.lists(floats, min_size=5, max_size=5)).map(
    lambda lists: struct.pack(">10f", *sorted(lists[0]), *sorted(lists[1]), 0.8)
)


def alone(line: bytes) -> dict[str, Any]:
    (event,) = Parser().feed(line)
    return event


@many
@given(byte, byte, byte, payload)
def test_what_was_sent_comes_out(address: int, command: int, state: int, data: bytes) -> None:
    line = reply(address, command, state, data)
    assert not set(line[1:-1]) & {0x7E, 0x11, 0x13}
    event = alone(line)
    assert event == {
        "kind": "reply",
        "address": address,
        "command": command,
        "state": state,
        "data": data,
    }


@many
@given(st.integers(0, 255), st.binary(max_size=255))
def test_commands_are_sealed_and_stuffed(command: int, data: bytes) -> None:
    assert frame(command, data) == sealed(bytes([0, command, len(data)]) + data)


@many
@given(garbage, replies, garbage, replies)
def test_an_intact_frame_is_found_at_once_after_garbage(
    noise: bytes, first: bytes, more: bytes, second: bytes
) -> None:
    parser = Parser()
    parser.feed(noise)
    assert parser.feed(first)[-1] == alone(first)
    parser.feed(more)
    assert parser.feed(second)[-1] == alone(second)
    assert len(parser._buf) == 45


@many
@given(replies, st.data(), replies)
def test_a_cut_frame_does_not_cost_the_next(cut: bytes, data: Any, whole: bytes) -> None:
    begin, end = sorted((data.draw(st.integers(0, len(cut))), data.draw(st.integers(0, len(cut)))))
    parser = Parser()
    parser.feed(cut[begin:end])
    assert parser.feed(whole)[-1] == alone(whole)


@many
@given(st.lists(garbage | replies, max_size=10).map(b"".join), st.data())
def test_chunks_do_not_matter(stream: bytes, data: Any) -> None:
    whole = Parser()
    expected = whole.feed(stream) + whole.flush()
    parts = Parser()
    got: list[dict[str, Any]] = []
    at = 0
    while at < len(stream):
        size = data.draw(st.integers(1, 50))
        got += parts.feed(memoryview(stream)[at : at + size])
        at += size
    got += parts.flush()
    assert got == expected
    assert parts.rejects == whole.rejects
    assert parts.frames == whole.frames == len(got)


@many
@given(st.binary(max_size=60), replies)
def test_every_byte_outside_frames_is_counted(noise: bytes, line: bytes) -> None:
    noise = noise.replace(b"\x7e", b"")
    parser = Parser()
    assert parser.feed(noise + line) == [alone(line)]
    assert parser.rejects == ({"garbage": len(noise)} if noise else {})


@many
@given(replies, st.data())
def test_one_changed_byte_never_passes_unseen(line: bytes, data: Any) -> None:
    """A sum sees each change of one byte; stuffing can make it one of the length, which is seen too."""
    at = data.draw(st.integers(1, len(line) - 2))
    damaged = bytearray(line)
    damaged[at] ^= data.draw(st.integers(1, 255))
    parser = Parser()
    events = parser.feed(damaged)
    assert alone(line) not in events
    if 0x7E not in damaged[1:-1]:
        assert events == []
        assert sum(parser.rejects.values()) == 1


@many
@given(measured, st.binary(min_size=40, max_size=40))
def test_sps30_values_are_possible_or_refused(good: bytes, anything: bytes) -> None:
    event = sps30.values(good)
    assert isinstance(event, dict)
    assert [event[name] for name in ("pm1", "pm25", "pm4", "pm10")] == list(struct.unpack(">4f", good[:16]))
    event = sps30.values(anything)
    if isinstance(event, str):
        assert event == "out_of_range"
    else:
        assert all(0 <= event[name] <= 1000 for name in ("pm1", "pm25", "pm4", "pm10"))


@many
@given(
    st.binary(min_size=16, max_size=16) | st.lists(st.integers(0, 40), min_size=16, max_size=16).map(bytes)
)
def test_sen5x_values_are_possible_or_refused(anything: bytes) -> None:
    event = sen5x.values(anything)
    if isinstance(event, str):
        assert event == "out_of_range"
        return
    assert all(0 <= event[name] <= 1000 for name in event if name[0] == "p")
    assert -10 <= event.get("temp", 0) <= 50
    assert 0 <= event.get("rh", 0) <= 100


def test_crc_vectors() -> None:
    with (VECTORS / "sensirion-crc8.csv").open() as file:
        rows = tuple((bytes.fromhex(data), int(crc, 16)) for data, crc in list(csv.reader(file))[1:])
    assert rows == test_sensirion.VECTORS
    for data, crc in rows:
        assert crc8(data) == crc


@many
@given(st.binary(min_size=2, max_size=2), st.integers(1, 0xFFFFFF))
def test_up_to_two_changed_bits_in_a_word_are_always_seen(word: bytes, change: int) -> None:
    """Longer bursts of up to 8 bits too; what a CRC of 8 bits lets through beyond is one in 256."""
    sound = word + bytes([crc8(word)])
    assert intact(sound, 1)
    ones = [bit for bit in range(24) if change >> bit & 1]
    if len(ones) <= 2 or ones[-1] - ones[0] < 8:
        assert not intact((int.from_bytes(sound, "big") ^ change).to_bytes(3, "big"), 1)


@pytest.mark.parametrize(("model", "bus"), [("sps30", "i2c"), ("sen55", "i2c"), ("sps30", "uart")])
@settings(max_examples=40, deadline=None, print_blob=True)
@given(data=st.data())
def test_a_dialogue_with_noise_never_raises(model: str, bus: str, data: Any) -> None:
    """Whatever a broken device says, at whatever pace, with the node's calls in between."""
    driver = make_driver(model, bus)
    driver.wake(0)
    now = 0
    for _ in range(40):
        now += data.draw(st.sampled_from([5, 50, 100, 1500]))
        want = driver.tick(now)
        does = data.draw(st.sampled_from(["answer"] * 12 + ["failed", "wake", "sleep", "reset"]))
        if does == "answer" and bus == "uart":
            command = data.draw(st.sampled_from([0, 1, 3, 0x10, 0x11, 0x56, 0xD0, 0xD1, 0xD2, 0xD3]))
            state = data.draw(st.sampled_from([0, 0, 0, 2, 0x43, 0x80, 0xC3]))
            driver.feed(reply(0, command, state, data.draw(st.binary(max_size=40))))
            driver.feed(data.draw(st.binary(max_size=5)))
        elif does == "answer" and isinstance(want, int):
            words = data.draw(st.binary(min_size=want // 3 * 2, max_size=want // 3 * 2))
            sound = b"".join(
                words[i : i + 2] + bytes([crc8(words, i, i + 2)]) for i in range(0, len(words), 2)
            )
            driver.feed(data.draw(st.just(sound) | st.binary(min_size=want, max_size=want)))
        elif does == "failed":
            driver.failed(now)
        elif does == "reset":
            driver.reset()
        elif does in ("wake", "sleep"):
            getattr(driver, does)(now)
        for text in (driver.id, driver.fw):
            assert text is None or (text.isascii() and text.isprintable() and 0 < len(text) <= 32)
    assert driver.model in ("sps30", "sen50", "sen54", "sen55")
