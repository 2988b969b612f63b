"""What all parsers on a byte stream share, on CPython and on MicroPython alike."""

import gc
import sys

from node.drivers import CLIMATE_MODELS, PM_MODELS, make_driver, plantower, sds011
from node.frames import Resync


def sds_frame(payload):
    return b"\xaa\xc0" + payload + bytes([sum(payload) & 255, 0xAB])


def pms_frame(words):
    body = b"\x42\x4d\x00\x1c"
    for word in words:
        body += bytes([word >> 8, word & 255])
    total = sum(body)
    return body + bytes([total >> 8, total & 255])


class Toy(Resync):
    """Frames: FE, length n, n bytes; a frame with a byte 0 in it is refused, one of length 9 is none."""

    FIRST = 0xFE
    SIZE = 6

    def _need(self, at, end):
        if end - at < 2:
            return 2
        length = self._buf[at + 1]
        return 0 if length == 9 else length + 2 if length <= 4 else -2

    def _judge(self, at):
        frame = bytes(self._buf[at : at + self._buf[at + 1] + 2])
        return "zero" if 0 in frame[2:] else {"kind": "data", "frame": frame}


def test_frames_rejects_and_garbage_add_up():
    parser = Toy()
    events = parser.feed(b"\xfe\x01\x07xy\xfe\x02\x00\x01\xfe\x05\xfe\x09\xfe\x02\x01")
    assert [event["frame"] for event in events] == [b"\xfe\x01\x07"]
    assert parser.frames == 1
    assert parser.rejects == {"garbage": 4, "zero": 1, "length": 1}
    assert [event["frame"] for event in parser.feed(b"\x02")] == [b"\xfe\x02\x01\x02"]


def test_drop_forgets_what_waits_and_counts_nothing():
    parser = Toy()
    parser.feed(b"\xfe\x04abc")
    parser.drop()
    assert [event["frame"] for event in parser.feed(b"\xfe\x01d")] == [b"\xfe\x01d"]
    assert parser.rejects == {}
    parser.feed(b"\xfe\x03\x00\xfe\x04")  # a rejected frame, and the beginning of another in it
    parser.drop()
    parser.feed(b"xy")
    assert parser.rejects == {"zero": 1, "garbage": 2}


def test_flush_judges_what_waits_and_finds_the_frame_inside():
    parser = Toy()
    parser.feed(b"\xfe\x04\xfe\x01a")
    events = parser.flush()
    assert [event["frame"] for event in events] == [b"\xfe\x01a"]
    assert parser.rejects == {"truncated": 1}
    assert parser.flush() == []


def test_one_long_chunk_is_the_same_as_many_short_ones():
    stream = b"\xfe\x03abc" * 50 + b"\xfe\xfe\x00\xfe\x04ab" * 20
    whole = Toy()
    expected = whole.feed(stream)
    parts = Toy()
    got = []
    for byte in stream:
        got += parts.feed(bytes([byte]))
    assert got == expected
    assert (parts.frames, parts.rejects) == (whole.frames, whole.rejects)


def test_every_byte_value_anywhere_in_a_frame_and_in_its_checksum():
    sums = set()
    parser = sds011.Parser()
    for value in range(256):
        for other in (0, 0xAA, 0xAB, 0xC0):
            frame = sds_frame(bytes([value, 0, other, 0, 0xAA, 0xC0]))
            sums.add(frame[8])
            assert len(parser.feed(frame)) == 1
    assert len(sums) == 256
    assert parser.rejects == {}
    low = set()
    parser = plantower.Parser()
    for value in range(256):
        for n03 in (value << 8 | 0xFF, 0xFF00 | value, 0x424D):
            frame = pms_frame([66, 77, 78, 66, 77, 78, n03, 0x1C, 0x1C, 0x1C, 4, 4, value << 8 | 1])
            low.add(frame[31])
            assert parser.feed(frame)[0]["n03"] == n03
    assert len(low) == 256
    assert parser.rejects == {}


def test_a_header_in_the_payload_is_payload():
    parser = plantower.Parser()
    frame = pms_frame([1, 2, 3, 1, 2, 3, 0x424D, 0x1C, 0x1C, 1, 0, 0, 0x9700])
    for cut in range(1, 32):
        assert len(parser.feed(frame[:cut])) + len(parser.feed(frame[cut:])) == 1
    assert parser.rejects == {}
    # Its first half lost: the header inside asks for 16 bytes of the next frame, which is found all the same.
    assert parser.feed(frame[16:]) == []
    assert parser.feed(frame)[0]["n03"] == 0x424D
    assert parser.rejects == {"checksum": 1}


def test_a_frame_costs_its_event_and_a_list_and_nothing_else():
    """On MicroPython: heap taken per call of feed() and tick(), with the collector off."""
    if sys.implementation.name != "micropython":
        return
    sds = sds_frame(b"\x60\x00\x70\x00\xa1\x60")
    pms = pms_frame([5, 8, 9, 5, 8, 9, 210, 70, 45, 30, 2, 1, 0x9700])
    flipped = bytearray(pms)
    flipped[20] ^= 1
    # The list and, of the SDS011, a dict of 3 and two floats; of the other a dict of 15. 64-bit port.
    for model, frame, most in (("sds011", sds, 256), ("pms5003", pms, 384), ("pms5003", flipped, 64)):
        driver = make_driver(model)
        driver.wake(0)
        driver.tick(0)
        for _ in range(10):
            driver.feed(frame)
        gc.collect()
        gc.disable()
        try:
            before = gc.mem_alloc()
            for _ in range(20):
                driver.feed(frame)
            taken = (gc.mem_alloc() - before) / 20
        finally:
            gc.enable()
        print(model, "takes", taken, "bytes for a frame" if most > 64 else "bytes for a damaged one")
        assert taken <= most
        gc.collect()
        before = gc.mem_alloc()
        for _ in range(200):
            driver.feed(frame)
        gc.collect()
        # An event that the collector still sees somewhere on the stack is no growth; 200 would be.
        assert gc.mem_alloc() <= before + 2 * most


def test_make_driver_knows_every_model_of_the_uart():
    for model in PM_MODELS[:7]:
        driver = make_driver(model)
        assert driver.model == model
        assert (driver.bus, driver.baud) == ("uart", 9600)
        assert (driver.frames, driver.rejects, driver.retries) == (0, {}, 0)
        assert (driver.id, driver.fw, driver.climate_flag, driver.awake_since) == (None, None, None, None)
        assert driver.warmup_s == 30
        assert driver.rxbuf >= 512
        driver.failed(0)
    assert make_driver("pmsa003i", "i2c").bus == "i2c"
    assert "auto" not in PM_MODELS + CLIMATE_MODELS
    for unknown in ("pms9003", "auto", ""):
        try:
            said = make_driver(unknown)
        except ValueError as error:
            said = str(error)
        assert said == "no driver for sensor model " + unknown
