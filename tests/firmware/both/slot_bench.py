"""One slot on a fake clock and a scripted sensor (a mock, not the emulator), for test_measure*.py."""

from node import measure, rungs
from node.drivers.sds011 import Sds011
from node.measure import Measurement
from node.ports import UartPort

CONTRACT = {"slot", "model", "up", "dt", "n", "pm25", "pm10", "pm25_sd", "pm10_sd", "flags"}


class Over(Exception):
    """The scripted time is over."""


class Settings:
    def __init__(self, warmup_s=30, window_s=60, sleep_s=0, is_on=True):
        self.warmup_s = warmup_s
        self.window_s = window_s
        self.sleep_s = sleep_s
        self.measure = is_on


def sds(kind, payload):
    return bytes([0xAA, kind]) + payload + bytes([sum(payload) & 0xFF, 0xAB])


def good(second):
    """PM2.5 10.0, 10.1 .. 10.9 by turns, PM10 20.0."""
    tenths = 100 + second % 10
    return sds(0xC0, bytes([tenths, 0, 200, 0, 1, 2]))


def pms(pm25=8, error=0):
    body = bytearray(b"\x42\x4d\x00\x1c" + bytes(26))
    for at in (6, 8, 12, 14):
        body[at], body[at + 1] = pm25 >> 8, pm25 & 255
    body[29] = error
    total = sum(body)
    return bytes(body) + bytes([total >> 8, total & 255])


class Odometer:
    """Counts, and remembers how often it was to be written."""

    def __init__(self):
        self.seconds = self.saved = 0

    def hours(self, slot, id):
        return self.seconds / 3600

    def add(self, slot, id, seconds):
        assert seconds == int(seconds)
        self.seconds += seconds

    def save_if_due(self, now):
        pass

    def save(self):
        self.saved += 1


class MockSds:
    """Scripted: awake it gives one frame a second, `frame(second)`; answers work and sleep commands."""

    def __init__(self, frame=good):
        self.now = 0
        self.frame = frame
        self.awake = True
        self.out = b""
        self.log = []
        self.deaf_until = 0

    def advance(self, now):
        while self.now < now:
            self.now += 50
            if self.awake and self.now % 1000 == 0:
                self.out += self.frame(self.now // 1000)

    def write(self, data):
        if self.now < self.deaf_until:
            return
        if data[2] == 6:
            self.awake = data[4] == 1
            self.log.append((self.now, "wake" if self.awake else "sleep"))
        said = bytes([7, 15, 7, 10]) if data[2] == 7 else data[2:5] + b"\0"
        self.out += sds(0xC5, said + b"\1\2")

    def readinto(self, buf):
        if not self.out:
            return None
        n = min(len(buf), len(self.out))
        buf[:n] = self.out[:n]
        self.out = self.out[n:]
        return n


class MockPms(MockSds):
    def write(self, data):
        if data[2] == 0xE4:
            self.awake = data[4] == 1
            self.log.append((self.now, "wake" if self.awake else "sleep"))


class Node:
    """What a Measurement's rescue needs of the App."""


def new(driver, device, settings, take, now, entry=None):
    it = Measurement(entry or {"slot": "a"}, driver, UartPort(device), settings, take, now, Odometer())

    async def rescue(sensor, rung):
        await rungs.climb(Node(), sensor, rung)

    it.rescue = rescue
    return it


def play(device, settings, seconds, driver=None, at=(), on_reading=None, late_ms=0, prepare=None):
    """Run a Measurement for so many fake seconds; `at` holds (second, action). Returns (readings, it)."""
    clock = [0]
    readings = []
    at = list(at)
    take = on_reading or readings.append
    it = new(driver or Sds011(), device, settings, take, lambda: clock[0])
    if prepare:
        prepare(it)

    async def fake_sleep(ms):
        clock[0] += ms + late_ms
        device.advance(clock[0])
        while at and clock[0] >= at[0][0] * 1000:
            at.pop(0)[1](it)
        if clock[0] >= seconds * 1000:
            raise Over

    kept = measure.sleep_ms
    measure.sleep_ms = rungs.sleep_ms = fake_sleep
    running = it.run()
    try:
        running.send(None)
    except (Over, StopIteration):
        pass
    finally:
        measure.sleep_ms = rungs.sleep_ms = kept
    return readings, it


def switch(settings, value):
    def act(it):
        settings.measure = value

    return act


class Switch:
    """The pin of a supply's switch: without power a hung sensor forgets that it hangs."""

    def __init__(self, device):
        self.device = device
        self.levels = []

    def value(self, level):
        self.levels.append(level)
        if level:
            self.device.hung = False


class HangingSds(MockSds):
    hung = False

    def advance(self, now):
        super().advance(now)
        if self.hung:
            self.out = b""

    def write(self, data):
        if not self.hung:
            super().write(data)
