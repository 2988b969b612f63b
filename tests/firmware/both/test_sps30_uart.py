"""The SPS30 over UART: values, dialogue, cleaning and faults, on CPython and on MicroPython alike."""

import struct

from node.drivers.sps30 import values
from node.drivers.sps30_uart import Sps30Uart

WAKE, RESET, SERIAL, VERSION, START = 0x11, 0xD3, 0xD0, 0xD1, 0
STOP, SLEEP, READ, CLEAN, STATUS = 1, 0x10, 3, 0x56, 0xD2
GOOD = (5.0, 9.0, 11.0, 12.0, 20.0, 30.0, 33.0, 34.0, 34.5, 0.6)
WEEK_S = 604800


def sealed(body):
    out = b""
    for byte in body + bytes([255 - sum(body) % 256]):
        out += bytes([0x7D, byte ^ 0x20]) if byte in (0x7E, 0x7D, 0x11, 0x13) else bytes([byte])
    return b"\x7e" + out + b"\x7e"


class Fake:
    """A sensor as far as these tests need one: modes, error codes, a status register."""

    def __init__(self, version=(2, 2), mode="idle"):
        self.version = version
        self.mode = mode
        self.heard = []
        self.status = 0
        self.length = 10
        self.deaf = ()

    def answer(self, line):
        pulse = line[:1] == b"\xff"
        body = line[2:-1] if pulse else line[1:-1]
        for plain in (0x11, 0x13, 0x7E):
            body = body.replace(bytes([0x7D, plain ^ 0x20]), bytes([plain]))
        body = body.replace(b"\x7d\x5d", b"\x7d")
        assert line[-1:] == b"\x7e"
        assert sum(body) & 255 == 255
        command = body[1]
        self.heard.append(command)
        del self.heard[:-200]
        if command in self.deaf or (self.mode == "asleep" and not (pulse and command == WAKE)):
            return b""
        state, data = self.obey(command, body[3:-1])
        return sealed(bytes([0, command, state, len(data)]) + data)

    def obey(self, command, data):
        flag = 0x80 if self.status & 0x30 else 0
        if command in (WAKE, SLEEP) and self.version < (2, 0):
            return 2, b""
        if command == STATUS and self.version < (2, 2):
            return 2, b""
        needs = {WAKE: "asleep", START: "idle", STOP: "on", SLEEP: "idle", CLEAN: "on", READ: "on"}.get(
            command
        )
        if needs and needs != self.mode:
            return flag | 0x43, b""
        if command in (WAKE, STOP, RESET):
            self.mode = "idle"
        elif command == START:
            assert data == b"\x01\x03"
            self.mode = "on"
        elif command == SLEEP:
            self.mode = "asleep"
        elif command == SERIAL:
            return flag, b"361D4FD3AA941A76\x00"
        elif command == VERSION:
            return flag, bytes(self.version) + b"\x00\x06\x00\x02\x00"
        elif command == STATUS:
            out = struct.pack(">IB", self.status, 0)
            assert data == b"\x01"  # clears what lasts no longer
            return flag, out
        elif command == READ:
            return flag, struct.pack(">10f", *GOOD)[: 4 * self.length]
        return flag, b""


class Talk:
    def __init__(self, fake=None):
        self.driver = Sps30Uart()
        self.fake = fake or Fake()
        self.now = 0

    def run(self, seconds):
        """The last events of so many seconds: a small heap cannot hold them all."""
        events = []
        for _ in range(int(seconds * 10)):
            self.now += 100
            line = self.driver.tick(self.now)
            if line:
                events += self.driver.feed(self.fake.answer(line))
                del events[:-20]
        return events

    def wake(self, seconds=3):
        self.driver.wake(self.now)
        self.fake.heard.clear()
        return self.run(seconds)


def test_values():
    event = values(struct.pack(">10f", *GOOD))
    assert event == {"kind": "data", "pm1": 5.0, "pm25": 9.0, "pm4": 11.0, "pm10": 12.0}
    assert values(bytes(40))["pm25"] == 0  # clean air
    assert values(b"") == values(bytes(20)) == "length"
    full = [1000.0] * 4 + [3000.0] * 5 + [1.0]
    assert values(struct.pack(">10f", *full))["pm10"] == 1000


