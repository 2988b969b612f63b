"""The SPS30 over I2C: two-step transfers, wake-up, faults, on CPython and on MicroPython alike."""

import struct

from node.drivers.sensirion import crc8
from node.drivers.sps30_i2c import Sps30I2c

WAKE, RESET, SERIAL, VERSION, START, STOP = 0x1103, 0xD304, 0xD033, 0xD100, 0x0010, 0x0104
SLEEP, READY, READ, CLEAN, STATUS, CLEAR = 0x1001, 0x0202, 0x0300, 0x5607, 0xD206, 0xD210
GOOD = (5.0, 9.0, 11.0, 12.0, 20.0, 30.0, 33.0, 34.0, 34.5, 0.6)
WEEK_S = 604800


def words(data):
    out = b""
    for i in range(0, len(data), 2):
        out += data[i : i + 2] + bytes([crc8(data, i, i + 2)])
    return out


class Fake:
    """A sensor as far as these tests need one; no acknowledge is None."""

    def __init__(self, version=(2, 2), mode="idle"):
        self.version = version
        self.mode = mode
        self.heard = []
        self.status = 0
        self.absent = False
        self.damage = -1
        self.opened = None  # ms when a sleeper's interface was opened
        self.new = 0  # ms when the next values are ready
        self.pointer = None
        self.written = None

    def write(self, data, now):
        if self.absent:
            return None
        command = data[0] << 8 | data[1]
        shut = self.opened is None or now - self.opened > 100
        if self.mode == "asleep" and (shut or command != WAKE):
            self.opened = now
            return None
        self.heard.append(command)
        del self.heard[:-100]
        self.pointer, self.written = command, now
        if command == START:
            assert data[2:] == b"\x03\x00\xac"
            assert self.mode == "idle"
            self.mode, self.new = "on", now + 1000
        elif command == SLEEP:
            assert self.version >= (2, 0)
            assert self.mode == "idle"
            self.mode, self.opened = "asleep", None
        elif command in (STOP, RESET) or (command == WAKE and self.mode == "asleep"):
            self.mode = "idle"
        elif command == CLEAR:
            self.status = 0
        return b""

    def read(self, n, now):
        if self.absent:
            return None
        data = {
            SERIAL: b"361D4FD3AA941A76" + bytes(16),
            VERSION: bytes(self.version),
            STATUS: struct.pack(">I", self.status),
            READY: bytes([0, self.mode == "on" and now >= self.new]),
        }.get(self.pointer)
        if self.pointer == READ:
            data = struct.pack(">10f", *GOOD)
            self.new += 1000
        out = bytearray(words(data))
        assert len(out) == n
        if self.damage >= 0:
            out[self.damage % n] ^= 0x10
        return out


class Talk:
    def __init__(self, fake=None, driver=None):
        self.driver = driver or Sps30I2c()
        self.fake = fake or Fake()
        self.now = 0

    def run(self, seconds):
        """The last events of so many seconds: a small heap cannot hold them all."""
        events = []
        for _ in range(int(seconds * 20)):
            self.now += 50
            want = self.driver.tick(self.now)
            if want is None:
                continue
            read = isinstance(want, int)
            got = self.fake.read(want, self.now) if read else self.fake.write(want, self.now)
            if got is None:
                self.driver.failed(self.now)
            elif read:
                events += self.driver.feed(got)
                del events[:-20]
        return events

    def wake(self, seconds=4):
        self.driver.wake(self.now)
        del self.fake.heard[:]
        return self.run(seconds)


def test_the_first_start_resets_and_asks_who_it_is():
    talk = Talk(Fake(mode="on"))
    events = talk.wake(11)
    driver = talk.driver
    assert talk.fake.heard[:7] == [WAKE, WAKE, RESET, SERIAL, VERSION, START, READY]
    assert (driver.id, driver.fw) == ("361D4FD3AA941A76", "2.2")
    assert STATUS in talk.fake.heard
    assert CLEAR not in talk.fake.heard
    assert 8 <= len(events) <= 10
    assert events[0] == {"kind": "data", "pm1": 5.0, "pm25": 9.0, "pm4": 11.0, "pm10": 12.0}
    assert driver.rejects == {}  # not ready is no error
    assert driver.retries == 0
    assert driver.settled


