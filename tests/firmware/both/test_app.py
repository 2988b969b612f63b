"""Tasks that die: started again, and when that is in vain the node is."""

from node import app
from node.app import App


class Restarted(Exception):
    pass


class World(App):
    """An App of one task, which dies by `deaths`, a list of (ms that it lived, exception), and then ends.
    Stands for asyncio, too; time passes when it is waited for."""

    def __init__(self, deaths):
        self.to_come = list(deaths)
        self.deaths = {}
        self.ms = 0
        self.counters = {"task_restarts": 0}

    def now(self):
        return self.ms

    async def sleep_ms(self, ms):
        self.ms += ms

    async def task(self):
        if self.to_come:
            lived, error = self.to_come.pop(0)
            self.ms += lived
            raise error

    def use_once(self, name, function, *_):
        raise Restarted(name, function)

    def restarts(self):
        """Whether the node is restarted before the task ends."""
        kept = app.asyncio, app.use_once
        app.asyncio, app.use_once = self, self.use_once
        try:
            self.keep("test", self.task).send(None)
        except StopIteration:
            return False
        except Restarted:
            return True
        finally:
            app.asyncio, app.use_once = kept
        raise AssertionError("it waits for something")


def test_a_task_that_dies_again_and_again_restarts_the_node():
    assert not World([(0, ValueError())] * 9).restarts()
    assert World([(0, ValueError())] * 10).restarts()
    assert World([(58000, ValueError())] * 10).restarts()
    assert not World([(120000, ValueError())] * 50).restarts()


def test_a_task_without_memory_is_tried_again_for_long():
    world = World([(0, MemoryError())] * 290)
    assert not world.restarts()
    assert world.counters["task_restarts"] == 290


def test_a_task_that_never_gets_memory_restarts_the_node():
    assert World([(0, MemoryError())] * 310).restarts()
    assert World([(50000, MemoryError())] * 20).restarts()


def test_a_task_that_lives_between_its_deaths_for_want_of_memory_goes_on():
    deaths = ([(0, MemoryError())] * 100 + [(70000, MemoryError())]) * 20
    assert not World(deaths).restarts()


def test_deaths_for_want_of_memory_are_not_added_to_others():
    deaths = [(0, ValueError())] * 9 + [(0, MemoryError())] * 20
    assert not World(deaths).restarts()
