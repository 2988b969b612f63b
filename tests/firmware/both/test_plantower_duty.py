"""The Plantowers' dialogue, on CPython and on MicroPython alike. Their parser: test_plantower.py."""

from node.drivers.plantower import Plantower

SLEEP = bytes.fromhex("424de400000173")
WAKE = bytes.fromhex("424de400010174")
ACTIVE = bytes.fromhex("424de100010171")
PASSIVE = bytes.fromhex("424de100000170")
READ = bytes.fromhex("424de200000171")


def sealed(body):
    total = sum(body) & 0xFFFF
    return body + bytes([total >> 8, total & 255])


def plain():
    body = bytearray(b"\x42\x4d\x00\x1c" + bytes(26))
    body[7] = body[9] = body[13] = body[15] = 8  # PM2.5 and PM10
    body[28] = 0x97
    return sealed(bytes(body))


def reply(command, value):
    return sealed(bytes([0x42, 0x4D, 0, 4, command, value]))


def test_wake_sets_active_mode_and_is_proven_by_data():
    driver = Plantower()
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
    driver = Plantower()
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
    driver = Plantower()
    driver.wake(0)
    assert driver.tick(0) == WAKE
    driver.feed(plain())
    assert driver.tick(200) == ACTIVE
    driver.feed(reply(0xE1, 1))
    assert driver.settled


def test_sleep_until_answered():
    driver = Plantower()
    driver.sleep(0)
    assert driver.tick(0) == SLEEP
    driver.feed(plain())
    assert driver.tick(1000) == SLEEP
    driver.feed(reply(0xE4, 0))
    assert driver.settled
    assert driver.tick(5000) is None
    assert driver.retries == 1


def test_passive_mode_is_set_and_read_once_a_second():
    driver = Plantower("pms5003", "passive")
    driver.wake(0)
    assert driver.tick(0) == WAKE
    assert driver.tick(200) == PASSIVE
    driver.feed(plain())  # the last one that it sends by itself; no proof of the mode
    assert not driver.settled
    assert driver.awake_since == 0
    driver.feed(reply(0xE1, 1))  # of an earlier command
    assert not driver.settled
    driver.feed(reply(0xE1, 0))
    assert driver.settled
    sent = [(now, driver.tick(now)) for now in range(250, 4000, 50)]
    sent = [(now, command) for now, command in sent if command]
    assert sent == [(1200, READ), (2200, READ), (3200, READ)]
    assert driver.feed(plain())[0]["pm25"] == 8
    driver.sleep(4000)
    assert driver.tick(4000) == SLEEP
    driver.feed(reply(0xE4, 0))
    assert [now for now in range(4050, 60000, 50) if driver.tick(now)] == []


def test_passive_mode_whose_answers_are_lost_is_read_all_the_same():
    driver = Plantower("pms5003", "passive")
    driver.wake(0)
    sent = []
    for now in range(0, 20000, 50):
        command = driver.tick(now)
        if command:
            sent.append(command)
    assert sent[:6] == [WAKE, PASSIVE] * 3
    assert set(sent[6:]) == {READ}
    assert driver.settled


def test_a_pms3003_is_never_made_passive():
    driver = Plantower("pms3003", "passive")
    driver.wake(0)
    driver.tick(0)
    assert driver.tick(200) == ACTIVE


def test_sensor_that_a_brown_out_made_active_again_is_made_passive_by_wake():
    driver = Plantower("pms5003", "passive")
    driver.wake(0)
    driver.tick(0)
    driver.tick(200)
    driver.feed(reply(0xE1, 0))
    driver.wake(60000)
    assert driver.tick(60000) == WAKE
    assert driver.tick(60200) == PASSIVE


def play_passive(frames):
    """What a passive driver writes in 20 s when `frames` holds the ms of the sensor's frames."""
    driver = Plantower("pms5003", "passive")
    driver.wake(0)
    driver.tick(0)
    driver.tick(200)
    driver.feed(reply(0xE1, 0))
    sent = []
    for now in range(250, 20000, 50):
        command = driver.tick(now)
        if command:
            sent.append(command)
        if now in frames:
            driver.feed(plain())
    return sent


def test_a_sensor_that_became_active_unseen_is_made_passive_again():
    assert PASSIVE in play_passive(range(2300, 20000, 2300))  # steady air
    assert PASSIVE in play_passive(range(400, 20000, 200))  # changing air


def test_a_passive_sensor_that_answers_is_left_so_even_when_some_answers_are_lost():
    assert set(play_passive(range(1250, 20000, 1000))) == {READ}
    some = [at for at in range(1250, 20000, 1000) if at % 3000 != 1250]
    assert set(play_passive(some)) == {READ}


def test_silent_while_awake_is_left_to_the_ladder():
    driver = Plantower()
    driver.wake(0)
    driver.tick(0)
    driver.tick(200)
    driver.feed(plain())
    assert [now for now in range(250, 60000, 50) if driver.tick(now)] == []


def test_reset_forgets_half_a_frame_and_begins_the_dialogue_anew():
    driver = Plantower()
    driver.wake(0)
    driver.tick(0)
    assert driver.tick(200) == ACTIVE
    driver.feed(plain()[:31])
    driver.reset()
    assert driver.tick(250) == WAKE
    assert len(driver.feed(plain())) == 1
    assert driver.rejects == {}
    assert (driver.id, driver.fw, driver.frames) == (None, "97", 1)


def test_asleep_and_measuring_again_is_put_to_sleep_again():
    driver = Plantower()
    driver.sleep(0)
    driver.tick(0)
    driver.feed(reply(0xE4, 0))
    driver.tick(1000)
    driver.feed(plain())  # was under way
    assert driver.settled
    driver.tick(60000)
    driver.feed(plain())
    assert driver.tick(60050) == SLEEP
