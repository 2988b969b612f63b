"""The SDS011's parser, on CPython and on MicroPython alike. Its dialogue: test_sds011_duty.py."""

from node.drivers.sds011 import Parser, Sds011

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0]


def rows(name):
    """(bytes, other columns) of a vector file; MicroPython has no csv module."""
    out = []
    with open(HERE + "/../../vectors/" + name) as file:
        file.readline()
        for line in file:
            hex_text, rest = line.strip().split(",", 1)
            out.append((bytes.fromhex(hex_text), rest.split(",")))
    return out


def sds_frame(kind, payload):
    return bytes([0xAA, kind]) + payload + bytes([sum(payload) & 0xFF, 0xAB])


def data_frame(pm25, pm10):
    """A data frame; values in 0.1 ug/m3."""
    return of(0xA160, pm25, pm10)


def of(number, pm25=60, pm10=70):
    """A data frame of the sensor with that number."""
    return sds_frame(0xC0, bytes([pm25 & 255, pm25 >> 8, pm10 & 255, pm10 >> 8, number >> 8, number & 255]))


def reply(number, write, value, last=0):
    return sds_frame(0xC5, bytes([number, write, value, last, 0xA1, 0x60]))


def test_data_vectors():
    checked = 0
    for frame, columns in rows("sds011-data.csv"):
        parser = Parser()
        events = parser.feed(frame)
        if columns[0] == "reject":
            assert events == [], frame
            assert parser.frames == 0
            assert sum(parser.rejects.values()) == 1, parser.rejects
        else:
            assert len(events) == 1, frame
            assert events[0]["kind"] == "data"
            assert events[0]["pm25"] == float(columns[0])
            assert events[0]["pm10"] == float(columns[1])
            assert parser.frames == 1
            assert parser.rejects == {}
        checked += 1
    assert checked == 7


def test_reply_vectors():
    expected = {
        "reply: active mode": ("mode", 0, 0),
        "reply: query mode": ("mode", 0, 1),
        "reply: slept": ("work", 1, 0),
        "reply: awake": ("work", 1, 1),
        "reply: is working (same checksum as slept)": ("work", 0, 1),
        "reply: period set 1 min": ("period", 1, 1),
        "reply: firmware 15-07-10": ("firmware", 0, None),
    }
    seen = 0
    for frame, columns in rows("sds011-commands.csv"):
        meaning = ",".join(columns)
        parser = Parser()
        events = parser.feed(frame)
        if meaning in expected:
            what, write, value = expected[meaning]
            assert events == [{"kind": "reply", "what": what, "set": write, "value": value}]
            assert parser.id == "a160"
            assert parser.fw == ("15-07-10" if what == "firmware" else None)
            seen += 1
        else:  # a command echoed back, or a reply to reject
            assert events == [], meaning
    assert seen == len(expected)


def test_reject_reasons():
    for frame, reason in (
        (data_frame(10000, 10), "out_of_range"),
        (data_frame(10, 20000), "out_of_range"),
        (data_frame(65535, 65535), "out_of_range"),
        (reply(8, 0, 31), "out_of_range"),
        (reply(9, 0, 0), "unknown"),
        (data_frame(6, 6)[:8] + b"\x00\xab", "checksum"),
        (data_frame(6, 6)[:9] + b"\xaa", "tail"),
        (b"hello", "garbage"),
    ):
        parser = Parser()
        assert parser.feed(frame) == []
        assert parser.rejects.get(reason), (reason, parser.rejects)
    parser = Parser()
    parser.feed(data_frame(9999, 9999))
    assert parser.frames == 1


def test_the_marks_of_too_much_dust_are_saturated():
    (event,) = Parser().feed(data_frame(9999, 19999))
    for name in ("pm25", "pm10"):
        assert event[name] >= Sds011.ceiling[name]
    (event,) = Parser().feed(data_frame(9998, 9998))
    for name in ("pm25", "pm10"):
        assert event[name] < Sds011.ceiling[name]


def test_frame_behind_a_truncated_one_is_found_at_once():
    for cut in range(1, 10):
        parser = Parser()
        assert parser.feed(data_frame(60, 70)[:cut]) == []
        events = parser.feed(data_frame(81, 92))
        assert [event["pm25"] for event in events] == [8.1], cut


def test_flush_counts_what_was_cut_off():
    parser = Parser()
    parser.feed(data_frame(60, 70)[:6])
    assert parser.flush() == []
    assert parser.rejects == {"truncated": 1}
    assert parser.feed(data_frame(60, 70))[0]["pm10"] == 7.0


def test_frames_of_another_number_are_foreign():
    parser = Parser()
    assert len(parser.feed(data_frame(60, 70))) == 1
    assert parser.feed(of(0x1234) + of(0x1235) + of(0x1234)) == []
    assert parser.rejects == {"foreign": 3}
    assert len(parser.feed(data_frame(60, 70))) == 1
    assert parser.id == "a160"
    assert parser.feed(sds_frame(0xC5, b"\x07\x0f\x07\x0a\x12\x34")) == []
    assert parser.fw is None


def test_an_exchanged_sensor_is_learned_after_four_frames_in_a_row():
    parser = Parser()
    parser.feed(data_frame(60, 70) + reply(7, 15, 7, 10))
    assert parser.fw == "15-07-10"
    other = of(0x1234, 81, 92)
    assert parser.feed(other + other + other + data_frame(60, 70))[0]["pm25"] == 6.0
    assert parser.feed(other + other + other) == []
    assert [event["pm25"] for event in parser.feed(other + other)] == [8.1, 8.1]
    assert (parser.id, parser.fw) == ("1234", None)
    assert parser.rejects == {"foreign": 6}
    assert parser.feed(data_frame(60, 70)) == []


def test_a_damaged_number_teaches_nothing_that_lasts():
    """The very first frame is damaged, and its sum fits by chance."""
    parser = Parser()
    parser.feed(of(0xA061))
    good = data_frame(60, 70)
    assert len(parser.feed(good * 10)) == 7
    assert parser.id == "a160"


def test_values_out_of_range_teach_no_number():
    parser = Parser()
    assert parser.feed(of(0x1111, 10000, 10)) == []
    assert parser.id is None


def test_pm10_below_pm25_is_passed_on():
    assert len(Parser().feed(data_frame(80, 70))) == 1


def test_checks_beyond_the_checksum_can_be_switched_off_for_a_measurement():
    class ChecksumOnly(Parser):
        def _doubt(self, at):
            return ""

    events = ChecksumOnly().feed(of(1, 60000, 70) + of(2))
    assert [event["pm25"] for event in events] == [6000.0, 6.0]
