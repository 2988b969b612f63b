"""Commands: each answered, none done twice, none done too late."""

import asyncio

from node import commands, files
from node.mqtt.errors import MqttError

PATH = "test_commands.json"
commands._FILE = PATH
NOW = 1764000000


class App:
    def __init__(self, utc=NOW, led=True):
        self.counters = {"flash_errors": 0}
        self.replies = []
        self.blinked = []
        self.tasks = []
        self.led = led
        self.now_utc = utc
        self.clock = self.board = self
        self.memory = b""
        self.config = self
        self.deep_sleep = False
        self.sleep_s = 3600
        self.commands = 0

    def utc(self):
        return self.now_utc

    def rtc_memory(self, data=None):
        if data is not None:
            self.memory = data
        return self.memory

    def identify(self, seconds):
        self.blinked.append(seconds)
        return self.led


def say(app, name, ok, text):
    app.replies.append((name, ok, text))


def spawn(app, name, what):
    app.tasks.append((what, name))


SAY = commands._say
commands._say = say
commands._spawn = spawn


def teardown_module():
    files.remove(PATH)


def fresh(**options):
    files.remove(PATH)
    return App(**options)


def command(name, do="identify", t=NOW, **more):
    message = {"v": 1, "id": name, "t": t, "do": do}
    message.update(more)
    return message


def test_identify():
    app = fresh()
    commands.take(app, command("a1"))
    commands.take(app, command("a2", seconds=5))
    assert app.blinked == [60, 5]
    assert [(name, ok) for name, ok, _ in app.replies] == [("a1", True), ("a2", True)]
    app = fresh(led=False)
    commands.take(app, command("a1"))
    assert app.replies[0][:2] == ("a1", False)
    assert "no LED" in app.replies[0][2]


def test_what_takes_time_is_a_task():
    app = fresh()
    commands.take(app, command("a1", "reboot"))
    commands.take(app, command("a2", "selftest"))
    assert app.tasks == [("reboot", "a1"), ("selftest", "a2")]


def test_nothing_is_done_twice_over_restarts_too():
    app = fresh()
    commands.take(app, command("a1", "reboot"))
    commands.take(app, command("a1", "reboot"))
    after = App()
    commands.take(after, command("a1", "reboot"))
    assert app.tasks == [("reboot", "a1")]
    assert after.tasks == []
    assert after.replies[0][:2] == ("a1", True)
    commands.take(after, command("a2", "reboot"))
    assert after.tasks == [("reboot", "a2")]


def test_the_ids_that_are_remembered_are_few():
    app = fresh()
    for number in range(100):
        commands.take(app, command("a" * 29 + f"{number:03d}"))
    assert len(app.blinked) == 100
    assert len(files.read(PATH)) < 400
    commands.take(app, command("a" * 29 + "093"))
    assert len(app.blinked) == 100


def test_a_flash_that_cannot_be_written_makes_no_loop():
    app = fresh()
    write = files.write

    def fail(_path, _data):
        raise OSError(28)

    files.write = fail
    try:
        commands.take(app, command("a1", "reboot"))
        after = App()
        after.memory = app.memory
        commands.take(after, command("a1", "reboot"))
    finally:
        files.write = write
    assert app.tasks == [("reboot", "a1")]
    assert after.tasks == []
    assert app.counters["flash_errors"] == 1


def test_a_damaged_file_of_ids_stops_nothing():
    for raw in (b"", b"{", b"{}", b"5", b"[5, null]"):
        app = fresh()
        files.write(PATH, raw)
        commands.take(app, command("a1"))
        assert app.blinked == [60], raw


def test_what_is_too_old_is_not_done():
    app = fresh()
    commands.take(app, command("a1", "reboot", NOW - 601))
    assert app.tasks == []
    assert app.replies == [("a1", False, "too old: sent 601 s ago")]
    commands.take(app, command("a2", "reboot", NOW - 599))
    assert app.tasks == [("reboot", "a2")]
    # A node that does not know the time cannot tell.
    app = fresh(utc=None)
    commands.take(app, command("a3", "reboot", 5))
    assert app.tasks == [("reboot", "a3")]


def test_a_sleeping_node_takes_what_came_while_it_slept():
    app = fresh()
    app.deep_sleep = True
    commands.take(app, command("a1", "reboot", NOW - 4199))
    assert app.tasks == [("reboot", "a1")]
    commands.take(app, command("a2", "reboot", NOW - 4201))
    assert app.replies == [("a2", False, "too old: sent 4201 s ago")]


def test_what_a_command_has_begun_is_counted_until_it_is_over():
    app = fresh()
    app.link = app
    seen = []

    async def publish(kind, _payload):
        seen.append((kind, app.commands))
        await asyncio.sleep(0)
        raise MqttError("planted")

    async def begin():
        SAY(app, "a1", True, "a reply")
        SAY(app, "a2", True, "another")
        seen.append(app.commands)
        for _ in range(20):
            await asyncio.sleep(0)
        seen.append(app.commands)

    app.publish = publish
    asyncio.run(begin())
    assert seen == [2, ("reply", 2), ("reply", 2), 0]


def test_what_it_does_not_know_is_answered_in_words():
    app = fresh()
    for wrong in (command("a1", "erase" * 50), command("a2", seconds=0), command("a3", seconds="5")):
        commands.take(app, wrong)
    assert [(name, ok) for name, ok, _ in app.replies] == [("a1", False), ("a2", False), ("a3", False)]
    assert all(0 < len(text) < 200 for _, _, text in app.replies)
    assert app.blinked == []
    # That was not done, so a corrected one may have the same id.
    commands.take(app, command("a2"))
    assert app.blinked == [60]


def test_what_cannot_be_read_is_counted():
    app = fresh()
    wrong = [{}, {"v": 1}, command("A"), command(""), command("a" * 33), command(5), command(None)]
    wrong += [command("a", do=5), command("a", t="now"), command("a", t=None), dict(command("a"), v=2)]
    for one in wrong:
        commands.take(app, one)
    assert app.counters["bad_messages"] == len(wrong)
    assert (app.replies, app.blinked, app.tasks) == ([], [], [])
