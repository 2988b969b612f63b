"""Time: quality, readings from before the first sync, and NTP replies that must not be believed."""

from node import sntp
from node.clock import Clock


class Uptime:
    ms = 0

    def __call__(self):
        return self.ms


def test_unknown_before_the_first_sync_then_worked_out():
    now = Uptime()
    clock = Clock(now)
    assert clock.birth(5, "a") == (None, "none")
    assert clock.afterwards(5) == (None, "none")
    now.ms = 10000
    clock.sync(1763900010000, now.ms)
    assert clock.afterwards(5) == (1763900005, "back")
    assert clock.birth(11, "a") == (1763900011, "ntp")
    assert clock.utc() == 1763900010


def test_long_without_a_sync_is_called_held():
    now = Uptime()
    clock = Clock(now)
    clock.sync(1763900000000, 0)
    now.ms = 6 * 3600 * 1000 + 1000
    assert clock.birth(now.ms // 1000, "a")[1] == "held"


def test_a_clock_set_back_never_repeats_a_time():
    now = Uptime()
    clock = Clock(now)
    clock.sync(1763900000000, 0)
    first, _ = clock.birth(100, "a")
    clock.sync(1763900000000 - 50000, 0)
    assert clock.birth(101, "a") == (first + 1, "held")
    assert clock.step_ms == -50000
    assert clock.birth(200, "a")[1] == "ntp"


def test_two_sensors_end_their_windows_in_the_same_second():
    clock = Clock(Uptime())
    clock.sync(1763900000000, 0)
    assert clock.birth(60, "a") == clock.birth(60, "b") == (1763900060, "ntp")
    assert clock.birth(60, "b") == (1763900061, "held")


def test_a_lie_of_a_year_is_not_followed_once_the_clock_is_right_again():
    clock = Clock(Uptime())
    clock.sync(1763900000000, 0)
    clock.sync((1763900000 + 365 * 86400) * 1000, 0)
    assert clock.birth(60, "a")[0] > 1763900000 + 364 * 86400
    clock.sync(1763900000000, 0)
    assert clock.birth(120, "a") == (1763900120, "ntp")


def reply(cookie, seconds=3972888800, stratum=2, first=0x24):
    packet = bytearray(48)
    packet[0] = first
    packet[1] = stratum
    packet[24:32] = cookie
    packet[40:44] = seconds.to_bytes(4, "big")
    packet[44] = 0x80
    return bytes(packet)


COOKIE = b"12345678"


def test_a_right_reply():
    assert sntp.parse(reply(COOKIE), COOKIE) == ((3972888800 - 2208988800) * 1000 + 500, None)


def test_a_reply_of_the_next_era():
    utc_ms, problem = sntp.parse(reply(COOKIE, seconds=1000), COOKIE)
    assert problem is None
    assert utc_ms // 1000 == 2**32 + 1000 - 2208988800


def test_replies_that_are_not_believed():
    cases = [
        (reply(COOKIE)[:40], "short"),
        (reply(COOKIE, first=0x23), "server's reply"),
        (reply(COOKIE, first=0xE4), "not set"),
        (reply(COOKIE, stratum=0), "stratum"),
        (reply(COOKIE, stratum=16), "stratum"),
        (reply(b"87654321"), "another request"),
        (reply(COOKIE, seconds=3155673600), "implausible"),
    ]
    for packet, reason in cases:
        utc_ms, problem = sntp.parse(packet, COOKIE)
        assert utc_ms is None
        assert reason in problem


def test_request_carries_the_cookie():
    packet = sntp.request(COOKIE)
    assert len(packet) == 48
    assert packet[0] & 7 == 3
    assert packet[40:48] == COOKIE
