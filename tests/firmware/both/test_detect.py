"""Detection on a scripted board, on CPython and on MicroPython alike."""

import asyncio
import gc
import sys

import node
from node import detect, use_once

SDS = bytes.fromhex("aac0d4043a0aa1601dab")
SDS_WORKS = bytes.fromhex("aac506010100a16009ab")


def summed(data):
    total = sum(data) & 0xFFFF
    return data + bytes([total >> 8, total & 255])


PMS = summed(
    bytes.fromhex("424d001c")
    + b"".join(bytes([n >> 8, n & 255]) for n in (5, 8, 9, 5, 8, 9, 1500, 450, 80, 8, 2, 1, 0x9700))
)
PMS3003 = summed(bytes.fromhex("424d0014") + b"".join(bytes([0, n]) for n in (5, 8, 9, 5, 8, 9, 0, 0, 0x51)))


class Device:
    """Something on a UART: says `frame` every `every` ms at `baud`; `on` maps what it is asked to its answer.
    `frame` None: silent until it is asked."""

    def __init__(self, frame=None, every=1000, baud=9600, on=(), tx=16, rx=17):
        self.frame, self.every, self.baud, self.on, self.tx, self.rx = frame, every, baud, dict(on), tx, rx


class Uart:
    def __init__(self, board, tx, rx, baud):
        self.board, self.tx, self.rx, self.baud = board, tx, rx, baud
        self.since = board.ms
        self.waiting = b""
        assert board.open is None
        board.open = self

    def write(self, data):
        device = self.board.device
        self.board.written.append((self.board.ms, self.tx, data))
        if device and self.tx == device.rx and self.baud == device.baud:
            self.waiting += device.on.get(data, b"")

    def readinto(self, buf):
        device = self.board.device
        if device is None or self.rx != device.tx:
            return None
        if device.frame:
            while self.since + device.every <= self.board.ms:
                self.since += device.every
                said = device.frame
                if self.baud != device.baud:
                    said = bytes((byte * 7 ^ 0x5A) & 0x7F for byte in said)  # garbled: no head of a frame
                self.waiting += said
        n = min(len(buf), len(self.waiting))
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n or None

    def deinit(self):
        self.board.open = None


class I2c:
    """A bus of chips: address -> {command: answer}."""

    def __init__(self, board, sda, scl):
        self.board = board
        self.chips = board.chips if (sda, scl) == board.wired else {}
        self.asked = None

    def scan(self):
        if self.board.held:
            return list(range(8, 120))
        return sorted(self.chips)

    def writeto(self, address, data):
        if data not in self.chips.get(address, {}):
            raise OSError(19)
        self.asked = data

    def readfrom(self, address, n):
        answers = self.chips.get(address, {})
        answer = answers.get(self.asked if self.asked in answers else b"")
        if answer is None:
            raise OSError(19)
        assert len(answer) == n
        return answer


class Board:
    def __init__(self, device=None, chips=None, held=False, freed=False, power=True):
        self.ms = 0
        self.device, self.power = device, power
        self.chips, self.wired = chips or {}, (21, 22)
        self.held, self.freed = held, freed
        self.written = []
        self.asked_levels = 0
        self.open = None

    def now(self):
        return self.ms

    def level(self, pin):
        assert not self.written
        self.asked_levels += 1
        return int(self.device is not None and self.power and pin == self.device.tx)

    def open_uart(self, number, tx, rx, baud, rxbuf):
        assert number == 1
        return Uart(self, tx, rx, baud)

    def open_i2c(self, number, sda, scl):
        assert number == 0
        return I2c(self, sda, scl)

    def recover_i2c(self, sda, scl):
        self.held = self.held and not self.freed
        return not self.held


def run(board, function, *arguments):
    """The result of an async function, with sleeps that only move the board's clock."""

    async def sleep(seconds):
        board.ms += max(1, int(seconds * 1000 + 0.5))

    true_sleep = asyncio.sleep
    asyncio.sleep = sleep
    coroutine = function(board, *arguments)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    finally:
        asyncio.sleep = true_sleep
    raise AssertionError("it waits for something")


UART = {"slot": "a", "model": "auto", "uart": 1, "tx": 17, "rx": 16}
I2C = {"slot": "b", "model": "auto", "i2c": 0, "sda": 21, "scl": 22}


def find(board, entry):
    result = run(board, detect.find, entry, board.now)
    assert board.open is None
    return result


