"""The command `update`: what is taken, what is not, and that readings are not given up for it."""

import asyncio
import json

from update import begin, load, state, take, trial

from node import VERSION, files

PATH = "test_slots.json"
state._FILE = PATH
KEPT = {".update.state": state, ".update.load": load, ".update.take": take}


def use_once(name, function, *arguments):
    """Not loaded anew, as PATH would be lost then. What belongs to others is left out."""
    return getattr(KEPT[name], function)(*arguments) if name in KEPT else None


for module in (begin, load, state, take, trial):
    module.use_once = use_once
SHA = "0f" * 32
MESSAGE = {"version": "1.2.0", "size": 100000, "sha256": SHA}


class Disk:
    """In the place of `os` in take.py."""

    def __init__(self, free_blocks, spare_bytes=None):
        self.free_blocks = free_blocks
        self.spare_bytes = spare_bytes

    def statvfs(self, _path):
        return (4096, 4096, 176, self.free_blocks, self.free_blocks, 0, 0, 0, 0, 255)

    def stat(self, _path):
        if self.spare_bytes is None:
            raise OSError(2)
        return (0, 0, 0, 0, 0, 0, self.spare_bytes, 0, 0, 0)


class App:
    """Everything that the update's code asks of an App, a Sender, a Link, a clock."""

    def __init__(self):
        self.update = None
        self.counters = {"flash_errors": 0}
        self.config = self.link = self.board = self.sender = self.outbox = self.clock = self
        self.health_now = self
        self.trial = self.safe = None
        self.kept = []
        self.restarts = 0
        self.trial_s, self.window_s, self.warmup_s, self.clock_wait_s = 600, 60, None, 300
        self.health_due = self.ms = self.crashes = self.awake = 0
        self.boot, self.acked = 7, 6
        self.known = True

    def set(self):
        pass

    def drop(self):
        pass

    def rtc_memory(self, data=None):
        return b""

    def restart(self):
        self.restarts += 1

    def now(self):
        return self.ms

    async def keep(self, name, run):
        self.kept.append(name)


def slots(**changes):
    found = {"run": "a", "a": ["5" * 64, VERSION, "0.1.0"], "b": ["6" * 64, "0.0.9", "0.0.9"]}
    found.update({"trial": None, "floor": "0.1.0", "update": None})
    found.update(changes)
    files.write(PATH, json.dumps(found).encode())


def ask(app=None, disk=None, **changes):
    """(ok, text) for a command, on a disk with much room if not said."""
    message = dict(MESSAGE)
    message.update(changes)
    take.os = disk or Disk(100)

    async def tasks():  # one may be started
        return take.take(app or App(), message)

    return asyncio.run(tasks())


def kept():
    return json.loads(files.read(PATH))


def test_one_that_is_taken():
    slots()
    app = App()
    assert ask(app) == (True, "loading 100000 bytes")
    found = kept()
    assert found["load"] == ["1.2.0", 100000, SHA]
    assert found["update"] == ["1.2.0", "loading", None]
    assert found["b"] is None, "what is half there must not count as verified"
    assert found["run"] == "a"
    assert app.update.job == found["load"]
    assert ask(app) == (True, "1.2.0 is being loaded")
    # Another takes its place.
    assert ask(app, version="1.3.0") == (True, "loading 100000 bytes")
    assert app.update.job[0] == "1.3.0"


def test_what_is_not_taken():
    slots()
    before = files.read(PATH)
    bad = "an update needs version, size and sha256"
    for changes in (
        {"version": "1.2"},
        {"version": "1.2.x"},
        {"version": "1.2.-3"},
        {"version": "1.2.1000"},
        {"version": 7},
        {"size": 0},
        {"size": 1048577},
        {"size": "9"},
        {"sha256": SHA[1:]},
        {"sha256": "Z" * 64},
        {"sha256": None},
    ):
        assert ask(**changes) == (False, bad), changes
    assert ask(version=VERSION) == (True, VERSION + " runs already")
    assert ask(version="0.0.9") == (False, "0.0.9 is older than 0.1.0, the oldest that may be installed")
    assert files.read(PATH) == before
    slots(trial=1)
    assert ask() == (False, VERSION + " is on trial: ask again when that is over")
    files.remove(PATH)
    assert ask() == (False, "this node runs from a folder of files, which takes no updates")
    assert files.read(PATH) is None


