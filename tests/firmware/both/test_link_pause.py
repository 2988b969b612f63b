"""What is done after the way to the gateway has broken; on CPython and on MicroPython."""

from node.link_pause import after, pause_ms
from node.mqtt.errors import MqttError

HOUR = 3600000


class Thing:
    """Whatever it is given."""

    def __init__(self, **named):
        for name in named:
            setattr(self, name, named[name])


class Board:
    def __init__(self, rtc_ms=1800000000000):
        self.rtc = rtc_ms
        self.restarts = 0
        self.nvs = {}

    def rtc_ms(self):
        return self.rtc

    def nvs_get(self, key):
        return self.nvs.get(key)

    def nvs_set(self, key, value):
        self.nvs[key] = value

    def restart(self):
        self.restarts += 1


class Flag:
    def __init__(self):
        self.on = False

    def is_set(self):
        return self.on

    def clear(self):
        self.on = False


class Wifi:
    def __init__(self):
        self.said = []

    def stop(self):
        self.said.append("stop")

    def start(self, hostname):
        self.said.append(hostname)


def make_link(spread_s=60, board=None):
    link = Thing(up=Flag(), joined=Flag(), counters={}, failures=0, misses=0, spread=False, wifi=Wifi())
    link.joined_at = link.up_at = link.time = link.flash_errors = 0
    link.heard = ["others"]
    config = Thing(spread_s=spread_s, node="praga-1", wifi=[{"ssid": "home"}])
    link.app = Thing(
        now=lambda: link.time, board=board or Board(), config=config, counters={"flash_errors": 0}
    )
    return link


def fail(link, kind, up=False):
    link.up.on = up
    return after(link, MqttError("planted", kind))


def test_pauses_grow_to_a_minute_and_differ():
    for failures in range(1, 40):
        longest = min(60000, 500 << min(failures, 7))
        for _ in range(20):
            assert longest // 2 <= pause_ms(failures) <= longest
    assert len({pause_ms(9) for _ in range(50)}) > 10


def test_pauses_while_the_broker_is_away_are_spread():
    for _ in range(50):
        assert 30000 <= pause_ms(1, 60) <= 60000
        assert 60000 <= pause_ms(2, 60) <= 120000
        assert 60000 <= pause_ms(30, 60) <= 120000


def test_a_broker_that_went_away_is_met_at_a_random_instant():
    link = make_link()
    link.time = 100000
    first = [fail(link, "closed", True) for _ in range(100) if not setattr(link, "failures", 0)]
    assert min(first) < 12000
    assert max(first) > 48000
    assert max(first) < 60000
    assert 60000 <= fail(link, "refused") <= 120000
    assert link.counters == {"mqtt_failures": 1}


def test_after_this_nodes_own_outage_pauses_are_short():
    link = make_link()
    link.time = 100000
    assert fail(link, "wifi", True) <= 1000
    assert fail(link, "refused") <= 2000


def test_a_connection_that_holds_but_seconds_does_not_count_as_a_good_one():
    link = make_link()
    link.spread = True
    fail(link, "closed")
    fail(link, "closed")
    link.up_at = link.time = 1000000
    assert fail(link, "closed", True) >= 60000
    link.time = 1040000
    assert fail(link, "closed", True) < 60000


def test_reasons_are_counted():
    link = make_link()
    for kind in ("tls", "tls", "resolve", "auth", "rejected", "refused"):
        fail(link, kind)
    fail(link, "silent", True)
    fail(link, "refused")
    assert link.counters == {
        "tls_failures": 2,
        "dns_failures": 1,
        "mqtt_refused": 2,
        "mqtt_silent": 1,
        "mqtt_failures": 7,
    }


def test_the_interface_is_switched_off_and_on_after_vain_joins():
    link = make_link()
    for _ in range(2):
        fail(link, "join")
    assert link.wifi.said == []
    fail(link, "join")
    assert link.wifi.said == ["stop", "dustline-praga-1"]
    assert link.counters == {"wifi_resets": 1}
    for _ in range(3):
        fail(link, "join")
    assert link.counters == {"wifi_resets": 2}


def test_and_when_it_is_joined_in_name_only():
    link = make_link()
    for _ in range(7):
        fail(link, "timeout")
    assert link.wifi.said == []
    fail(link, "unreachable")
    assert link.wifi.said == ["stop", "dustline-praga-1"]
    link = make_link()
    for _ in range(20):
        fail(link, "refused")
    assert link.wifi.said == [], "what refuses is there"


def test_the_chip_starts_anew_after_hours_and_counts_it():
    link = make_link()
    link.heard = []
    link.time = 6 * HOUR
    fail(link, "join")
    assert link.app.board.restarts == 0
    link.time += 1
    fail(link, "join")
    assert link.app.board.restarts == 1
    assert link.app.board.nvs == {"wifi_restarts": 1}
    fail(link, "join")
    assert link.app.board.nvs == {"wifi_restarts": 2}


def test_hours_with_a_connection_are_not_hours_without_wifi():
    link = make_link()
    link.heard = []
    link.time = 70 * HOUR
    fail(link, "wifi", True)
    link.time += HOUR
    fail(link, "join")
    assert link.app.board.restarts == 0
    link.time += 6 * HOUR
    fail(link, "join")
    assert link.app.board.restarts == 1


def vain(link, kind, hours):
    """A failure a minute for so many hours. How many were before the first restart, None without one."""
    for number in range(hours * 60):
        link.time += HOUR // 60
        fail(link, kind)
        if link.app.board.restarts:
            return number
    return None


def test_the_chip_starts_anew_after_half_a_day_joined_in_vain():
    for kind in ("tls", "memory", "error", "internal", "timeout"):
        link = make_link()
        link.heard = ["home"]
        fail(link, "closed", True)
        number = vain(link, kind, 24)
        assert number is not None
        assert number >= 12 * 60
        assert "stop" in link.wifi.said, "the interface alone was tried before"
        assert link.app.board.nvs == {"wifi_restarts": 1}


def test_nodes_that_fail_together_start_anew_one_by_one():
    numbers = set()
    for _ in range(12):
        link = make_link()
        numbers.add(vain(link, "tls", 24))
    assert len(numbers) > 6


def test_who_is_refused_or_keeps_nothing_in_flash_does_not_start_anew():
    for kind in ("refused", "auth", "rejected"):
        link = make_link()
        assert vain(link, kind, 24) is None
        assert link.wifi.said == []
    link = make_link()
    link.app.counters["flash_errors"] = 1
    assert vain(link, "tls", 24) is None


def test_but_not_when_readings_cannot_be_kept_or_the_radio_works():
    link = make_link()
    link.time = 7 * HOUR
    fail(link, "join")
    assert link.app.board.restarts == 0, "others are heard: the router is away"
    link.heard = ["others", "home"]
    link.app.counters["flash_errors"] = 1
    fail(link, "join")
    assert link.app.board.restarts == 0, "flash keeps nothing"
    link.flash_errors = 1
    fail(link, "join")
    assert link.app.board.restarts == 1