def crc(data):
    out = b""
    for at in range(0, len(data), 2):
        value = 0xFF
        for byte in data[at : at + 2]:
            value ^= byte
            for _ in range(8):
                value = (value << 1 ^ 0x31) & 0xFF if value & 0x80 else value << 1
        out += data[at : at + 2] + bytes([value])
    return out


SPS30 = {b"\xd0\x02": crc(b"00080000")}
SEN54 = {b"\xd0\x14": crc(b"SEN54" + bytes(27))}
SHT3X = {b"\xf3\x2d": crc(b"\x80\x10")}
SHT4X = {b"\x89": crc(b"\x0f\xba\x7c\x9c")}
BME280 = {b"\xd0": b"\x60"}


def test_a_sensor_that_talks_is_only_listened_to():
    board = Board(Device(SDS))
    assert find(board, UART) == ([{"model": "sds011"}], "ok", "Found sds011 on pins 17 and 16.")
    assert board.written == []
    assert board.asked_levels
    assert board.ms < 4000


def test_plantowers_are_told_apart_by_their_frames():
    for frame, model in ((PMS, "pms5003"), (PMS3003, "pms3003")):
        board = Board(Device(frame, every=2300))
        found, state, _ = find(board, UART)
        assert (found, state) == ([{"model": model}], "ok")
        assert board.written == []


def test_a_silent_one_is_asked():
    work = bytes.fromhex("aab406010100000000000000000000ffff06ab")
    board = Board(Device(on={work: SDS_WORKS}))
    assert find(board, UART)[:2] == ([{"model": "sds011"}], "ok")
    assert board.written[0][0] >= 3000  # it was listened to before
    mode = bytes.fromhex("424de100010171")
    board = Board(Device(on={mode: bytes.fromhex("424d0004e1010175")}))
    assert find(board, UART)[:2] == ([{"model": "pms5003"}], "ok")


def test_exchanged_wires_work_exchanged_and_no_output_fights():
    board = Board(Device(SDS, tx=17, rx=16))
    found, state, message = find(board, UART)
    assert found == [{"model": "sds011", "tx": 16, "rx": 17}]
    assert state == "swapped"
    assert message == "The sensor's two data wires are exchanged: swap those on pins 17 and 16."
    mute = Board(Device(tx=17, rx=16))
    assert find(mute, UART) == ([], "swapped", message)
    assert mute.written
    assert all(tx != 17 for _, tx, _ in mute.written)  # pin 17 is the sensor's output


def test_nothing_there_and_a_mute_sensor_are_told_apart():
    found, state, nothing = find(Board(), UART)
    assert (found, state) == ([], "silent")
    assert "5 V" in nothing
    found, state, mute = find(Board(Device()), UART)
    assert (found, state) == ([], "silent")
    assert "has power" in mute


def test_another_speed():
    found, state, message = find(Board(Device(SDS, baud=19200)), UART)
    assert (found, state) == ([], "wrong_speed")
    assert message.startswith("There is sds011 on pins 17 and 16, but not at its usual speed")
    found, state, message = find(Board(Device(b"hello, world\r\n")), UART)
    assert (found, state) == ([], "wrong_speed")
    assert "something unknown" in message


def test_noise_on_an_open_wire_is_no_speed():
    board = Board(Device(b"\x00\x40\x00\x10", every=300), power=False)
    assert find(board, UART)[:2] == ([], "silent")


def test_i2c_sensors_by_what_they_say():
    for address, chip, model in (
        (0x69, SPS30, "sps30"),
        (0x69, SEN54, "sen54"),
        (0x12, {b"": PMS}, "pmsa003i"),
        (0x76, BME280, "bme280"),
        (0x77, {b"\xd0": b"\x58"}, "bmp280"),
        (0x44, SHT3X, "sht3x"),
        (0x45, SHT4X, "sht4x"),
    ):
        found, state, message = find(Board(chips={address: chip}), I2C)
        assert found == [{"model": model, "address": address}], model
        assert state == "ok"
        assert message == "Found " + model + " on pins 21 and 22."


def test_several_on_one_bus_and_one_unknown():
    board = Board(chips={0x69: SPS30, 0x76: BME280, 0x3C: {}, 0x77: {b"\xd0": b"\x55"}})
    found, state, message = find(board, I2C)
    assert found == [{"model": "sps30", "address": 0x69}, {"model": "bme280", "address": 0x76}]
    assert state == "ok"
    assert message == "Found sps30 and bme280 on pins 21 and 22, and no known sensor (address 60 119)."


