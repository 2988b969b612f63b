"""SEN50, SEN54, SEN55: values, dialogue, status register, on CPython and on MicroPython alike."""

import struct

from node.drivers.sen5x import Sen5x, values
from node.drivers.sensirion import crc8

NAME, RESET, SERIAL, VERSION, START, STOP = 0xD014, 0xD304, 0xD033, 0xD100, 0x0021, 0x0104
READY, READ, CLEAN, STATUS, CLEAR = 0x0202, 0x03C4, 0x5607, 0xD206, 0xD210
GOOD = (50, 90, 110, 120, 4512, -1001, 1000, 10)
NOTHING = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF)
WEEK_S = 604800


def packed(numbers):
    return struct.pack(">8H", *[number & 0xFFFF for number in numbers])


def changed(index, number):
    numbers = list(GOOD)
    numbers[index] = number
    return packed(numbers)


class Fake:
    def __init__(self, model="SEN55"):
        self.model = model
        self.on = False
        self.heard = []
        self.status = 0
        self.values = GOOD
        self.pointer = None
        self.new = 0

    def write(self, data, now):
        assert len(data) == 2
        command = self.pointer = data[0] << 8 | data[1]
        self.heard.append(command)
        del self.heard[:-100]
        if command == START:
            assert not self.on
            self.on, self.new = True, now + 1000
        elif command in (STOP, RESET):
            self.on = False
        elif command == CLEAR:
            self.status &= 1 << 21

    def read(self, n, now):
        data = {
            NAME: self.model.encode() + bytes(27),
            SERIAL: b"A1B2C3D4E5F60708" + bytes(16),
            VERSION: b"\x02\x00",
            STATUS: struct.pack(">I", self.status),
            READY: bytes([0, self.on and now >= self.new]),
            READ: packed(self.values),
        }[self.pointer]
        if self.pointer == READ:
            self.new += 1000
        out = b""
        for i in range(0, len(data), 2):
            out += data[i : i + 2] + bytes([crc8(data, i, i + 2)])
        assert len(out) == n
        return out


class Talk:
    def __init__(self, model="SEN55", configured="sen55"):
        self.driver = Sen5x(configured)
        self.fake = Fake(model)
        self.now = 0

    def run(self, seconds):
        """The last events of so many seconds: a small heap cannot hold them all."""
        events = []
        for _ in range(int(seconds * 20)):
            self.now += 50
            want = self.driver.tick(self.now)
            if isinstance(want, int):
                events += self.driver.feed(self.fake.read(want, self.now))
                del events[:-20]
            elif want:
                self.fake.write(want, self.now)
        return events

    def wake(self, seconds=4):
        self.driver.wake(self.now)
        del self.fake.heard[:]
        return self.run(seconds)


def test_values():
    event = values(packed(GOOD))
    assert event["kind"] == "data"
    assert [event[name] for name in ("pm1", "pm25", "pm4", "pm10")] == [5.0, 9.0, 11.0, 12.0]
    assert abs(event["temp"] + 5.005) < 1e-5
    assert abs(event["rh"] - 45.12) < 1e-5
    assert len(event) == 7  # neither VOC nor NOx
    assert values(bytes(16))["pm25"] == 0
    assert values(bytes(15)) == "length"
    assert values(packed([10000] * 4 + [10000, 10000, 0, 0]))["pm10"] == 1000


def test_what_the_sensor_does_not_know_is_left_out():
    assert values(packed(NOTHING)) == {"kind": "data"}
    assert values(b"\xff" * 16) == {"kind": "data"}
    assert "pm4" not in values(changed(2, 0xFFFF))
    for index in (1, 3):  # without PM2.5 or PM10 it is no sample
        assert Sen5x()._measured(changed(index, 0xFFFF)) == []
    for unknown in (0xFFFF, 0x7FFF):
        for index in (4, 5):
            event = values(changed(index, unknown))
            assert event["pm25"] == 9
            assert "temp" not in event
            assert "rh" not in event


