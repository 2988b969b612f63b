"""The Plantower parser, on CPython and on MicroPython alike. The dialogue: test_plantower_duty.py."""

from node.drivers.plantower import Parser, Plantower

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0]
CF1 = ("pm1_cf1", "pm25_cf1", "pm10_cf1")
ATM = ("pm1", "pm25", "pm10")
COUNTS = ("n03", "n05", "n1", "n25", "n5", "n10")
FOUR = set(CF1 + ATM + COUNTS[:4] + ("kind",))  # an event with the four counts that all of them have
TAIL_ST = [30, 215, 480, 0, 0x9700]
# Frames that users of these sensors published, which are not in the vectors: all of them real, in clean
# air, in smoke, of several models and versions.
CAPTURED = (
    "424d001c003e00540060002a003e0050222309a4014a0028000600056700042c",
    "424d001c001b00210029001a002100292bfb04be006b00100004000467000446",
    "424d001c00450062006b002d004100522da20af801b2002e000400036700059d",
    "424d001c00610064006900400048005a0bd10847007800030002000120000484",
    "424d001c000300040007000400050008031b00f9001b0006000300039a0002a2",
    "424d001c00000000000000000000000000240007000100010001000097000170",
    "424d001c00000008000b00000008000b00b40039002e001e00000000970002a1",
    "424d001c0000000500050000000500050024000c000c000c000000009700019e",
    "424d001c000000020004000000020004001e000a000300030003000397000182",
    "424d001c00000000000100000000000100120006000300030003000397000168",
    "424d00140051006a007700350046004f33d20f28003f041a",
    "424d0014001f00280030001a0024002f00000000005401db",
)


def rows(name):
    """(bytes, other columns) of a vector file with quoted columns; MicroPython has no csv module."""
    out = []
    with open(HERE + "/../../vectors/" + name) as file:
        file.readline()
        for line in file:
            hex_text, rest = line.strip().split(",", 1)
            quoted = rest.split('"')[1::2]
            out.append((bytes.fromhex(hex_text), quoted or [rest]))
    return out


def sealed(body):
    total = sum(body) & 0xFFFF
    return body + bytes([total >> 8, total & 255])


def pms_frame(words, length=28):
    """A frame of 16-bit words, filled up with zeros."""
    body = bytes([0x42, 0x4D, 0, length])
    for word in words:
        body += bytes([word >> 8, word & 255])
    return sealed(body + bytes(length + 2 - len(body)))


def reply(command, value):
    return sealed(bytes([0x42, 0x4D, 0, 4, command, value]))


def plain(pm25=8, error=0):
    pm10 = min(pm25 + 1, 65535)
    return pms_frame([5, pm25, pm10, 5, pm25, pm10, 210, 70, 45, 30, 2, 1, 0x9700 | error])


def with_t(temp=215, rh=480, n25=30):
    """A PMS5003T's frame; temperature and humidity in tenths."""
    return pms_frame([5, 8, 9, 5, 8, 9, 210, 70, 45, n25, temp & 0xFFFF, rh, 0x9700])


def with_st(temp=215, rh=480):
    return pms_frame([5, 8, 9, 5, 8, 9, 210, 70, 45, 30, 2, 1, 30, temp & 0xFFFF, rh, 0, 0x9100], 36)


def test_data_vectors():
    good = 0
    for frame, columns in rows("plantower-data.csv"):
        parser = Parser()
        events = parser.feed(frame)
        if len(columns) == 1:
            assert columns[0].startswith("reject")
            assert events == []
            assert parser.rejects == {"checksum": 1}
            continue
        assert len(events) == 1
        event = events[0]
        assert event["kind"] == "data"
        for names, column in ((CF1, columns[0]), (ATM, columns[1]), (COUNTS, columns[2])):
            assert [event[name] for name in names] == [int(value) for value in column.split(",")]
        assert parser.fw == frame[28:29].hex()
        assert parser.rejects == {}
        good += 1
    assert good == 6


def test_command_vectors():
    seen = 0
    for frame, columns in rows("plantower-commands.csv"):
        events = Parser().feed(frame)
        if columns[0].startswith("reply to sleep"):
            assert events == [{"kind": "reply", "what": "work", "value": 0}]
            seen += 1
        elif columns[0].startswith("reply"):
            assert events == [{"kind": "reply", "what": "mode", "value": 0}]
            seen += 1
        else:  # our own command, echoed
            assert events == []
    assert seen == 2


