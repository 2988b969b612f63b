"""What is waited for before a deep sleep, and what is kept over it; on CPython and on MicroPython."""

import asyncio

from node import doze
from node.clock import Clock


class Thing:
    """Whatever it is given."""

    def __init__(self, **named):
        for name in named:
            setattr(self, name, named[name])


class Flag:
    def __init__(self, on=False):
        self.on = on

    def is_set(self):
        return self.on

    def set(self):
        self.on = True


class Asleep(Exception):
    """The board sleeps."""


class World:
    """Stands for asyncio, the board and the app: a node whose window is over and that has nothing to send.
    Time passes when it is waited for; `plan`: seconds -> what happens then."""

    def __init__(self, slept=None, plan=None, sleep_s=600):
        self.ms = 0
        self.plan = plan or {}
        self.slept = slept or {}
        self.config = Thing(sleep_s=sleep_s, wifi=[{}])
        self.running = True
        self.dozing = bool(slept)
        self.commands = self.awake = self.blink_until = 0
        self.health_due = 10**9
        self.measurements = []
        self.sensors = []
        self.outbox = Thing(ring=[], depth=0, boot=1, seq=7)
        self.odometer = Thing(changed=False)
        self.timekeeper = Thing(failed=0)
        self.link = Thing(up=Flag(), joined=Flag(), client=None)
        self.clock = Clock(self.now)
        self.clock.boot = 1
        self.clock.origin = [1, 0]
        self.board = self
        self.memory = b""
        self.rest = None
        self.held = []
        self.go = Flag(not slept)

    def now(self):
        return self.ms

    rtc_ms = uptime_ms = now

    def set_uptime(self, ms):
        self.ms = ms

    def rtc_memory(self, data=None):
        if data is not None:
            self.memory = data
        return self.memory

    def hold(self, switch):
        self.held.append((switch, switch.level))

    def deepsleep(self, ms):
        self.rest = ms
        raise Asleep

    async def sleep_ms(self, ms):
        self.ms += ms
        if self.ms // 1000 in self.plan:
            self.plan.pop(self.ms // 1000)(self)
        assert self.ms < 1000000, "it never sleeps"

    def run(self):
        """Until the board sleeps. Returns at what second."""
        kept = doze.asyncio
        doze.asyncio = self
        try:
            asyncio.run(doze._run(self, self.go, self.slept))
        except Asleep:
            return self.ms // 1000
        finally:
            doze.asyncio = kept
        raise AssertionError("it gave up sleeping")

    def kept(self):
        """What the next wake has of this one."""
        self.reset = "deepsleep"
        assert doze.resume(self) == (1, 7)
        return self.slept


def connect(world):
    world.link.joined.on = world.link.up.on = True


def join(world):
    world.link.joined.on = True
    world.clock.give_up_at = 640000


def ring(world):
    world.outbox.ring = [(7, b"")]
    world.outbox.depth = 1


def flushed(world):
    world.outbox.ring = []
    world.outbox.depth = 0


def test_it_sleeps_when_all_is_sent():
    world = World(plan={1: connect})
    assert world.run() <= 4
    assert 595000 <= world.rest <= 600000


def test_it_sleeps_again_once_flash_has_taken_what_waits_in_memory():
    world = World(plan={1: connect, 200: flushed})
    ring(world)
    assert 200 <= world.run() <= 204


def test_it_sleeps_again_once_it_shall():
    def set_600(world):
        world.config.sleep_s = 600

    assert 200 <= World(plan={1: connect, 200: set_600}, sleep_s=0).run() <= 204


def test_a_command_is_waited_for():
    def begin(world):
        world.commands = 1

    def end(world):
        world.commands = 0

    assert 60 <= World(plan={1: connect, 2: begin, 60: end}).run() <= 61
    assert World(plan={1: connect, 2: begin}).run() < 240, "though not for ever"


def test_a_switch_is_held_where_it_cuts_the_supply():
    for on in (1, 0):
        switch = Thing(level=on)
        switch.value = lambda level, switch=switch: setattr(switch, "level", level)
        world = World(plan={1: connect})
        world.sensors = [Thing(switch=switch, entry={"power_on": on}), Thing(switch=None)]
        world.run()
        assert world.held == [(switch, 1 - on)]


def test_hope_for_the_time_goes_on_in_the_next_wake():
    world = World(plan={1: join})
    world.run()
    assert world.kept()["hope"] == 640000


def test_hope_is_kept_by_a_wake_without_network_and_begins_anew_after_one_that_found_none():
    world = World({"hope": 640000, "miss": 2, "skip": 1})
    world.run()
    assert world.dozing
    assert world.kept()["hope"] == 640000
    world = World({"hope": 640000, "miss": 2, "skip": 0})
    world.run()
    assert world.kept()["hope"] is None


def test_rounds_of_time_servers_in_vain_are_kept():
    world = World(plan={1: connect})
    world.timekeeper.failed = 2
    world.run()
    assert world.kept()["failed"] == 2
