"""TLS waits for the clock, and not for ever; on CPython and on MicroPython."""

import asyncio

from node import link_join, link_pause

YEAR_2026 = 1767225600000


class Thing:
    pass


def make_link(tls=True, ntp=("ntp",), rtc_ms=0):
    """A link whose Wi-Fi is up. Its time runs by 20 s whenever it is asked for."""
    link = Thing()
    link.beat = link.flash_errors = 0
    link.clock_until = None
    link.context = object() if tls else None
    link.joined = asyncio.Event()
    link.time = 0
    link.wifi = Thing()
    link.wifi.is_up = lambda: True

    def now():
        link.time += 20000
        return link.time

    app = link.app = Thing()
    app.now = now
    app.slept = {}
    app.counters = {"flash_errors": 0}
    app.board = Thing()
    app.board.rtc_ms = lambda: rtc_ms
    app.config = Thing()
    app.config.ntp = ntp
    return link


class FakeAsyncio:
    async def sleep_ms(self, ms):
        pass


def waited(link):
    """How long it took."""
    begun = link.time
    kept = link_join.asyncio
    link_join.asyncio = FakeAsyncio()
    try:
        asyncio.run(link_join.join(link))
    finally:
        link_join.asyncio = kept
    assert link.joined.is_set()
    return link.time - begun


def test_a_minute_at_most_and_only_once():
    link = make_link()
    assert 60000 <= waited(link) <= 120000
    assert link.beat > 0
    link.beat = 0
    waited(link)
    assert link.beat == 0


def test_shorter_in_a_wake_which_is_soon_over():
    link = make_link()
    link.app.slept = {"boot": 1}
    waited(link)
    assert link.beat == 0


def test_not_when_the_clock_is_set_or_will_not_be_or_does_not_matter():
    for link in (make_link(rtc_ms=YEAR_2026), make_link(ntp=()), make_link(tls=False)):
        waited(link)
        assert link.beat == 0


def test_a_certificate_that_is_not_valid_yet_is_a_reason_to_ask_for_the_time():
    for rtc_ms, kind, asked in ((0, "tls", True), (0, "refused", False), (YEAR_2026, "tls", False)):
        app = make_link(rtc_ms=rtc_ms).app
        app.timekeeper = Thing()
        app.timekeeper.again = False
        link_pause._remark(app, kind)
        assert app.timekeeper.again == asked
