"""Detection against every emulated sensor, on the simulated board's pins and wires. One fake clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from node import detect
from node.drivers import make_driver
from simulator.board.i2c import I2cs
from simulator.board.pins import Pads, Pins
from simulator.board.wave import bytes_heard
from simulator.board.wiring import Fitting, Wiring
from simulator.options import Fitted
from simulator.sensors import MODELS, make_sensor
from simulator.sensors.base import Device, Sensor

AIR = (8.0, 20.0, 33.0)
UART_MODELS = sorted(model for model, bus in MODELS if bus == "uart")
I2C_MODELS = sorted(model for model, bus in MODELS if bus == "i2c")
# They say the same in every byte that tells of the model.
SAME = {"pms7003": "pms5003", "pmsa003": "pms5003"}
UART = {"slot": "a", "model": "auto", "uart": 1, "tx": 17, "rx": 16}
I2C = {"slot": "a", "model": "auto", "i2c": 0, "sda": 21, "scl": 22}


class Uart:
    """machine.UART: reaches the sensor whose wires lie on its pins, at whatever speed each has."""

    def __init__(self, board: Board, tx: int, rx: int, baud: int) -> None:
        self.board, self.tx, self.rx, self.baud = board, tx, rx, baud
        self.waiting = b""
        self.board.advance()
        board.pads.claim(tx, self)
        board.pads.listen(rx, self)

    def write(self, data: bytes) -> int:
        self.board.advance()
        for fitting, sensor in self.board.wiring.uarts():
            assert fitting.talks != self.tx or not sensor.powered, "two outputs fight over a wire"
            if fitting.hears == self.tx:
                sensor.receive(bytes_heard(data, self.baud, sensor.baud), self.board.clock)
        return len(data)

    def readinto(self, buf: memoryview) -> int | None:
        for fitting, sensor in self.board.wiring.uarts():
            said = sensor.advance(self.board.clock)
            if fitting.talks == self.rx and said:
                self.waiting += bytes_heard(said, sensor.baud, self.baud)
        n = min(len(buf), len(self.waiting))
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n or None

    def deinit(self) -> None:
        self.board.pads.configure(self.tx, 1, None, None)


class Board:
    """What firmware/board.py offers, on the simulator's pads and buses."""

    def __init__(self, *fitted: Fitted, seed: int = 7, settle_s: float = 5.0) -> None:
        self.clock = 0.0
        self.devices: list[Any] = []
        fittings: list[Fitting] = []
        for each in fitted:
            device: Device = make_sensor(each.model, lambda at: AIR, seed, bus=each.bus)
            if each.baud:
                cast(Sensor, device).baud = each.baud
            if each.address:
                device.address = each.address  # type: ignore[attr-defined]
            self.devices.append(device)
            fittings.append(Fitting(each, device))
        self.wiring = Wiring(fittings, lambda: self.clock)
        self.pads = Pads(self.wiring)
        self._pins = Pins(self.pads)
        self._i2cs = I2cs(self.pads, self.wait)
        self.wiring.power(True)
        self.wait(settle_s)
        self.advance()

    def wait(self, seconds: float) -> None:
        self.clock += seconds

    def advance(self) -> None:
        """What the sensors said until now is over."""
        for _, sensor in self.wiring.uarts():
            sensor.advance(self.clock)

    def now(self) -> int:
        return int(self.clock * 1000)

    def level(self, number: int) -> int | None:
        return self._pins(number, 1, 1).value()

    def open_uart(self, number: int, tx: int, rx: int, baud: int, rxbuf: int) -> Uart:
        return Uart(self, tx, rx, baud)

    def open_i2c(self, number: int, sda: int, scl: int) -> Any:
        return self._i2cs(number, scl=scl, sda=sda, freq=100000, timeout=50000)

    def recover_i2c(self, sda: int, scl: int) -> bool:
        data, clock = self._pins(sda, 7, 2, value=1), self._pins(scl, 7, 2, value=1)
        for _ in range(9):
            clock(0)
            clock(1)
        data(1)
        return data() == 1


Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a function of detect's on a board."""

    def at_once(function: Callable[..., Any], board: Board, *arguments: Any) -> Any:
        async def sleep(seconds: float) -> None:
            board.wait(seconds)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        coroutine = function(board, *arguments, board.now)
        with pytest.raises(StopIteration) as done:
            coroutine.send(None)
        return done.value.value

    return at_once