def test_values_that_cannot_be():
    nan = float("nan")
    for i in range(10):
        for bad in (nan, float("inf"), -1.0, 1e9):
            numbers = list(GOOD)
            numbers[i] = bad
            assert values(struct.pack(">10f", *numbers)) == "out_of_range"
    for numbers in ((5.0, 4.0, 11.0, 12.0), (5.0, 9.0, 11.0, 10.0), (5.0, 9.0, 11.0, 1000.1)):
        assert values(struct.pack(">10f", *(numbers + GOOD[4:]))) == "out_of_range"
    less = (2.0, 1.9999, 1.9998, 2.0)  # rounding
    assert values(struct.pack(">10f", *(less + GOOD[4:])))["pm25"] < 2


def test_the_first_start_resets_and_asks_who_it_is():
    talk = Talk(Fake(mode="on"))
    events = talk.wake(8)
    driver = talk.driver
    assert talk.fake.heard[:6] == [WAKE, RESET, SERIAL, VERSION, START, READ]
    assert (driver.id, driver.fw) == ("361D4FD3AA941A76", "2.2")
    assert STATUS in talk.fake.heard
    assert driver.awake_since == 600
    assert driver.settled
    assert driver.rejects == {}
    assert driver.retries == 0
    assert events[0]["pm25"] == 9
    assert driver.frames > len(events) > 10
    assert driver.run_s_since_clean == len(events)


def test_sleep_and_wake():
    talk = Talk()
    talk.wake()
    talk.driver.sleep(talk.now)
    assert not talk.driver.settled
    assert talk.driver.awake_since is None
    assert talk.run(2) == []
    assert talk.fake.mode == "asleep"
    assert talk.driver.settled
    heard = len(talk.fake.heard)
    assert talk.run(100) == []
    assert len(talk.fake.heard) == heard
    assert talk.wake(2)
    assert talk.fake.heard[:3] == [WAKE, START, READ]
    assert talk.driver.rejects == {}


def test_firmware_1_has_no_sleep_and_no_status_register():
    talk = Talk(Fake(version=(1, 1)))
    assert talk.wake(100)
    assert STATUS not in talk.fake.heard
    talk.driver.sleep(talk.now)
    talk.run(2)
    assert talk.fake.mode == "idle"
    assert talk.driver.settled
    assert talk.wake(3)
    assert talk.driver.rejects == {}
    talk.fake.status = 0x10
    assert talk.run(10)[-1]["what"] == "device"  # bit 7 of the state is all that it tells
    talk.fake.status = 0
    assert talk.run(10)[-1]["kind"] == "data"


def test_a_sensor_that_started_anew_is_started_again():
    talk = Talk()
    talk.wake()
    before = talk.driver.awake_since
    talk.fake.mode = "idle"
    assert talk.run(4)
    assert talk.driver.rejects == {"state": 1}
    assert talk.driver.awake_since > before


def test_one_that_measures_already_is_taken_as_it_is():
    talk = Talk()
    talk.wake()
    talk.driver.sleep(talk.now)
    talk.run(2)
    talk.fake.mode = "on"
    assert talk.wake(3)
    assert talk.driver.awake_since == 5200
    talk.driver.reset()  # the ladder's first rung changes nothing then
    assert talk.run(3)
    assert talk.driver.awake_since == 5200
    assert talk.driver.rejects == {}


def test_another_output_format_is_left_for_floats():
    talk = Talk()
    talk.wake()
    talk.fake.length = 5  # as long as ten 16-bit integers
    talk.fake.heard.clear()
    while STOP not in talk.fake.heard:
        assert talk.run(0.1) == []
    talk.fake.length = 10
    assert talk.run(3)
    assert talk.fake.heard[:3] == [READ, STOP, START]
    assert talk.driver.rejects == {"length": 1}