def test_reply_between_data_frames():
    parser = Parser()
    kinds = [event["kind"] for event in parser.feed(plain() + reply(0xE1, 1) + plain())]
    assert kinds == ["data", "reply", "data"]
    assert parser.rejects == {}


def test_pms3003_and_st_lengths():
    event = Parser().feed(pms_frame([1, 2, 3, 4, 5, 6], 20))[0]
    assert event["pm25"] == 5
    assert event["pm25_cf1"] == 2
    assert "n03" not in event
    words = [1, 2, 3, 4, 5, 6, 12, 11, 10, 9, 8, 7, 30, 0x10000 - 55, 481, 0, 0x9103]
    parser = Parser()
    event = parser.feed(pms_frame(words, 36))[0]
    assert [event[name] for name in COUNTS] == [12, 11, 10, 9, 8, 7]
    assert event["temp"] == -5.5
    assert event["rh"] == 48.1
    assert parser.fw == "91"
    assert (event["kind"], event["what"], event["code"]) == ("error", "device", 3)


def test_no_captured_frame_is_refused():
    for text in CAPTURED:
        parser = Parser()
        assert len(parser.feed(bytes.fromhex(text))) == 1, text
        assert parser.rejects == {}


def test_masses_fall_or_counts_grow_with_the_size_is_refused():
    good = [5, 8, 9, 5, 8, 9, 210, 70, 45, 30, 2, 1, 0x9700]
    for at in (1, 2, 4, 5):
        words = list(good)
        words[at] = words[at - 1] - 1
        parser = Parser()
        assert parser.feed(pms_frame(words)) == [], at
        assert parser.rejects == {"out_of_range": 1}
    for at in (7, 8, 9, 10, 11):
        words = list(good)
        words[at] = words[at - 1] + 1
        parser = Parser()
        assert parser.feed(pms_frame(words)) == [], at
        assert parser.feed(pms_frame(words[:12] + TAIL_ST, 36)) == []
        assert parser.rejects == {"out_of_range": 2}
    equal = Parser()
    assert len(equal.feed(pms_frame([7] * 12 + [0x9700]))) == 1


def test_channels_that_cannot_be_of_one_measurement_are_refused():
    for standard, ambient, good in (
        (62, 46, 1),
        (0, 10, 1),
        (0, 11, 0),
        (130, 60, 1),
        (131, 60, 0),
        (60, 131, 0),
    ):
        parser = Parser()
        words = [standard] * 3 + [ambient] * 3 + [9] * 6 + [0x9700]
        assert len(parser.feed(pms_frame(words))) == good, (standard, ambient)
        assert parser.rejects == ({} if good else {"out_of_range": 1})


def test_a_frame_before_the_first_measurement_is_no_clean_air():
    for model, length in (("pms5003", 28), ("pms5003t", 28), ("pms5003st", 36)):
        parser = Parser(model)
        assert parser.feed(pms_frame([0] * 13, length)) == []
        assert parser.rejects == {"not_ready": 1}
    zero = Parser().feed(pms_frame([0] * 12 + [0x9700]))[0]
    assert (zero["kind"], zero["pm25"], zero["n10"]) == ("data", 0, 0)


# Which model it is.


def test_counts_wait_until_the_tail_is_known_to_count():
    driver = Plantower("pms7003")
    for _ in range(4):
        event = driver.feed(plain())[0]
        assert set(event) == FOUR
    assert driver.feed(plain())[0]["n10"] == 1
    assert driver.feed(plain())[0]["n5"] == 2
    assert driver.model == "pms7003"
    assert driver.climate_flag is None


def test_a_t_configured_as_pms5003_is_recognised_and_publishes_nothing_wrong():
    # The words of a real one, 21.2 degC and 22.4 % (PyPMS, docs/sensors/Plantower.md), with a sum that fits.
    real = pms_frame([23, 39, 41, 22, 35, 41, 4224, 1193, 278, 12, 212, 224, 0x9A00])
    driver = Plantower("pms5003")
    events = driver.feed(real * 5)
    assert driver.model == "pms5003t"
    assert [event.get("temp") for event in events] == [None, None, None, None, 21.2]
    assert [event.get("n5") for event in events] == [None] * 5
    for temp, rh in ((215, 480), (-55, 900), (0, 1), (990, 0)):
        driver = Plantower("pms5003")
        for i in range(4):
            (event,) = driver.feed(with_t(temp, rh))
            assert set(event) == FOUR, i
            assert driver.model == "pms5003"
        (event,) = driver.feed(with_t(temp, rh))
        assert driver.model == "pms5003t"
        assert (event["temp"], event["rh"]) == (temp / 10, rh / 10)
        assert set(event) == FOUR | {"temp", "rh"}
        assert driver.rejects == {}


