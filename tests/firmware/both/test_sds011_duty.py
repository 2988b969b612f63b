"""The SDS011's dialogue, on CPython and on MicroPython alike. Its parser: test_sds011.py."""

from node.drivers.sds011 import Sds011

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
    return sds_frame(0xC0, bytes([pm25 & 255, pm25 >> 8, pm10 & 255, pm10 >> 8, 0xA1, 0x60]))


def reply(number, write, value, last=0):
    return sds_frame(0xC5, bytes([number, write, value, last, 0xA1, 0x60]))


def set_right(driver, now=0, mode=0):
    """Play the dialogue of a wake up to rest, everything in the sensor being as it is to be."""
    driver.wake(now)
    for answer in (reply(6, 1, 1), reply(2, 0, mode), reply(8, 0, 0), reply(7, 15, 7, 10)):
        driver.tick(now)
        driver.feed(answer)
        if driver.settled:
            break
    assert driver.settled


def commands():
    return {meaning[0]: frame for frame, meaning in rows("sds011-commands.csv")}


def test_wake_reads_the_state_and_writes_nothing_that_is_right():
    known = commands()
    driver = Sds011()
    assert (driver.id, driver.fw) == (None, None)
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
    assert driver.tick(1200) == known["get firmware version"]
    driver.feed(reply(7, 15, 7, 10))
    assert (driver.id, driver.fw) == ("a160", "15-07-10")
    assert driver.settled
    for now in range(1250, 9000, 50):
        assert driver.tick(now) is None
        if now % 1000 == 0:
            driver.feed(data_frame(10, 10))
    assert driver.retries == 0


def test_firmware_is_asked_for_once_and_never_at_the_cost_of_measuring():
    known = commands()
    driver = Sds011()
    set_right(driver)
    driver.wake(60000)
    driver.tick(60000)
    driver.feed(reply(6, 1, 1))
    driver.tick(60050)
    driver.feed(reply(2, 0, 0))
    driver.tick(60100)
    driver.feed(reply(8, 0, 0))
    assert driver.settled
    deaf = Sds011()
    deaf.wake(0)
    sent = []
    for now in range(0, 20000, 50):
        command = deaf.tick(now)
        if command:
            sent.append(command)
            if command[2] != 7:
                deaf.feed(reply(command[2], command[3], 1 if command[2] == 6 else 0))
    assert sent.count(known["get firmware version"]) == 3
    assert deaf.settled
    assert deaf.fw is None


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
    assert driver.tick(1250) == known["get firmware version"]
    driver.feed(reply(7, 15, 7, 10))
    assert driver.settled
    assert driver.retries == 1


def test_query_mode_is_read_set_and_then_asks_once_a_second():
    known = commands()
    driver = Sds011("query")
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    driver.tick(50)
    driver.feed(reply(2, 0, 0))
    assert driver.tick(100) == known["set query mode"]
    driver.feed(reply(2, 1, 1))
    driver.tick(150)
    driver.feed(reply(8, 0, 0))
    driver.tick(200)
    driver.feed(reply(7, 15, 7, 10))
    sent = [(now, driver.tick(now)) for now in range(250, 5000, 50)]
    sent = [(now, command) for now, command in sent if command]
    assert [now for now, _ in sent] == [1200, 2200, 3200, 4200]
    assert all(command == known["query data"] for _, command in sent)
    assert driver.feed(data_frame(123, 456)) == [{"kind": "data", "pm25": 12.3, "pm10": 45.6}]
    driver.sleep(5000)
    assert driver.tick(5000) == known["sleep"]
    driver.feed(reply(6, 1, 0))
    assert [now for now in range(5050, 60000, 50) if driver.tick(now)] == []


def test_query_mode_that_is_set_is_not_written_again():
    driver = Sds011("query")
    set_right(driver, 0, 1)
    assert driver.retries == 0


def test_reset_forgets_half_a_frame_and_begins_the_dialogue_anew():
    known = commands()
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    assert driver.tick(50) == known["get reporting mode"]
    driver.feed(data_frame(60, 70)[:9])
    driver.reset()
    assert driver.tick(100) == known["work"]
    driver.feed(reply(6, 1, 1))
    assert driver.rejects == {}
    driver.sleep(200)
    driver.reset()
    assert driver.tick(200) == known["sleep"]


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
    set_right(driver)
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


def test_sensor_lost_while_awake_waits_for_the_ladder_and_comes_back_by_wake():
    driver = Sds011()
    set_right(driver)
    assert [now for now in range(150, 60000, 50) if driver.tick(now)] == []
    driver.wake(60000)
    assert driver.awake_since is None
    assert driver.tick(60000) == commands()["work"]
    driver.feed(reply(6, 1, 1))
    assert driver.tick(60050) == commands()["get reporting mode"]
    driver.feed(reply(2, 0, 1))  # somebody made it silent meanwhile
    assert driver.tick(60100) == commands()["set active mode"]
    assert driver.awake_since == 60000


def writes_within_an_hour(answer):
    """How often mode or period is written. `answer(number, write, value)`: what the sensor says, or None."""
    driver = Sds011()
    driver.wake(0)
    writes = 0
    for now in range(0, 3600000, 100):
        command = driver.tick(now)
        if command:
            writes += command[2] in (2, 8) and command[3]
            said = answer(*command[2:5])
            if said:
                driver.feed(reply(*said))
    return writes


def test_flash_is_not_worn_by_a_sensor_that_keeps_another_mode():
    def keeps(number, write, value):
        return (number, write, 1 if number == 2 else value)

    def does_not_answer_writes(number, write, value):
        return None if number == 2 and write else keeps(number, write, value)

    assert writes_within_an_hour(keeps) == 5
    assert writes_within_an_hour(does_not_answer_writes) == 5


def test_a_late_answer_to_a_read_makes_no_second_write():
    known = commands()
    driver = Sds011()
    driver.wake(0)
    driver.tick(0)
    driver.feed(reply(6, 1, 1))
    assert driver.tick(50) == known["get reporting mode"]
    assert driver.tick(1050) == known["get reporting mode"]
    driver.feed(reply(2, 0, 1))
    assert driver.tick(1100) == known["set active mode"]
    driver.feed(reply(2, 0, 1))
    assert driver.tick(1200) is None
    driver.feed(reply(2, 1, 0))
    assert driver.tick(1250)[2] == 8