def test_the_status_register_makes_errors_until_it_is_clear():
    for bit, what in ((4, "fan"), (5, "laser"), (21, "speed")):
        talk = Talk()
        talk.wake(20)
        talk.fake.status = 1 << bit
        events = talk.run(61)
        assert events[-1]["kind"] == "error"
        assert events[-1]["what"] == what
        assert events[-1]["pm25"] == 9
        talk.fake.status = 0
        assert talk.run(12)[-1]["kind"] == "data"
        for reserved in (0, 3, 8, 16, 19, 31):
            talk.fake.status |= 1 << reserved
        assert {event["kind"] for event in talk.run(130)} == {"data"}


def test_cleaning_when_a_week_of_running_is_full():
    talk = Talk()
    talk.driver.run_s_since_clean = WEEK_S - 3
    talk.wake(30)
    assert talk.fake.heard.count(CLEAN) == 1
    assert not talk.driver.cleaning
    assert 0 < talk.driver.run_s_since_clean < 60
    talk.driver.run_s_since_clean = WEEK_S
    talk.run(2)
    assert talk.driver.cleaning
    talk.driver.reset()
    assert talk.run(8) == []
    assert talk.driver.cleaning
    talk.driver.sleep(talk.now)
    talk.fake.heard.clear()
    talk.run(1)
    assert talk.fake.heard == []
    talk.run(4)
    assert talk.fake.heard == [STOP, SLEEP]
    assert talk.driver.run_s_since_clean == 0


def test_a_cleaning_that_is_not_answered_stops_no_values():
    talk = Talk()
    talk.fake.deaf = (CLEAN,)
    talk.driver.run_s_since_clean = WEEK_S
    assert talk.wake(15)
    assert talk.fake.heard.count(CLEAN) == 3
    assert WEEK_S - 3600 <= talk.driver.run_s_since_clean < WEEK_S


def test_what_is_not_answered_is_asked_again_and_then_left():
    talk = Talk()
    talk.fake.deaf = (SERIAL, VERSION)
    assert talk.wake(12)
    assert talk.driver.id is None
    assert talk.driver.fw is None
    assert talk.driver.retries == 6
    talk.fake.deaf = ()
    talk.driver.wake(talk.now)  # anew: now it tells
    talk.run(5)
    assert talk.driver.id
    talk.fake.deaf = (WAKE, RESET, SERIAL, VERSION, START, STOP, SLEEP, READ, CLEAN, STATUS)
    talk.driver.wake(talk.now)
    talk.fake.heard.clear()
    talk.run(600)
    assert 50 < len(talk.fake.heard) < 80
    assert talk.driver.awake_since is None
    assert not talk.driver.settled
    talk.fake.deaf = ()
    assert talk.run(15)
    talk.fake.deaf = (STOP, SLEEP)
    talk.driver.sleep(talk.now)
    talk.run(10)
    assert talk.driver.settled


def test_answers_that_nobody_waits_for():
    driver = Sps30Uart()
    driver.wake(0)
    driver.tick(0)
    for line in (sealed(b"\x00\x03\x00\x00"), sealed(b"\x01\x11\x00\x00")):
        assert driver.feed(line) == []
    assert driver.rejects == {"unknown": 2}


def test_answers_to_a_question_that_was_repeated_are_no_errors():
    talk = Talk()
    talk.wake()
    line = None
    while not line:
        talk.now += 100
        line = talk.driver.tick(talk.now)
    answer = talk.fake.answer(line)
    again = None
    while not again:  # a main loop that was blocked asks once more before it reads
        talk.now += 1000
        again = talk.driver.tick(talk.now)
    assert again == line
    assert len(talk.driver.feed(answer + talk.fake.answer(again))) == 1
    assert talk.driver.rejects == {}
    talk.driver.feed(answer)
    assert talk.driver.rejects == {"unknown": 1}


def test_a_version_that_was_missed_is_asked_for_at_the_next_wake():
    talk = Talk()
    talk.fake.deaf = (VERSION,)
    talk.wake(20)
    assert talk.driver.fw is None
    assert talk.fake.mode == "on"
    talk.fake.deaf = ()
    talk.driver.sleep(talk.now)
    talk.run(3)
    talk.wake()
    assert talk.driver.fw == "2.2"
    talk.driver.sleep(talk.now)
    talk.run(3)
    assert talk.fake.mode == "asleep"
