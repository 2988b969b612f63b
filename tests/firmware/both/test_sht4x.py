"""SHT4x: serial number, high precision measurements, cropping, on CPython and on MicroPython alike."""

from node.drivers.sensirion import crc8
from node.drivers.sht4x import Sht4x

RESET, SERIAL, MEASURE = b"\x94", b"\x89", b"\xfd"


def sealed(*words):
    out = bytearray()
    for word in words:
        pair = bytes([word >> 8, word & 255])
        out += pair + bytes([crc8(pair)])
    return bytes(out)


def play(driver, temp, rh, now=0, flip=None):
    """Answer each transfer of one poll, 50 ms apart. Returns (events, commands, time of the last one)."""
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
        assert wish == 6
        data = bytearray(sealed(temp, rh) if commands[-1] == MEASURE else sealed(0x0B3A, 0xF00D))
        if flip is not None and commands[-1] == MEASURE:
            data[flip] ^= 0x10
        events = driver.feed(memoryview(data))
        if events or driver.retries > failures:
            return events, commands, now - 50


def near(a, b):
    return abs(a - b) < 0.001


def test_start_serial_and_conversion():
    driver = Sht4x()
    assert (driver.address, driver.addresses) == (0x44, (0x44, 0x45, 0x46))
    events, commands, last = play(driver, 0x6666, 0x8000)
    assert commands == [RESET, SERIAL, MEASURE]
    assert driver.id == "0b3af00d"
    # Section 4.6: -45 + 175 * 26214 / 65535 = 25; -6 + 125 * 32768 / 65535
    assert near(events[0]["temp"], 25.0)
    assert near(events[0]["rh"], 56.50095)
    assert (driver.frames, driver.rejects, driver.retries) == (1, {}, 0)
    assert driver.tick(last + 4999) is None
    assert play(driver, 1, 1, now=last + 5000)[1] == [MEASURE]


def test_times():
    driver = Sht4x()
    assert [driver.tick(0), driver.tick(1), driver.tick(2)] == [RESET, None, SERIAL]
    assert driver.tick(4) == 6
    driver.feed(sealed(1, 2))
    assert driver.tick(4) == MEASURE
    assert driver.tick(13) is None  # 8.3 ms at most, and a ms for the clock's rounding
    assert driver.tick(14) == 6


def test_humidity_is_cropped_and_temperature_bounded():
    driver = Sht4x()
    events, _, last = play(driver, 0x6666, 0)
    assert events[0]["rh"] == 0
    events, _, last = play(driver, 0x6666, 0xFFFF, now=last)
    assert events[0]["rh"] == 100
    assert driver.climate_flag is None
    for temp in (0, 0xFFFF):
        events, _, last = play(driver, temp, 0x8000, now=last)
        assert sorted(events[0]) == ["kind", "rh"]
        assert driver.climate_flag == "climate_error"
    assert driver.rejects == {"out_of_range": 2}


def test_wrong_crc_gives_no_value():
    for at in range(6):
        driver = Sht4x()
        now = 0
        for count in (1, 2, 3):
            events, _, now = play(driver, 0x6666, 0x8000, now=now, flip=at)
            assert events == []
            assert driver.rejects == {"crc": count}
            assert driver.climate_flag == ("climate_error" if count == 3 else None)
            assert driver.tick(now + 1999) is None
        assert len(play(driver, 0x6666, 0x8000, now=now)[0]) == 1
        assert driver.climate_flag is None


def test_no_answer_in_the_middle_begins_anew():
    driver = Sht4x()
    for now in (0, 10, 20):
        driver.tick(now)
    driver.failed(20)
    assert driver.rejects == {"no_ack": 1}
    assert driver.tick(2019) is None
    assert play(driver, 0x6666, 0x8000, now=2020)[1] == [RESET, SERIAL, MEASURE]


def test_equal_words_are_flagged():
    driver = Sht4x()
    now = 0
    for i in range(30):
        now = play(driver, 0x6666, 0x8000, now=now)[2]
        assert driver.climate_flag == ("climate_stuck" if i >= 24 else None)
    play(driver, 0x6667, 0x8000, now=now)
    assert driver.climate_flag is None


def test_humidity_at_the_top_is_flagged_after_an_hour():
    driver = Sht4x()
    now = 0
    while now < 3590000:
        now = play(driver, 0x3000 + now % 7, 0xF000, now=now)[2]
        assert driver.climate_flag is None
    now = play(driver, 0x3000, 0xF000, now=now + 20000)[2]
    assert driver.climate_flag == "climate_stuck"
    play(driver, 0x3000, 0x8000, now=now)
    assert driver.climate_flag is None