def test_no_reading_is_given_up_for_it():
    slots()
    before = files.read(PATH)
    ok, text = ask(disk=Disk(28))
    assert not ok
    assert text == "no room: 116384 bytes are needed and 114688 are free; no reading is given up for it"
    assert files.read(PATH) == before
    assert ask(disk=Disk(29))[0]
    slots()
    assert ask(disk=Disk(4, spare_bytes=102400))[0], "what the spare slot holds is room"
    slots()
    assert not ask(disk=Disk(3, spare_bytes=102400))[0]


def test_a_chunk_that_nobody_waits_for():
    slots()
    app = App()
    ask(app)
    loader = app.update
    loader.at = 2048
    for payload in (b"", b"\0", (0).to_bytes(4, "big") + b"x", (4096).to_bytes(4, "big") + b"x"):
        loader.take(payload)
        assert loader.piece is None
    loader.take((2048).to_bytes(4, "big") + b"x")
    assert bytes(loader.piece[4:]) == b"x"


def test_a_start_goes_on():
    slots(load=["1.2.0", 100000, SHA], update=["1.2.0", "loading", None], changed=True)

    async def start():
        app = App()
        return app, begin.begin(app)

    app, on_trial = asyncio.run(start())
    assert on_trial is False
    assert app.update.job[0] == "1.2.0"
    assert "changed" not in kept()
    slots(trial=1, update=["1.2.0", "trial", None])
    app, on_trial = asyncio.run(start())
    assert on_trial is True
    assert app.update is None


def test_what_a_trial_asks_for():
    app = App()
    assert trial._missing(app, True) == "no health report was published"
    app.health_due = 5
    assert trial._missing(app, True) == "no reading of it was acked"
    assert trial._missing(app, False) is None, "the version before had none either"
    app.acked = app.boot
    assert trial._missing(app, True) is None
    app.safe = "3 crashes in a row"
    assert trial._missing(app, False) == "it is in safe mode and measured nothing"


def test_the_floor_only_grows():
    slots(trial=1, floor="1.10.0", update=[VERSION, "trial", None])
    trial._stand(App())
    assert kept()["floor"] == "1.10.0"
    assert kept()["trial"] is None
    assert kept()["update"] == [VERSION, "good", None]
    slots(trial=1, floor="0.0.9", update=[VERSION, "trial", None])
    trial._stand(App())
    assert kept()["floor"] == "0.1.0"


def test_going_back():
    slots(trial=2, update=[VERSION, "trial", None])
    app = App()
    trial._go_back(app, "no reading of it was acked within 600 s")
    found = kept()
    assert (found["run"], found["a"], found["trial"]) == ("b", None, None)
    assert app.restarts == 1
    assert state.report() == {
        "version": VERSION,
        "state": "fell_back",
        "why": "no reading of it was acked within 600 s",
    }
    slots(trial=2, b=None, update=[VERSION, "trial", None])
    app = App()
    trial._go_back(app, "no reading of it was acked within 600 s")
    assert app.restarts == 0, "a version is better than none"
    assert kept()["run"] == "a"
    assert kept()["update"][1] == "good"


def test_what_is_given_up_is_told():
    slots()
    app = App()
    ask(app)
    loader = app.update
    loader._end("the gateway sends no pieces of it")
    assert loader.job is None
    assert state.report()["state"] == "refused"
    files.remove(PATH)
    assert state.report() is None
