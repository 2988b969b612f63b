"""DHT22: five bytes, their sum, their range and their pace, on CPython and on MicroPython alike."""

from node.drivers.dht22 import Dht22


def frame(rh, temp):
    """Both in tenths; the temperature's sign is the top bit."""
    word = abs(temp) | (0x8000 if temp < 0 else 0)
    data = [rh >> 8, rh & 255, word >> 8, word & 255]
    data.append(sum(data) & 255)
    return bytes(data)


def read(driver, data, now):
    """Tick until it wants to read; feed. Returns (events, time of the read)."""
    while True:
        wish = driver.tick(now)
        if wish is not None:
            assert wish == 5
            return driver.feed(memoryview(data)), now
        now += 50


def test_the_manuals_example():
    # AM2302 manual: 02 8C 01 5F EE is 65.2 % and 35.1 degC; 80 65 is -10.1 degC.
    driver = Dht22()
    assert driver.bus == "pin"
    events, _ = read(driver, b"\x02\x8c\x01\x5f\xee", 0)
    assert events == [{"kind": "data", "temp": 35.1, "rh": 65.2}]
    events, _ = read(driver, b"\x02\x8c\x80\x65\x73", 10000)
    assert events == [{"kind": "data", "temp": -10.1, "rh": 65.2}]
    assert (driver.frames, driver.rejects, driver.climate_flag) == (2, {}, None)


def test_not_before_two_seconds_then_every_five():
    driver = Dht22()
    assert driver.tick(0) is None
    assert driver.tick(1999) is None
    assert driver.tick(2000) == 5
    driver.feed(frame(500, 200))
    assert driver.tick(6999) is None
    assert driver.tick(7000) == 5


def test_after_a_wrong_sum_again_in_two_seconds_and_never_sooner():
    driver = Dht22()
    events, now = read(driver, b"\x02\x8c\x01\x5f\xef", 0)
    assert events == []
    assert driver.rejects == {"checksum": 1}
    assert driver.tick(now + 1999) is None
    events, now = read(driver, frame(500, 200), now + 2000)
    assert len(events) == 1
    driver.reset()
    assert driver.tick(now + 1999) is None


def test_persistent_failure_is_flagged_until_a_good_frame():
    driver = Dht22()
    now = 0
    for count in (1, 2, 3):
        _, now = read(driver, b"\x00\x00\x00\x00\x01", now)
        assert driver.climate_flag == ("climate_error" if count == 3 else None)
    read(driver, frame(500, 200), now)
    assert driver.climate_flag is None
    # The next failure is the first again.
    read(driver, b"\x00\x00\x00\x00\x01", now + 10000)
    assert driver.climate_flag is None


def test_no_answer():
    driver = Dht22()
    for now in (2000, 4000, 6000):
        assert driver.tick(now) == 5
        driver.failed(now)
    assert driver.rejects == {"no_ack": 3}
    assert driver.climate_flag == "climate_error"


def test_ends_of_the_range():
    for rh, temp in ((0, 1), (1000, 800), (999, -400), (500, 0)):
        events, _ = read(Dht22(), frame(rh, temp), 0)
        assert events == [{"kind": "data", "temp": temp / 10, "rh": rh / 10}]
    for rh, temp in ((1001, 200), (500, 801), (500, -401), (0xFF00, 200)):
        driver = Dht22()
        events, _ = read(driver, frame(rh, temp), 0)
        assert events == [], "the other value is not to be believed either"
        assert driver.rejects == {"out_of_range": 1}
        assert driver.climate_flag == "climate_error"


def test_negative_zero_and_twos_complement():
    events, _ = read(Dht22(), b"\x01\xf4\x80\x00\x75", 0)
    assert events[0]["temp"] == 0
    # A sister that counts down from FFFF.
    events, _ = read(Dht22(), b"\x01\xf4\xff\xf5\xe9", 0)
    assert events[0]["temp"] == -1.1
    events, _ = read(Dht22(), b"\x01\xf4\xfe\x70\x63", 0)
    assert events[0]["temp"] == -40
    events, _ = read(Dht22(), b"\x01\xf4\xfe\x6f\x62", 0)
    assert events == []


def test_a_line_held_low_is_no_air():
    driver = Dht22()
    events, _ = read(driver, bytes(5), 0)
    assert events == []
    assert driver.climate_flag == "climate_error"
    assert read(Dht22(), frame(0, 1), 0)[0]


def test_equal_bytes_are_flagged_after_hours_only():
    driver = Dht22()
    now = 0
    for _ in range(2880):
        _, now = read(driver, frame(412, 183), now + 4950)
    assert driver.climate_flag is None
    _, now = read(driver, frame(412, 183), now + 4950)
    assert driver.climate_flag == "climate_stuck"
    read(driver, frame(412, 184), now)
    assert driver.climate_flag is None


def test_humidity_at_the_top_for_an_hour_is_flagged_and_kept():
    driver = Dht22()
    now = temp = 0
    while now < 3600000:
        _, now = read(driver, frame(999, temp), now + 4950)
        temp ^= 1
        assert driver.climate_flag is None
    events, now = read(driver, frame(999, temp), now + 4950)
    assert driver.climate_flag == "climate_stuck"
    assert events[0]["rh"] == 99.9
    read(driver, frame(998, temp), now)
    assert driver.climate_flag is None
