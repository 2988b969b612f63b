"""SimNode with a tiny firmware of its own: start, power cut, resets, and its sensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.node import SimNode
from simulator.options import fit
from simulator.runtime import SimulatorError
from simulator.sensor_words import fit_all
from tests.simulator.tiny_node import gone, logged
from tests.support import wait_for


def test_start_stop_and_flash_stays(make: Callable[..., SimNode]) -> None:
    node = make()
    assert not node.alive
    node.start()
    logged(node, "start 1 1 testnode")
    assert node.alive
    pid = node.pid
    node.stop()
    assert not node.alive
    assert pid is not None
    assert gone(pid)
    node.start()
    logged(node, "start 2 1 testnode")
    assert node.crashes == 0


def test_config_is_written_once(make: Callable[..., SimNode]) -> None:
    node = make(broker_port=4321, ntp=("127.0.0.1:99",), model="pms5003")
    config = node.flash / "config.json"
    node.start()
    written = json.loads(config.read_text())
    assert written["broker"] == {"host": "127.0.0.1", "port": 4321, "user": None, "password": None}
    assert written["sensors"] == [{"slot": "a", "model": "pms5003", "uart": 1, "tx": 17, "rx": 16}]
    logged(node, "start 1 1 testnode")
    node.stop()
    config.write_text(json.dumps({**written, "node": "renamed"}))
    node.start()
    logged(node, "start 2 1 renamed")


def test_kill_is_a_power_cut_for_the_sensor_too(make: Callable[..., SimNode]) -> None:
    node = make().start()
    logged(node, "start 1")
    node.kill()
    assert not node.alive
    assert not node.line.sensor.powered
    node.restart()
    logged(node, "start 2 1")
    assert node.line.sensor.powered


def test_a_reset_starts_it_again_with_its_cause(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1: machine.reset()\nif starts == 2: machine.deepsleep(100)\n").start()
    logged(node, "start 2 2")
    logged(node, "start 3 4")
    assert (node.starts, node.crashes) == (3, 0)
    assert node.line.sensor.powered


def test_a_hung_node_is_reset_by_its_watchdog(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1:\n    machine.WDT(timeout=200)\n    while True: pass\n").start()
    logged(node, "task_wdt")
    logged(node, "start 2 3")
    assert node.crashes == 0


def test_nvs_outlives_a_power_cut(make: Callable[..., SimNode]) -> None:
    node = make(
        "import esp32\nn = esp32.NVS('a')\n"
        "if starts == 1: n.set_i32('k', 42); n.commit()\n"
        "print('kept', starts, n.get_i32('k'))\n"
    ).start()
    logged(node, "kept 1 42")
    node.restart()
    logged(node, "kept 2 42")


def test_a_crash_is_counted_and_restarted(make: Callable[..., SimNode]) -> None:
    node = make("if starts == 1: raise ValueError('boom')\n").start()
    logged(node, "ValueError: boom")
    logged(node, "start 2 3")
    assert node.crashes == 1


def test_the_sensor_is_heard_and_answers(make: Callable[..., SimNode]) -> None:
    node = make(
        "uart.write(b'\\xaa\\xb4\\x07' + bytes(12) + b'\\xff\\xff\\x05\\xab')\n"
        "got = b''\n"
        "while len(got) < 20: got += uart.read() or b''\n"
        "print('types', sorted([got[i + 1] for i in range(len(got)) if got[i] == 0xaa][:2]))\n"
    ).start()
    logged(node, "types [192, 197]")


def test_every_sensor_is_heard_at_its_place(make: Callable[..., SimNode]) -> None:
    node = make(
        "two = machine.UART(2, baudrate=9600, tx=33, rx=32)\n"
        "bus = machine.I2C(0, scl=22, sda=21)\n"
        "heads = {}\n"
        "while len(heads) < 2:\n"
        "    for name, one in (('a', uart), ('b', two)):\n"
        "        got = one.read(2)\n"
        "        if got and name not in heads: heads[name] = got\n"
        "    time.sleep_ms(10)\n"
        "print('heads', heads['a'], heads['b'], bus.scan())\n",
        sensors=fit_all(["sds011", "pms5003", "bme280"]),
    ).start()
    logged(node, "heads b'\\xaa\\xc0' b'BM' [118]")
    node.change("c", lambda device: device.power(False, 0.0))
    assert [device.powered for device in node.devices.values()] == [True, True, False]
    assert node.lines.keys() == {"a", "b"}
    assert node.line is node.lines["a"]
    node.stop()
    assert not any(device.powered for device in node.devices.values())


def test_a_sensor_behind_a_switch_loses_its_power_with_a_reset(make: Callable[..., SimNode]) -> None:
    node = make(
        "if starts == 1:\n"
        "    machine.Pin(25, machine.Pin.OUT, value=1)\n"
        "    print('level', machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_DOWN).value())\n"
        "    machine.reset()\n"
        "print('then', machine.Pin(16, machine.Pin.IN, machine.Pin.PULL_DOWN).value())\n",
        sensors=(replace(fit("sds011"), power=25),),
    ).start()
    logged(node, "level 1")
    logged(node, "then 0")
    assert not node.devices["a"].powered


def test_stop_ends_a_node_that_sleeps_for_ever(make: Callable[..., SimNode]) -> None:
    node = make("machine.deepsleep()").start()
    logged(node, "reset: deepsleep")
    wait_for(lambda: not node.alive, what="sleep")
    node.stop()


def test_starting_twice_is_refused(make: Callable[..., SimNode]) -> None:
    node = make().start()
    with pytest.raises(SimulatorError, match="testnode is on already"):
        node.start()
