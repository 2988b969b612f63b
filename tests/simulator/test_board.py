"""The chip's logic by itself, on a clock that the test moves."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.board.chip import Chip, Run
from simulator.board.machine import Rtc
from simulator.board.network import AccessPoint, Codes, Station
from simulator.board.power import Ended, Reset, Watchdog
from simulator.board.talk import Desk, serve
from simulator.board.wiring import Wiring

NOTHING = Wiring((), lambda: 0.0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def air() -> AccessPoint:
    return AccessPoint("home", "secret", join_s=2, beacon_s=5)


@pytest.fixture
def station(air: AccessPoint, clock: Clock) -> Station:
    made = Station(air, b"\x02abcde", lambda _: None, clock)
    made.active(True)
    return made


def test_joining_takes_its_time(station: Station, clock: Clock) -> None:
    station.connect("home", "secret")
    clock.now += 1.9
    assert (station.isconnected(), station.status()) == (False, Codes.STAT_CONNECTING)
    clock.now += 0.2
    assert (station.isconnected(), station.status()) == (True, Codes.STAT_GOT_IP)


def test_a_lost_access_point_is_noticed_late_and_found_again(
    station: Station, clock: Clock, air: AccessPoint
) -> None:
    station.connect("home", "secret")
    clock.now += 3
    assert station.isconnected()
    air.on = False
    assert station.isconnected()
    clock.now += 4.9
    assert station.isconnected()
    clock.now += 0.2
    assert not station.isconnected()
    clock.now += 2.1
    assert station.status() == Codes.STAT_NO_AP_FOUND
    air.on = True
    clock.now += 2.1
    assert station.isconnected()


def test_a_short_silence_is_not_a_loss(station: Station, clock: Clock, air: AccessPoint) -> None:
    station.connect("home", "secret")
    clock.now += 3
    assert station.isconnected()
    for _ in range(4):
        air.on = not air.on
        assert station.isconnected()
        clock.now += 3
    assert station.isconnected()


def test_it_gives_up_after_as_many_tries_as_configured(
    station: Station, clock: Clock, air: AccessPoint
) -> None:
    air.on = False
    station.config(reconnects=1)
    station.connect("home", "secret")
    for _ in range(3):
        clock.now += 2.1
        station.isconnected()
    air.on = True
    clock.now += 60
    assert not station.isconnected()
    station.connect("home", "secret")
    clock.now += 2.1
    assert station.isconnected()


def test_rtc_keeps_the_time_it_was_set_to(clock: Clock) -> None:
    rtc = Rtc(clock)
    assert rtc.datetime() == (2000, 1, 1, 5, 0, 0, 0, 0)
    rtc.datetime((2028, 2, 29, 0, 23, 59, 59, 500_000))
    clock.now += 0.75
    assert rtc.datetime() == (2028, 3, 1, 2, 0, 0, 0, 250_000)


def test_a_watchdog_sleeps_until_it_is_started(clock: Clock) -> None:
    dog = Watchdog(clock)
    assert dog.left_s() is None
    dog.watch(3)
    clock.now += 2
    assert dog.left_s() == 1
    dog.feed()
    assert dog.left_s() == 3


@pytest.fixture
def run(tmp_path: Path, air: AccessPoint) -> Run:
    return Chip(b"\x02abcde", air, {}, NOTHING, tmp_path / "nvs.json", lambda _: None).run()


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b"('machine', 'HARD_RESET')", b":2"),
        (b"('machine', 'unique_id')", b"#machine.unique_id"),
        (b"('machine.freq', (), {})", b":160000000"),
        (b"('machine.freq', (80000000,), {})", b":null"),
        (b"('machine', 'CAN')", b'!["AttributeError", "CAN"]'),
        (b"('machine', '_cause')", b'!["AttributeError", "_cause"]'),
        (b"('machine.reset.__func__', (), {})", b'!["AttributeError", "__func__"]'),
        (
            b"('network.WLAN', (2,), {})",
            b'!["ValueError", "no such interface"]',
        ),
        (b"('network.STA_IF', (), {})", b'!["TypeError", "network.STA_IF is not callable"]'),
    ],
)
def test_requests_are_answered(run: Run, request_line: bytes, answer: bytes) -> None:
    assert Desk(run.modules).answer(request_line) == answer + b"\n"


def test_lists_of_numbers_are_json_and_tuples_an_expression() -> None:
    desk = Desk(
        {"m": SimpleNamespace(pair=lambda: (1, b"x"), numbers=lambda: [80, 81], pairs=lambda: [(1,)])}
    )
    assert desk.answer(b"('m.pair', (), {})") == b"=(1, b'x')\n"
    assert desk.answer(b"('m.numbers', (), {})") == b":[80, 81]\n"
    assert desk.answer(b"('m.pairs', (), {})") == b"=[(1,)]\n"


def test_bytes_come_raw_behind_their_number(run: Run) -> None:
    desk = Desk(run.modules)
    assert desk.answer(b"(b'machine.unique_id', (), {})") == b"$6\n\x02abcde"
    desk.answer(b"('machine.RTC.memory', (b'\\n\\xff',), {})")
    assert desk.answer(b"('machine.RTC.memory', (), {})") == b"$2\n\n\xff"


def test_things_are_numbered_once(run: Run) -> None:
    desk = Desk(run.modules)
    first = desk.answer(b"('network.WLAN', (0,), {})")
    assert desk.answer(b"('network.WLAN', (0,), {})") == first
    path = first[1:-1].decode()
    assert desk.answer(f"('{path}.active', (True,), {{}})".encode()) == b":true\n"


def test_what_ends_the_run_is_not_answered(run: Run) -> None:
    with pytest.raises(Ended) as ended:
        Desk(run.modules).answer(b"('machine.deepsleep', (250,), {})")
    assert ended.value.reset == Reset("deepsleep", 0.25)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_the_answer_is_one_line(line: bytes) -> None:
    answer = Desk({}).answer(line)
    assert answer.count(b"\n") == 1
    assert answer.startswith(b"!")
    assert json.loads(answer[1:])[0] in ("AttributeError", "TypeError", "KeyError", "ValueError")


def test_a_request_may_come_in_pieces_and_a_hang_up_ends_the_talk(tmp_path: Path, air: AccessPoint) -> None:
    chip = Chip(b"\x02abcde", air, {}, NOTHING, tmp_path / "nvs.json", lambda _: None)
    ours, theirs = socket.socketpair()
    result: list[object] = []
    talk = threading.Thread(target=lambda: result.append(serve(ours, chip, chip.run(), lambda: True)))
    talk.start()
    with ours:
        with theirs:
            theirs.settimeout(10)
            theirs.sendall(b"('machine', 'HARD")
            theirs.sendall(b"_RESET')\n('machine', 'SOFT_RESET')\n")
            with theirs.makefile("rb") as reader:
                assert (reader.readline(), reader.readline()) == (b":2\n", b":5\n")
        talk.join(10)
    assert result == [None]
