"""SHT3x: single shots, CRC and status register, on CPython and on MicroPython alike."""

from node.drivers.sensirion import crc8
from node.drivers.sht3x import Sht3x

SOFT_RESET, CLEAR, MEASURE, STATUS = b"\x30\xa2", b"\x30\x41", b"\x24\x00", b"\xf3\x2d"


def sealed(*words):
    out = bytearray()
    for word in words:
        pair = bytes([word >> 8, word & 255])
        out += pair + bytes([crc8(pair)])
    return bytes(out)


def play(driver, temp, rh, status=0, now=0, spoil=None):
    """Answer each transfer of one poll, 50 ms apart; spoil(n, data) may change what is read.

    Returns (events, commands, time of the last transfer). It ends with an event or a failure.
    """
    commands = []
    failures = driver.retries
    while True:
        wish = driver.tick(now)
        now += 50
        if wish is None:
            continue
        if not isinstance(wish, int):
            commands.append(wish)
            continue
        data = sealed(temp, rh) if commands[-1] == MEASURE else sealed(status)
        assert wish == len(data)
        events = driver.feed(memoryview(spoil(data) if spoil else data))
        if events or driver.retries > failures:
            return events, commands, now - 50


def near(a, b):
    return abs(a - b) < 0.001


def test_start_and_conversion():
    driver = Sht3x()
    assert (driver.address, driver.addresses) == (0x44, (0x44, 0x45))
    events, commands, _ = play(driver, 0x6666, 0x8000)
    assert commands == [SOFT_RESET, CLEAR, MEASURE, STATUS]
    # Section 4.13: -45 + 175 * 26214 / 65535 = 25; 100 * 32768 / 65535
    assert near(events[0]["temp"], 25.0)
    assert near(events[0]["rh"], 50.00076)
    assert events[0]["kind"] == "data"
    assert (driver.frames, driver.rejects, driver.retries) == (1, {}, 0)
    assert driver.climate_flag is None


def test_every_five_seconds_without_a_reset():
    driver = Sht3x()
    _, _, last = play(driver, 1, 1)
    assert driver.tick(last + 4999) is None
    _, commands, _ = play(driver, 30000, 30000, now=last + 5000)
    assert commands == [MEASURE, STATUS]


def test_a_measurement_is_given_its_time():
    driver = Sht3x()
    assert [driver.tick(0), driver.tick(1), driver.tick(3)] == [SOFT_RESET, None, CLEAR]
    assert driver.tick(5) == MEASURE
    assert driver.tick(20) is None  # 15.5 ms at most, and a ms for the clock's rounding
    assert driver.tick(22) == 6


def test_wrong_crc_gives_no_value_and_is_tried_again_in_two_seconds():
    for at in range(6):
        driver = Sht3x()

        def flip(data, at=at):
            return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] if len(data) == 6 else data

        events, _, last = play(driver, 0x6666, 0x8000, spoil=flip)
        assert events == []
        assert driver.rejects == {"crc": 1}
        assert driver.tick(last + 1999) is None
        events, commands, _ = play(driver, 0x6666, 0x8000, now=last + 2000)
        assert commands[0] == SOFT_RESET
        assert len(events) == 1


def test_status_with_an_error_or_the_heater_drops_the_values():
    for status in (0x0001, 0x0002, 0x2000):
        driver = Sht3x()
        events, _, last = play(driver, 0x6666, 0x8000, status)
        assert events == []
        assert driver.rejects == {"state": 1}
        assert len(play(driver, 0x6666, 0x8000, 0x8000, now=last)[0]) == 1  # an alert is none of our business


def test_damaged_status_drops_the_values_too():
    driver = Sht3x()
    events, _, _ = play(driver, 1, 1, spoil=lambda data: data if len(data) == 6 else b"\x00\x10\x81")
    assert events == []
    assert driver.rejects == {"crc": 1}


def test_a_reset_of_its_own_costs_no_value():
    driver = Sht3x()
    events, _, last = play(driver, 0x6666, 0x8000, 0x0010)
    assert len(events) == 1
    assert driver.retries == 1
    events, commands, _ = play(driver, 0x6667, 0x8000, now=last + 50)
    assert commands[:2] == [SOFT_RESET, CLEAR]
    assert len(events) == 1


def test_range():
    driver = Sht3x()
    events, _, last = play(driver, 0, 0)  # -45 degC
    assert sorted(events[0]) == ["kind", "rh"]
    assert events[0]["rh"] == 0
    assert driver.climate_flag == "climate_error"
    assert driver.rejects == {"out_of_range": 1}
    events, _, last = play(driver, 0xFFFF, 0xFFFF, now=last)  # 130 degC
    assert (sorted(events[0]), events[0]["rh"]) == (["kind", "rh"], 100)
    play(driver, 0x6666, 0x8000, now=last)
    assert driver.climate_flag is None


def test_no_answer():
    driver = Sht3x()
    now = 0
    while now < 10000:
        if driver.tick(now) is not None:
            driver.failed(now)
            assert driver.climate_flag == (None if now < 4000 else "climate_error")
        now += 50
    assert driver.rejects == {"no_ack": 5}
    assert driver.retries == 5
    play(driver, 0x6666, 0x8000, now=now)
    assert driver.climate_flag is None


def test_equal_words_and_humidity_at_the_top():
    driver = Sht3x()
    now = 0
    for i in range(30):
        now = play(driver, 0x6666, 0x8000, now=now)[2]
        assert driver.climate_flag == ("climate_stuck" if i >= 24 else None)
    play(driver, 0x6666, 0x8001, now=now)
    assert driver.climate_flag is None

    driver = Sht3x()
    now = began = 0
    while now - began < 3600000:
        now = play(driver, 0x3000 + now % 7, 0xFFC0, now=now)[2]
        began = began or now
        assert driver.climate_flag is None or now - began > 3600000
    events, _, now = play(driver, 0x3000, 0xFFC0, now=now)
    assert driver.climate_flag == "climate_stuck"
    assert events[0]["rh"] > 99.9
    play(driver, 0x3000, 0xFF00, now=now)
    assert driver.climate_flag is None


def test_reset_begins_anew():
    driver = Sht3x()
    driver.tick(0)
    driver.tick(10)
    driver.reset()
    assert driver.tick(1000) is None
    assert driver.tick(2010) == SOFT_RESET