def test_values_that_cannot_be():
    for index, number in (
        (0, 10001),
        (3, 10001),
        (1, 40),
        (3, 100),
        (4, 10001),
        (4, -2),
        (5, -8001),
        (5, 14001),
    ):
        assert values(changed(index, number)) == "out_of_range"
    for number in (-2001, -8000, 10001, 14000):  # outside what it may be operated in: not to be trusted
        assert "temp" not in values(changed(5, number))
    assert values(changed(0, 91))["pm1"] == 9.1  # rounding


def test_the_first_start_resets_and_asks_who_it_is():
    for name in ("SEN50", "SEN54", "SEN55"):
        talk = Talk(name)
        events = talk.wake(11)
        driver = talk.driver
        assert talk.fake.heard[:6] == [NAME, RESET, SERIAL, VERSION, START, READY]
        assert STATUS in talk.fake.heard
        assert driver.model == name.lower()
        assert (driver.id, driver.fw) == ("A1B2C3D4E5F60708", "2.0")
        assert 8 <= len(events) <= 10
        assert driver.rejects == {}
        assert driver.settled


def test_sleep_is_idle():
    talk = Talk()
    talk.wake()
    talk.driver.sleep(talk.now)
    assert talk.run(60) == []
    assert talk.fake.heard[-1] == STOP
    assert talk.driver.settled
    assert talk.wake(5)
    assert talk.fake.heard[:2] == [NAME, START]


def test_the_status_register():
    for bit, what in ((4, "fan"), (5, "laser"), (21, "speed"), (7, None), (3, None)):
        talk = Talk()
        talk.wake(20)
        talk.fake.status = 1 << bit
        events = talk.run(62)
        assert {event.get("what") for event in events} <= {what, None}
        assert (events[-1]["kind"] == "error") == bool(what) or talk.fake.status == 0
        assert what is None or [event for event in events if event["kind"] == "error"]
        talk.fake.status = 0
        assert talk.run(25)[-1]["kind"] == "data"


def test_an_error_is_told_even_without_values():
    talk = Talk()
    talk.wake(20)
    talk.fake.values = NOTHING
    assert talk.run(5) == []
    assert talk.driver.rejects == {}
    talk.fake.status = 1 << 21
    assert {"kind": "error", "what": "speed"} in talk.run(60)


def test_climate_flag():
    talk = Talk()
    assert "temp" in talk.wake(20)[-1]
    assert talk.driver.climate_flag is None
    talk.fake.status = 1 << 6
    seen = [event for event in talk.run(60) if "temp" not in event]
    assert seen
    assert seen[0]["pm25"] == 9
    assert talk.driver.climate_flag == "climate_error"
    assert "temp" in talk.run(70)[-1]
    assert talk.driver.climate_flag is None
    talk.fake.values = GOOD[:4] + NOTHING[4:]
    assert "temp" not in talk.run(5)[-1]
    assert talk.driver.climate_flag == "climate_error"
    talk = Talk("SEN50", "sen50")
    talk.fake.values = GOOD[:4] + NOTHING[4:]
    assert talk.wake(5)
    assert talk.driver.climate_flag is None


def test_cleaning_when_due_and_the_sensors_own():
    talk = Talk()
    talk.driver.run_s_since_clean = WEEK_S
    talk.wake(8)
    assert talk.driver.cleaning
    assert talk.fake.heard[-1] == CLEAN
    assert talk.run(5) == []
    assert talk.run(5)
    assert talk.driver.run_s_since_clean < 10
    talk.driver.run_s_since_clean = 1000
    talk.fake.status = 1 << 19
    for _ in range(60):
        talk.run(1)
        if talk.driver.cleaning:
            break
    talk.fake.status = 0
    assert talk.run(10) == []
    assert talk.run(5)
    assert talk.driver.run_s_since_clean < 10


def test_damaged_words_and_wrong_lengths():
    talk = Talk()
    talk.wake()
    driver = talk.driver
    seen = 0
    while seen < 30:
        talk.now += 50
        want = driver.tick(talk.now)
        if isinstance(want, int):
            data = bytearray(talk.fake.read(want, talk.now))
            data[seen % want] ^= 1 << seen % 8
            assert driver.feed(data if seen % 7 else data[1:]) == []
            seen += 1
        elif want:
            talk.fake.write(want, talk.now)
    assert driver.rejects == {"crc": 25, "length": 5}