def test_a_command_and_its_answer_are_two_ticks_and_the_time_between_is_kept():
    driver = Sps30I2c()
    driver.wake(0)
    assert driver.tick(0) == b"\x11\x03"
    assert driver.tick(4) is None
    assert driver.tick(5) == b"\x11\x03"
    assert driver.tick(10) == b"\xd3\x04"
    assert driver.tick(109) is None
    assert driver.tick(110) is None  # done, and time to start anew
    assert driver.tick(309) is None
    assert driver.tick(310) == b"\xd0\x33"
    assert driver.tick(311) is None
    assert driver.tick(320) == 48


def test_a_sleeper_takes_two_wake_ups_and_its_silence_is_no_fault():
    talk = Talk()
    talk.wake()
    for _ in range(3):
        talk.driver.sleep(talk.now)
        assert talk.run(60) == []
        assert talk.fake.mode == "asleep"
        assert talk.driver.settled
        assert talk.wake(4)
        assert talk.fake.heard[:3] == [WAKE, START, READY]
    assert talk.driver.rejects == {}
    assert talk.driver.retries == 0


def test_firmware_1_has_no_sleep_and_no_status_register():
    talk = Talk(Fake(version=(1, 1)))
    assert talk.wake(30)
    talk.driver.sleep(talk.now)
    talk.run(2)
    assert talk.fake.mode == "idle"
    assert talk.driver.settled
    assert STATUS not in talk.fake.heard
    assert SLEEP not in talk.fake.heard


def test_a_damaged_word_is_rejected_and_read_again():
    talk = Talk()
    talk.wake()
    for at in (0, 2, 31, 59):
        before = talk.driver.rejects.get("crc", 0)
        talk.fake.damage = at
        assert talk.run(2) == []
        assert talk.driver.rejects["crc"] > before
        talk.fake.damage = -1
        assert talk.run(8)[-1]["pm25"] == 9
    assert list(talk.driver.rejects) == ["crc"]


def test_no_acknowledge():
    talk = Talk()
    talk.fake.absent = True
    talk.wake(60)
    missed = talk.driver.rejects["no_ack"]
    assert 10 < missed < 60
    assert talk.driver.awake_since is None
    talk.fake.absent = False
    assert talk.run(10)
    talk.fake.absent = True
    talk.run(30)
    talk.fake.absent = False
    assert talk.run(8)
    assert list(talk.driver.rejects) == ["no_ack"]


def test_one_that_started_anew_is_started_by_the_ladders_first_rung():
    talk = Talk()
    talk.wake()
    talk.fake.mode = "idle"
    before = talk.driver.awake_since
    assert talk.run(10) == []
    talk.driver.reset()
    assert talk.run(3)
    assert talk.driver.awake_since > before


def test_the_fault_in_the_status_register_is_told_and_cleared():
    talk = Talk()
    talk.wake(20)
    talk.fake.status = 1 << 4
    events = talk.run(62)
    assert "error" in [event["kind"] for event in events]
    assert {event.get("what") for event in events} <= {None, "fan"}
    assert talk.fake.status == 0
    assert talk.run(20)[-1]["kind"] == "data"


def test_one_without_a_status_register_does_not_inherit_a_fault():
    talk = Talk()
    talk.wake(20)
    talk.driver._fault = "fan"  # told by the sensor that was here before
    talk.fake = Fake(version=(1, 0))
    assert talk.wake(20)[-1]["kind"] == "data"


def test_cleaning():
    talk = Talk()
    talk.driver.run_s_since_clean = WEEK_S - 3
    talk.wake(8)
    assert talk.driver.cleaning
    assert talk.fake.heard[-1] == CLEAN
    talk.driver.reset()
    assert talk.run(6) == []
    assert talk.run(5)
    assert talk.driver.run_s_since_clean < 10
    assert talk.fake.heard.count(CLEAN) == 1


def test_any_bytes_of_the_right_length_and_any_other_length():
    driver = Sps30I2c()
    assert driver.feed(b"\x00" * 60) == []  # nobody asked
    start = want = 0
    for wrong in (b"", bytes(47), bytes(48), bytes(49), b"\xff" * 48):
        start += 1000
        driver.wake(start)
        for now in (0, 50, 100, 200, 400, 450):
            want = driver.tick(start + now)
        assert want == 48
        assert driver.feed(wrong) == []
    assert driver.rejects == {"length": 3, "crc": 2}