def test_a_t_configured_as_t_is_read_as_t_from_the_first_frame():
    driver = Plantower("pms5003t")
    assert driver.feed(with_t(-55, 481))[0]["temp"] == -5.5
    # Dry heat and dust: the tail would pass for counts.
    for _ in range(20):
        assert driver.feed(with_t(300, 200, 45))[0]["rh"] == 20.0
    assert driver.model == "pms5003t"
    assert driver.feed(with_t(1000, 481)) == []
    assert driver.feed(with_t(-401, 481)) == []
    assert driver.feed(with_t(215, 1001)) == []
    assert driver.rejects == {"out_of_range": 3}


def test_one_wrong_tail_does_not_make_a_t():
    driver = Plantower("pms5003")
    driver.feed(plain() * 5)
    for _ in range(3):
        assert driver.feed(with_t() * 4 + plain())[0]["n10"] == 1
    assert driver.model == "pms5003"
    assert driver.rejects == {"out_of_range": 12}


def test_a_t_that_passed_for_a_pms5003_in_dust_is_recognised_later():
    driver = Plantower("pms5003")
    driver.feed(with_t(30, 20, 45) * 5)  # 3.0 degC, 2.0 %: cannot be told from counts
    assert driver.model == "pms5003"
    assert driver.feed(with_t() * 4) == []
    assert driver.feed(with_t())[0]["rh"] == 48.0
    assert driver.model == "pms5003t"


def test_an_st_with_an_impossible_climate_is_refused():
    for temp, rh, events in ((990, 1000, 1), (-400, 0, 1), (991, 480, 0), (-401, 480, 0), (215, 1001, 0)):
        parser = Parser("pms5003st")
        assert len(parser.feed(with_st(temp, rh))) == events
        assert parser.rejects == ({} if events else {"out_of_range": 1})


def test_neither_a_count_nor_a_climate_is_refused_and_decides_nothing():
    driver = Plantower("pms5003")
    assert driver.feed(with_t(2000, 3000) * 10) == []
    assert driver.model == "pms5003"
    assert driver.rejects == {"out_of_range": 10}


def test_the_length_tells_pms3003_and_st():
    driver = Plantower("pms5003")
    events = driver.feed(pms_frame([1, 2, 3, 4, 5, 6], 20) * 5)
    assert len(events) == 5
    assert driver.model == "pms3003"
    driver.feed(with_st() * 4)
    assert driver.model == "pms3003"
    assert driver.feed(with_st())[0]["temp"] == 21.5
    assert driver.model == "pms5003st"
    driver = Plantower("pms5003st")
    driver.feed(plain() * 5)
    assert driver.model == "pms5003"


def test_checks_beyond_the_checksum_can_be_switched_off_for_a_measurement():
    class ChecksumOnly(Parser):
        def _doubt(self, at, length):
            return ""

    assert ChecksumOnly().feed(pms_frame([9, 8, 7, 9, 8, 7, 1, 2, 3, 4, 5, 6, 0x9700]))[0]["n10"] == 6


def test_error_byte_makes_an_error_event():
    event = Parser().feed(plain(error=2))[0]
    assert event["kind"] == "error"
    assert event["code"] == 2
    assert event["pm25"] == 8


def test_reject_reasons():
    for frame, reason in (
        (plain(pm25=6001), "out_of_range"),
        (plain(pm25=65535), "out_of_range"),
        (pms_frame([9, 9, 6000, 9, 9, 6001]), "out_of_range"),
        (sealed(b"\x42\x4d\x00\x1d" + bytes(27)), "length"),
        (sealed(b"\x42\x4d\x1c\x00" + bytes(26)), "length"),
        (reply(0xE7, 0), "unknown"),
        (reply(0xE4, 2), "out_of_range"),
        (plain()[:31] + b"\x00", "checksum"),
        (b"hello", "garbage"),
    ):
        parser = Parser()
        assert parser.feed(frame) == []
        assert parser.rejects.get(reason), (reason, parser.rejects)


def test_frame_behind_a_truncated_one_is_found_at_once():
    for cut in range(1, 32):
        parser = Parser()
        assert parser.feed(plain(8)[:cut]) == []
        assert [event["pm25"] for event in parser.feed(plain(77))] == [77], cut
