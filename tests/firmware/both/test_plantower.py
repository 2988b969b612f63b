"""The Plantower parser and dialogue, on CPython and on MicroPython alike."""

from node.drivers.plantower import Parser, Pms5003

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0]
CF1 = ("pm1_cf1", "pm25_cf1", "pm10_cf1")
ATM = ("pm1", "pm25", "pm10")
COUNTS = ("n03", "n05", "n1", "n25", "n5", "n10")
SLEEP = bytes.fromhex("424de400000173")
WAKE = bytes.fromhex("424de400010174")
ACTIVE = bytes.fromhex("424de100010171")


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
    return pms_frame([5, pm25, 9, 5, pm25, 9, 210, 70, 45, 30, 2, 1, 0x9700 | error])


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
        assert event["version"] == frame[28]
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
    words = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 30, 0x10000 - 55, 481, 0, 0x9103]
    event = Parser().feed(pms_frame(words, 36))[0]
    assert event["temp"] == -5.5
    assert event["rh"] == 48.1
    assert event["version"] == 0x91
    assert (event["kind"], event["code"]) == ("error", 3)


def test_error_byte_makes_an_error_event():
    event = Parser().feed(plain(error=2))[0]
    assert event["kind"] == "error"
    assert event["code"] == 2
    assert event["pm25"] == 8


def test_reject_reasons():
    for frame, reason in (
        (plain(pm25=6001), "out_of_range"),
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
    zero = Parser().feed(pms_frame([0] * 13))[0]
    assert zero["pm25"] == 0


def test_frame_behind_a_truncated_one_is_found_at_once():
    for cut in range(1, 32):
        parser = Parser()
        assert parser.feed(plain(8)[:cut]) == []
        assert [event["pm25"] for event in parser.feed(plain(77))] == [77], cut


def test_wake_sets_active_mode_and_is_proven_by_data():
    driver = Pms5003()
    driver.wake(0)
    sent = []
    for now in range(0, 4000, 50):
        command = driver.tick(now)
        if command:
            sent.append((now, command))
        if now == 1000:
            assert driver.feed(plain())[0]["pm25"] == 8
    assert sent == [(0, WAKE), (200, ACTIVE)]
    assert driver.settled
    assert driver.awake_since == 0


def test_mute_sensor_is_woken_again_and_again():
    driver = Pms5003()
    driver.wake(0)
    sent = []
    for now in range(0, 6500, 50):
        command = driver.tick(now)
        if command:
            sent.append((now, command))
    assert sent == [(0, WAKE), (200, ACTIVE), (3200, WAKE), (3400, ACTIVE), (6400, WAKE)]
    assert driver.awake_since is None
    driver.feed(plain())
    assert driver.awake_since == 6400


def test_active_mode_is_set_even_when_data_already_flows():
    driver = Pms5003()
    driver.wake(0)
    assert driver.tick(0) == WAKE
    driver.feed(plain())
    assert driver.tick(200) == ACTIVE
    driver.feed(reply(0xE1, 1))
    assert driver.settled


def test_sleep_until_answered():
    driver = Pms5003()
    driver.sleep(0)
    assert driver.tick(0) == SLEEP
    driver.feed(plain())
    assert driver.tick(1000) == SLEEP
    driver.feed(reply(0xE4, 0))
    assert driver.settled
    assert driver.tick(5000) is None
    assert driver.retries == 1
