"""The simulated station interface: several access points, weak signals, other channels, a chip that hangs."""

from __future__ import annotations

from collections.abc import Callable

from simulator.board.network import AccessPoint, Codes, Station

NEAR = b"\x02near0"
FAR = b"\x02far00"


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def station(*air: AccessPoint, mac: bytes = b"\x02abcde") -> tuple[Station, Time]:
    clock = Time()
    made = Station(list(air), mac, lambda _: None, clock)
    made.active(True)
    return made, clock


def after(clock: Time, seconds: float, what: Callable[[], object]) -> object:
    """What it says after some time, looked at in steps as firmware looks."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 0.1
        what()
    return what()


def test_it_joins_the_first_it_comes_across_unless_it_is_told_which() -> None:
    far = AccessPoint("home", "secret", -80, channel=1, bssid=FAR)
    near = AccessPoint("home", "secret", -50, channel=11, bssid=NEAR, scan_s=0)
    far.scan_s = 0
    one, clock = station(far, near, AccessPoint("other", "", -70, channel=3, on=False))
    assert [(found[0], found[1], found[2], found[3]) for found in one.scan()] == [
        (b"home", NEAR, 11, -50),
        (b"home", FAR, 1, -80),
    ]
    far.rssi = -74  # no chance in it
    one.connect("home", "secret")
    assert after(clock, 1, one.isconnected)
    assert one.status("rssi") == -74
    one.disconnect()
    one.connect("home", "secret", bssid=NEAR)
    assert after(clock, 1, one.isconnected)
    assert one.status("rssi") == -50
    near.on = False
    assert not after(clock, 3, one.isconnected)
    assert one.status() == Codes.STAT_NO_AP_FOUND


def test_a_weak_signal_looks_like_a_wrong_password_now_and_then() -> None:
    weak = AccessPoint("home", "secret", -85)
    worked = []
    codes = set()
    for number in range(40):
        one, clock = station(weak, mac=b"\x02%05d" % number)
        one.config(reconnects=0)
        one.connect("home", "secret")
        worked.append(after(clock, 0.5, one.isconnected))
        codes.add(one.status())
    assert 5 < sum(map(bool, worked)) < 25
    assert codes == {Codes.STAT_GOT_IP, Codes.STAT_WRONG_PASSWORD, Codes.STAT_HANDSHAKE_TIMEOUT}
    one, clock = station(weak)
    one.connect("home", "secret")
    assert after(clock, 20, one.isconnected), "it tries again by itself"


def test_another_channel_is_a_loss_and_found_again() -> None:
    air = AccessPoint("home", "secret")
    one, clock = station(air)
    one.connect("home", "secret")
    assert after(clock, 1, one.isconnected)
    air.channel = 11
    seen: list[bool] = []
    after(clock, 3, lambda: seen.append(one.isconnected()))
    assert False in seen
    assert seen[-1]


def test_a_hung_chip_stays_as_it_is_until_it_is_switched_off() -> None:
    revived = []
    air = AccessPoint("home", "secret", scan_s=0, revived=lambda: revived.append(1))
    one, clock = station(air)
    one.connect("home", "secret")
    assert after(clock, 1, one.isconnected)
    air.hung = True
    air.on = False
    assert after(clock, 60, one.isconnected), "in name"
    assert one.scan() == []
    air.on = True
    one.active(False)
    assert revived == [1]
    assert not one.isconnected()
    air.hung = True
    one.active(True)
    one.connect("home", "secret")
    assert not after(clock, 60, one.isconnected)
    assert one.status() == Codes.STAT_CONNECTING
    one.active(False)
    one.active(True)
    one.connect("home", "secret")
    assert after(clock, 1, one.isconnected)
