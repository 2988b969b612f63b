"""When the time is asked for, and how long readings wait for it; on CPython and on MicroPython."""

from node import timekeeper
from node.clock import Clock
from node.timekeeper import Timekeeper


class Thing:
    pass


class Joined:
    """Wi-Fi comes when it is waited for."""

    on = False

    def is_set(self):
        return self.on

    async def wait(self):
        self.on = True


class Over(Exception):
    """The test has seen enough."""


class World:
    """Stands for asyncio, NTP and the app. Time passes when it is waited for; `rounds`: does NTP answer?"""

    def __init__(self, slept=None, rounds=(), clock_wait_s=600):
        self.ms = 50000
        self.slept = slept or {}
        self.rounds = list(rounds)
        self.asked = []  # (ms, rounds that had failed before)
        self.give_up_at = []
        self.config = Thing()
        self.config.clock_wait_s = clock_wait_s
        self.config.ntp_every_s = 3600
        self.link = Thing()
        self.link.joined = Joined()
        self.clock = Clock(self.now)
        self.news = None  # ms at which somebody sets `again`

    def now(self):
        return self.ms

    async def sleep_ms(self, ms):
        self.ms += ms
        if self.news and self.ms > self.news:
            self.news = None
            self.keeper.again = True

    async def agreed(self, _app, _counters, failed, _take):
        self.asked.append((self.ms, failed))
        self.give_up_at.append(self.clock.give_up_at)
        if not self.rounds:
            raise Over
        return self.rounds.pop(0)

    def run(self):
        """Until NTP was asked once more than there are answers."""
        kept = timekeeper.asyncio, timekeeper.use_once
        timekeeper.asyncio = self
        timekeeper.use_once = lambda _name, _function, *arguments: self.agreed(*arguments)
        self.keeper = Timekeeper(self)
        try:
            self.keeper.run().send(None)
        except Over:
            return self
        finally:
            timekeeper.asyncio, timekeeper.use_once = kept


def test_readings_wait_from_when_the_network_is_there():
    assert World().run().give_up_at == [650000]


def test_a_wake_goes_on_with_the_hope_of_the_one_before_it():
    assert World({"hope": 70000}).run().give_up_at == [70000]


def test_a_wake_after_hope_has_ended_asks_once_more_and_no_longer():
    assert World({"hope": 30000}).run().give_up_at == [60000]
    world = World({"hope": 30000}, [False]).run()
    assert world.give_up_at == [60000, 60000]


def test_rounds_in_vain_are_counted_over_wakes():
    world = World({"failed": 2}, [False, False, True, False]).run()
    assert [failed for _, failed in world.asked] == [2, 3, 4, 0, 1]
    assert world.keeper.failed == 1
    pauses = [world.asked[i + 1][0] - world.asked[i][0] for i in range(4)]
    assert pauses[0] <= 5000, "a wake is short"
    assert pauses[2] == 3600000


def test_pauses_grow_to_a_quarter_of_an_hour():
    world = World(rounds=[False] * 12).run()
    pauses = [world.asked[i + 1][0] - world.asked[i][0] for i in range(12)]
    assert 2500 <= pauses[0] <= 5000
    assert all(450000 <= pause <= 900000 for pause in pauses[9:])


def test_a_reason_to_ask_ends_a_long_pause_within_seconds():
    world = World(rounds=[False] * 9)
    agreed = world.agreed

    async def with_news(*arguments):
        if len(world.asked) == 8:
            world.news = world.ms + 121000
        return await agreed(*arguments)

    world.agreed = with_news
    world.run()
    assert 121000 <= world.asked[9][0] - world.asked[8][0] <= 126000


def test_a_reason_that_comes_again_and_again_does_not_make_it_ask_all_the_time():
    world = World(rounds=[False] * 30)
    agreed = world.agreed

    async def with_news(*arguments):
        world.news = world.ms + 10
        return await agreed(*arguments)

    world.agreed = with_news
    world.run()
    pauses = [world.asked[i + 1][0] - world.asked[i][0] for i in range(30)]
    assert min(pauses[2:]) == 5000