@pytest.mark.parametrize("model", UART_MODELS)
def test_every_uart_sensor_is_found(model: str, run: Run) -> None:
    board = Board(Fitted(model=model))
    began = board.clock
    found, state, message = run(detect.find, board, UART)
    name = SAME.get(model, model)
    assert (found, state, message) == ([{"model": name}], "ok", f"Found {name} on pins 17 and 16.")
    assert board.clock - began < 20


@pytest.mark.parametrize("model", UART_MODELS)
def test_every_uart_sensor_is_found_with_its_wires_exchanged(model: str, run: Run) -> None:
    found, state, message = run(detect.find, Board(Fitted(model=model, swapped=True)), UART)
    assert found == [{"model": SAME.get(model, model), "tx": 16, "rx": 17}]
    assert state == "swapped"
    assert "swap those on pins 17 and 16" in message


@pytest.mark.parametrize("model", I2C_MODELS)
def test_every_i2c_sensor_is_found(model: str, run: Run) -> None:
    board = Board(Fitted(model=model, i2c=0, sda=21, scl=22))
    found, state, message = run(detect.find, board, I2C)
    assert found == [{"model": model, "address": board.devices[0].address}]
    assert (state, message) == ("ok", f"Found {model} on pins 21 and 22.")


@pytest.mark.parametrize("model", I2C_MODELS)
def test_every_i2c_sensor_is_found_with_its_wires_exchanged(model: str, run: Run) -> None:
    board = Board(Fitted(model=model, i2c=0, sda=21, scl=22, swapped=True))
    found, state, _ = run(detect.find, board, I2C)
    assert found == [{"model": model, "address": board.devices[0].address, "sda": 22, "scl": 21}]
    assert state == "swapped"


