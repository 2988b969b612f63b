"""When a node may connect after it has joined Wi-Fi; on CPython and on MicroPython."""

import asyncio

from node import link_join

SPREAD_MS = 60000


class Thing:
    """Whatever it is given."""

    def __init__(self, **named):
        for name in named:
            setattr(self, name, named[name])


class Wifi:
    """Joins as soon as it is asked to."""

    def __init__(self):
        self.up = False

    def is_up(self):
        return self.up

    def join(self, ssid, password, bssid):
        self.up = True


def make_link(reset="power", boots=((1, 9000),), deep_sleep=False):
    """A link of a node that was just started."""
    link = Thing(beat=0, misses=0, known=None, context=None, heard=(), counters={}, wifi=Wifi())
    link.counters = {"wifi_joins": 0, "wifi_failures": 0}
    link.joined = asyncio.Event()
    link.time = link.joined_at = 0
    config = Thing(wifi=[{"ssid": "home"}], spread_s=SPREAD_MS // 1000, deep_sleep=deep_sleep)
    link.app = Thing(now=lambda: link.time, reset=reset, config=config, counters={"flash_errors": 0})
    link.app.outbox = Thing(boots=[list(pair) for pair in boots])
    return link


def waited(link):
    """Milliseconds until join() returns. Sleeping moves the link's clock."""

    class FakeAsyncio:
        async def sleep_ms(self, ms):
            link.time += ms

    begun = link.time
    kept = link_join.asyncio
    link_join.asyncio = FakeAsyncio()
    try:
        asyncio.run(link_join.join(link))
    finally:
        link_join.asyncio = kept
    assert link.joined.is_set()
    return link.time - begun


def again(link, away_ms):
    """Wi-Fi goes, and comes back after so long."""
    link.wifi.up = False
    link.joined_at = link.time
    link.time += away_ms
    return waited(link)


def test_after_a_power_cut_nodes_return_at_instants_of_their_own():
    waits = [waited(make_link()) for _ in range(60)]
    assert max(waits) <= SPREAD_MS + 500
    assert max(waits) > SPREAD_MS * 3 // 4
    assert min(waits) < SPREAD_MS // 4
    assert len(set(waits)) > 20


def test_nobody_waits_at_a_new_node():
    for boots in ((), ((1, 3),), ((3, 20), (2, 0), (1, 30))):
        assert waited(make_link(boots=boots)) < 1000


def test_nor_after_a_restart_of_this_node_only():
    for reset in ("hard", "watchdog", "soft", "deepsleep", "unknown"):
        assert waited(make_link(reset)) < 1000


def test_many_short_starts_do_not_hide_that_a_node_was_at_work():
    boots = [(number, 1) for number in range(12, 2, -1)]
    boots.append((1, 80))
    assert max([waited(make_link(boots=boots)) for _ in range(20)]) > 5000


def test_after_a_long_time_without_wifi_nodes_return_apart_too():
    waits = []
    for _ in range(30):
        link = make_link("hard")
        waited(link)
        waits.append(again(link, 2 * SPREAD_MS))
    assert max(waits) > SPREAD_MS // 2
    assert len(set(waits)) > 10


def test_after_a_short_one_at_once():
    link = make_link("hard")
    waited(link)
    for away_ms in (2000, SPREAD_MS // 2):
        assert again(link, away_ms) < 1000


def test_a_node_in_deep_sleep_waits_for_nobody():
    link = make_link(deep_sleep=True)
    assert waited(link) < 1000
    assert again(link, 10 * SPREAD_MS) < 1000


def test_wifi_that_goes_again_ends_the_waiting():
    link = make_link()
    joins = 0

    def is_up():
        nonlocal joins
        joins += 1
        return link.wifi.up and joins < 4

    link.wifi.is_up = is_up
    assert waited(link) < 2000


def test_without_a_spread_nobody_waits():
    link = make_link()
    link.app.config.spread_s = 0
    assert waited(link) < 1000
