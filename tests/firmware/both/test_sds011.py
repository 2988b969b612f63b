"""The SDS011's parser and dialogue, on CPython and on MicroPython alike."""

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
    return sds_frame(0xC0, bytes([pm25 & 255, pm25 >> 8, pm10 & 255, pm10 >> 8, 0x58, 0xD9]))


def reply(number, write, value):
    return sds_frame(0xC5, bytes([number, write, value, 0, 0xA1, 0x60]))


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
        "reply: firmware 15-07-10": ("firmware", 0, "15-07-10"),
    }
    seen = 0
    for frame, columns in rows("sds011-commands.csv"):
        meaning = ",".join(columns)
        events = Parser().feed(frame)
        if meaning in expected:
            what, write, value = expected[meaning]
            assert events == [{"kind": "reply", "what": what, "set": write, "value": value, "id": "a160"}]
            seen += 1
        else:  # a command echoed back, or a reply to reject
            assert events == [], meaning
    assert seen == len(expected)


def test_reject_reasons():
    for frame, reason in (
        (data_frame(10000, 10), "out_of_range"),
        (data_frame(10, 65535), "out_of_range"),
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


def commands():
    return {meaning[0]: frame for frame, meaning in rows("sds011-commands.csv")}


def test_wake_reads_the_state_and_writes_nothing_that_is_right():
    known = commands()
    driver = Sds011()
    driver.wake(1000)
    assert driver.tick(1000) == known["work"]
    assert driver.tick(1050) is None
    driver.feed(reply(6, 1, 1))
    assert driver.awake_since == 1000
    assert driver.tick(1100) == known["get reporting mode"]
    driver.feed(reply(2, 0, 0))
    asked = driver.tick(1150)
    assert asked[:4] == b"\xaa\xb4\x08\x00"
    driver.feed(reply(8, 0, 0))
    assert driver.settled
    for now in range(1200, 9000, 50):
        assert driver.tick(now) is None
        if now % 1000 == 0:
            driver.feed(data_frame(10, 10))
    assert driver.retries == 0


def test_wake_sets_a_wrong_mode_and_period_once():
    known = commands()
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    driver.tick(50)
    driver.feed(reply(2, 0, 1))
    assert driver.tick(100) == known["set active mode"]
    # The answer is lost: the mode is read again before flash is written a second time.
    assert driver.tick(1099) is None
    assert driver.tick(1100) == known["get reporting mode"]
    driver.feed(reply(2, 0, 0))
    driver.tick(1150)
    driver.feed(reply(8, 0, 5))
    assert driver.tick(1200)[:5] == b"\xaa\xb4\x08\x01\x00"
    driver.feed(reply(8, 1, 0))
    assert driver.settled
    assert driver.retries == 1


def test_unanswered_wake_is_repeated_then_proven_by_data():
    driver = Sds011()
    driver.wake(0)
    sent = [now for now in range(0, 30000, 50) if driver.tick(now)]
    assert sent == [0, 1000, 2000, 3000, 4000, 14000, 24000]
    events = driver.feed(data_frame(123, 456))
    assert [(event["pm25"], event["pm10"]) for event in events] == [(12.3, 45.6)]
    assert driver.awake_since == 24000


def test_a_late_answer_to_sleep_is_no_proof_of_being_awake():
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 0))
    assert driver.awake_since is None
    assert driver.tick(1000) == commands()["work"]


def test_sensor_that_falls_mute_while_its_state_is_read_is_woken_again():
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    sent = [driver.tick(now) for now in range(50, 16000, 50)]
    assert [command for command in sent if command][-1] == commands()["work"]
    assert not driver.settled


def test_sensor_that_never_answers_but_measures_is_taken_as_it_is():
    driver = Sds011()
    driver.wake(0)
    sent = []
    for now in range(0, 60000, 50):
        command = driver.tick(now)
        if command:
            sent.append(command[2:4])
        if now % 1000 == 0:
            driver.feed(data_frame(10, 10))
    assert driver.settled
    assert b"\x02\x01" not in sent
    assert b"\x08\x01" not in sent
    assert driver.awake_since == 0


def test_sleep_is_repeated_until_answered_and_again_when_data_comes():
    known = commands()
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    driver.sleep(500)
    assert driver.tick(500) == known["sleep"]
    assert driver.tick(1500) == known["sleep"]
    driver.feed(data_frame(10, 10))  # not proof of anything yet
    driver.feed(reply(6, 1, 0))
    assert driver.settled
    assert driver.tick(2000) is None
    driver.feed(data_frame(10, 10))  # was under way
    assert driver.settled
    driver.tick(60000)
    driver.feed(data_frame(10, 10))  # it runs again
    assert driver.tick(60050) == known["sleep"]


def test_silence_after_three_sleep_commands_is_sleep():
    driver = Sds011()
    driver.sleep(0)
    sent = [now for now in range(0, 60000, 50) if driver.tick(now)]
    assert sent == [0, 1000, 2000]
    assert driver.settled


def test_sensor_lost_while_awake_is_woken_again():
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    driver.tick(50)
    driver.feed(reply(2, 0, 0))
    driver.tick(100)
    driver.feed(reply(8, 0, 0))
    sent = [now for now in range(150, 12000, 50) if driver.tick(now)]
    assert sent[0] == 10100
    assert driver.awake_since is None