def test_addresses_that_have_a_driver_are_left_alone():
    class Busy(dict):
        def __getitem__(self, command):
            raise AssertionError("asked")

        get = __contains__ = __getitem__

    board = Board(chips={0x69: Busy(), 0x76: BME280})
    found, state, _ = run(board, detect.find, I2C, board.now, (0x69,))
    assert (found, state) == ([{"model": "bme280", "address": 0x76}], "ok")
    board = Board(chips={0x69: Busy()})
    assert run(board, detect.find, I2C, board.now, (0x69,))[:2] == ([], "silent")
    driver = Driver("bme280", "i2c", address=0x76)
    assert run(board, detect.diagnose, I2C, driver, board.now, (0x69,))[0] == "silent"


def test_a_wrong_checksum_is_no_answer():
    spoiled = crc(b"00080000")[:-1] + b"\x00"
    found, state, message = find(Board(chips={0x69: {b"\xd0\x02": spoiled}}), I2C)
    assert (found, state) == ([], "not_found")
    assert "(address 105)" in message


def test_an_empty_bus_an_exchanged_and_a_held_one():
    found, state, message = find(Board(), I2C)
    assert (found, state) == ([], "silent")
    board = Board(chips={0x69: SPS30})
    board.wired = (22, 21)
    found, state, message = find(board, I2C)
    assert found == [{"sda": 22, "scl": 21, "model": "sps30", "address": 0x69}]
    assert state == "swapped"
    assert "exchanged" in message
    assert find(Board(chips={0x69: SPS30}, held=True), I2C)[:2] == ([], "bus_stuck")
    assert find(Board(chips={0x69: SPS30}, held=True, freed=True), I2C)[1] == "ok"


class Driver:
    def __init__(self, model, bus="uart", **more):
        self.model, self.bus = model, bus
        for name, value in more.items():
            setattr(self, name, value)


def diagnose(board, entry, driver):
    return run(board, detect.diagnose, entry, driver, board.now)


def test_why_a_named_sensor_stays_mute():
    assert diagnose(Board(Device(SDS)), UART, Driver("sds011"))[0] == "ok"
    assert diagnose(Board(Device(PMS)), UART, Driver("pms7003"))[0] == "ok"
    state, message = diagnose(Board(Device(SDS)), UART, Driver("pms5003"))
    assert state == "not_found"
    assert message.startswith("There is sds011 in place of pms5003")
    assert diagnose(Board(Device(SDS, tx=17, rx=16)), UART, Driver("sds011"))[0] == "swapped"
    assert diagnose(Board(Device(SDS, baud=4800)), UART, Driver("sds011"))[0] == "wrong_speed"
    assert diagnose(Board(), UART, Driver("sds011"))[0] == "silent"


def test_why_a_named_sensor_on_i2c_stays_mute():
    both = {0x69: SEN54, 0x76: BME280}
    state, message = diagnose(Board(chips=both), I2C, Driver("sps30", "i2c", address=0x69))
    assert state == "not_found"
    assert message.startswith("There is sen54 and bme280 in place of sps30") or "bme280 and sen54" in message
    state, message = diagnose(Board(chips={0x76: BME280}), I2C, Driver("sps30", "i2c", address=0x69))
    assert state == "silent"
    assert message.startswith("Of sps30 nothing is seen, only bme280")
    state, message = diagnose(Board(chips={0x76: BME280}), I2C, Driver("bme280", "i2c", address=0x77))
    assert state == "not_found"
    assert message == "This bme280 has address 118, not 119: change the settings."
    assert diagnose(Board(chips=both), I2C, Driver("bme280", "i2c", address=0x76))[0] == "ok"


def test_it_leaves_nothing_loaded():
    before = set(sys.modules) - {"node.detect"}
    board = Board(Device(SDS, baud=19200))
    found, state, _ = run(board, lambda board: use_once("detect", "find", board, UART, board.now))
    assert (found, state) == ([], "wrong_speed")
    board = Board(chips={0x69: SPS30, 0x12: {b"": PMS}})
    run(board, lambda board: use_once("detect", "find", board, I2C, board.now))
    assert set(sys.modules) - before <= {"node.drivers"}
    assert not hasattr(node, "detect_uart")
    if hasattr(gc, "mem_alloc"):
        gc.collect()
        at = gc.mem_alloc()
        for _ in range(5):
            run(Board(Device(SDS)), lambda board: use_once("detect", "find", board, UART, board.now))
        gc.collect()
        assert gc.mem_alloc() - at < 500
