"""The PMSA003I's polling, on CPython and on MicroPython alike. Its parser is Plantower's, tested there."""

from node.drivers.pmsa003i import Pmsa003i


def frame(pm25=8, error=0):
    words = [5, pm25, pm25 + 1, 5, pm25, pm25 + 1, 210, 70, 45, 30, 2, 1, 0x9800 | error]
    body = b"\x42\x4d\x00\x1c"
    for word in words:
        body += bytes([word >> 8, word & 255])
    total = sum(body)
    return body + bytes([total >> 8, total & 255])


def awake(now=0):
    driver = Pmsa003i()
    driver.wake(now)
    assert driver.tick(now) == 32
    return driver


def test_nothing_is_read_before_wake_and_after_sleep():
    driver = Pmsa003i()
    assert [now for now in range(0, 5000, 50) if driver.tick(now)] == []
    driver.wake(5000)
    assert [now for now in range(5000, 8000, 50) if driver.tick(now)] == [5000, 6000, 7000]
    driver.sleep(8000)
    assert [now for now in range(8000, 20000, 50) if driver.tick(now)] == []
    assert driver.settled
    assert driver.awake_since is None


def test_what_it_says_of_itself():
    driver = awake()
    driver.feed(frame())
    assert (driver.model, driver.bus, driver.addresses, driver.address) == ("pmsa003i", "i2c", (0x12,), 0x12)
    assert (driver.id, driver.fw, driver.frames, driver.rejects, driver.retries) == (None, "98", 1, {}, 0)
    assert driver.climate_flag is None


def test_a_frame_gives_all_values_from_the_first_on():
    (event,) = awake().feed(memoryview(frame(62)))
    assert (event["kind"], event["pm25"], event["pm10_cf1"]) == ("data", 62, 63)
    assert (event["n03"], event["n5"], event["n10"]) == (210, 2, 1)
    (event,) = awake().feed(frame(62, 2))
    assert (event["kind"], event["what"], event["code"]) == ("error", "device", 2)


def test_awake_since_is_proven_by_an_answer():
    driver = awake(1000)
    assert driver.awake_since is None
    driver.feed(frame())
    assert driver.awake_since == 1000


def test_the_same_frame_is_no_new_one_until_the_sensor_must_have_measured_again():
    driver = awake()
    given = []
    for now in range(0, 10000, 1000):
        driver.tick(now)
        given.append(len(driver.feed(frame(8 if now < 7000 else 9))))
    assert given == [1, 0, 0, 1, 0, 0, 1, 1, 0, 0]
    assert driver.frames == 4
    assert driver.rejects == {}


def test_damage_is_counted_and_the_next_read_stands_alone():
    driver = awake()
    half = frame()[16:] + frame()[:16]  # a read that began in the middle
    assert driver.feed(half) == []
    driver.tick(1000)
    assert len(driver.feed(frame())) == 1
    assert driver.rejects == {"garbage": 16, "truncated": 1}
    driver.tick(2000)
    assert driver.feed(b"\xff" * 32) == []
    driver.tick(3000)
    assert driver.feed(frame()[:31] + b"\x00") == []
    assert driver.rejects["checksum"] == 1
    driver.tick(4000)
    assert len(driver.feed(frame(9))) == 1


def test_no_acknowledge_is_counted_and_read_again():
    driver = awake()
    driver.failed(0)
    assert driver.tick(900) is None
    assert driver.tick(1000) == 32
    assert len(driver.feed(frame())) == 1
    assert driver.rejects == {"no_ack": 1}
    assert driver.awake_since == 0


def test_single_reads_without_an_answer_are_no_restart():
    driver = awake()
    for now in range(1000, 9000, 2000):
        driver.feed(frame(8 + now // 1000))
        driver.tick(now)
        driver.failed(now)
        driver.tick(now + 1000)
    assert driver.awake_since == 0
    assert driver.rejects == {"no_ack": 4}


def test_a_sensor_that_was_gone_for_three_reads_warms_up_again():
    driver = awake()
    driver.feed(frame())
    for now in (1000, 2000):
        driver.tick(now)
        driver.failed(now)
    assert driver.awake_since == 0
    driver.tick(3000)
    driver.failed(3000)
    assert driver.awake_since is None
    driver.tick(4000)
    driver.feed(frame())
    assert driver.awake_since == 4000
    driver.wake(5000)
    driver.tick(5000)
    driver.feed(frame(9))
    assert driver.awake_since == 5000


def test_reset_costs_nothing():
    driver = awake()
    driver.reset()
    assert len(driver.feed(frame())) == 1