@pytest.mark.parametrize("model", I2C_MODELS)
def test_a_held_bus_is_freed_or_said(model: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = Fitted(model=model, i2c=0, sda=21, scl=22)
    board = Board(fitted)
    board.devices[0].faults.bus_stuck = True
    found, state, _ = run(detect.find, board, I2C)
    assert ([one["model"] for one in found], state) == ([model], "ok")
    board = Board(fitted)
    board.devices[0].faults.bus_stuck = True
    monkeypatch.setattr(board.devices[0], "release", lambda: None)
    found, state, message = run(detect.find, board, I2C)
    assert (found, state) == ([], "bus_stuck")
    assert "unplug" in message


def test_several_on_one_bus(run: Run) -> None:
    models = ("sen55", "pmsa003i", "bme280", "sht4x")
    board = Board(*(Fitted(slot=name, model=name, i2c=0, sda=21, scl=22) for name in models))
    found, state, _ = run(detect.find, board, I2C)
    assert state == "ok"
    assert sorted(one["model"] for one in found) == sorted(models)


def test_a_sensor_that_its_driver_put_to_sleep_is_not_woken(run: Run) -> None:
    board = Board(*(Fitted(slot=name, model=name, i2c=0, sda=21, scl=22) for name in ("sps30", "bme280")))
    assert board.devices[0].sleep()
    before = board.devices[0].state
    found, _, _ = run(lambda b, entry, now: detect.find(b, entry, now, (0x69,)), board, I2C)
    assert found == [{"model": "bme280", "address": 0x76}]
    assert board.devices[0].state == before
    assert [one["model"] for one in run(detect.find, board, I2C)[0]] == ["sps30", "bme280"]


def test_a_pmsa003i_that_has_just_got_power(run: Run) -> None:
    models = ("pmsa003i", "sps30")
    fitted = [Fitted(slot=name, model=name, i2c=0, sda=21, scl=22) for name in models]
    found, _, _ = run(detect.find, Board(*fitted, settle_s=0.1), I2C)
    assert [one["model"] for one in found] == ["pmsa003i", "sps30"]


def test_sensors_that_were_left_asleep_or_waiting_to_be_asked(run: Run) -> None:
    def prepared(fitted: Fitted, prepare: Callable[[Any], None]) -> Board:
        board = Board(fitted)
        prepare(board.devices[0])
        board.wait(4.0)
        board.advance()
        return board

    def asleep(device: Any) -> None:
        device.asleep = True

    def sps30_asleep(device: Any) -> None:
        assert device.sleep()

    def passive(device: Any) -> None:
        device.active = False

    def query(device: Any) -> None:
        device.query_mode = True

    bus = Fitted(model="sps30", i2c=0, sda=21, scl=22)
    for fitted, prepare, entry in (
        (Fitted(model="sds011"), asleep, UART),
        (Fitted(model="sds011"), query, UART),
        (Fitted(model="pms5003"), asleep, UART),
        (Fitted(model="pms5003"), passive, UART),
        (Fitted(model="pms5003st"), asleep, UART),
        (Fitted(model="sps30"), sps30_asleep, UART),
        (bus, sps30_asleep, I2C),
    ):
        found, state, _ = run(detect.find, prepared(fitted, prepare), entry)
        assert ([one["model"] for one in found], state) == ([fitted.model], "ok"), (fitted, prepare)


@pytest.mark.parametrize(
    ("model", "baud"),
    [
        *(("sds011", baud) for baud in (2400, 4800, 19200, 38400, 57600, 115200, 14400)),
        *(("pms5003", baud) for baud in (19200, 115200, 14400)),
        ("pms3003", 4800),
    ],
)
def test_a_wrong_speed_is_said(model: str, baud: int, run: Run) -> None:
    found, state, message = run(detect.find, Board(Fitted(model=model, baud=baud)), UART)
    assert (found, state) == ([], "wrong_speed")
    assert message.startswith(f"There is {'something unknown' if baud == 14400 else model} on pins 17 and 16")


def test_silence(run: Run) -> None:
    states: dict[str, str] = {}
    for model in UART_MODELS:
        board = Board(Fitted(model=model))
        board.devices[0].faults.mute = True
        found, state, states["mute"] = run(detect.find, board, UART)
        assert (found, state) == ([], "silent")
        board = Board(Fitted(model=model, power=4))  # its switch is off
        found, state, states["no power"] = run(detect.find, board, UART)
        assert (found, state) == ([], "silent")
        board = Board(Fitted(model=model, tx=25, rx=26))  # on other pins
        assert run(detect.find, board, UART) == (found, state, states["no power"])
    for model in I2C_MODELS:
        board = Board(Fitted(model=model, i2c=0, sda=21, scl=22))
        board.devices[0].faults.nack = True
        found, state, states["bus"] = run(detect.find, board, I2C)
        assert (found, state) == ([], "silent")
    assert len(set(states.values())) == 3


@pytest.mark.parametrize("model", ["sds011", "pms5003", "pms3003", "pms5003st", "sps30"])
def test_on_a_bad_line_nothing_wrong_is_found(model: str, run: Run) -> None:
    right = 0
    for seed in range(4):
        board = Board(Fitted(model=model), seed=seed)
        board.devices[0].random = random.Random(seed)
        board.devices[0].faults.garbage = 0.2
        board.devices[0].faults.bit_flip = 0.003
        board.devices[0].faults.byte_loss = 0.003
        found, _, _ = run(detect.find, board, UART)
        assert found in ([], [{"model": model}])
        right += len(found)
    assert right >= 3


def test_why_a_named_sensor_stays_mute(run: Run) -> None:
    def diagnosed(wanted: str, fitted: Fitted, **faults: Any) -> tuple[str, str]:
        board = Board(fitted)
        for name, value in faults.items():
            setattr(board.devices[0].faults, name, value)
        driver = make_driver(wanted, fitted.bus)
        return run(detect.diagnose, board, UART if fitted.bus == "uart" else I2C, driver)

    for wanted in ("sds011", "pms5003"):
        assert diagnosed(wanted, Fitted(model=wanted))[0] == "ok"
        assert diagnosed(wanted, Fitted(model=wanted), mute=True)[0] == "silent"
        assert diagnosed(wanted, Fitted(model=wanted, swapped=True))[0] == "swapped"
        assert diagnosed(wanted, Fitted(model=wanted, baud=19200))[0] == "wrong_speed"
        state, message = diagnosed(wanted, Fitted(model="sps30"))
        assert (state, message[:9]) == ("not_found", "There is ")
        assert "sps30 in place of " + wanted in message
