"""Times of readings that were born without one, over restarts, deep sleep and a flash that takes nothing."""

from array import array

from node import epochs, files, sender_batch
from node.clock import Clock

PATH = "test_epochs.json"
FILE, epochs._FILE = epochs._FILE, PATH
Y2000 = 946684800000
NOW = 1764000000000


class Chip:
    """A board under power: its clock begins in 2000, and its memory is empty. `true` is the right time,
    `ticks` what uptime is counted by, which nobody sets. In ms."""

    def __init__(self):
        self.true = NOW
        self.ticks = 0
        self.rtc = Y2000
        self.memory = b""

    def rtc_ms(self):
        return self.rtc

    def rtc_set(self, ms):
        self.rtc = ms

    def rtc_memory(self, data=None):
        if data is not None:
            self.memory = data
        return self.memory

    def wait(self, seconds, slow=0):
        """Time passes; the chip's clock falls behind by `slow` parts in 1000, as it may in a deep sleep."""
        self.true += seconds * 1000
        self.rtc += seconds * (1000 - slow)
        self.ticks += seconds * (1000 - slow)


class App:
    """A start of the node. `waiting`: boots of which the outbox holds readings."""

    def __init__(self, chip, boot, waiting=(), up=0):
        self.board = chip
        self.began = chip.ticks - up * 1000
        self.clock = Clock(self.now)
        self.outbox = self
        self.boot = boot
        self.index = array("I")
        for number in waiting:
            self.index.extend(array("I", (number, 0, 0, 1, 1, 99)))
        epochs.begin(self)

    def now(self):
        return self.board.ticks - self.began

    def holds(self, at, boot):
        return self.index[at] == boot

    def sync(self):
        self.clock.sync(self.board.true, self.now())
        epochs.synced(self, self.board.true, self.now())

    def stamp(self, boot, up):
        kept = sender_batch.use_once
        sender_batch.use_once = lambda _, function, *arguments: getattr(epochs, function)(*arguments)
        try:
            return sender_batch.stamp_of(self.clock, boot)(up)
        finally:
            sender_batch.use_once = kept


class Full:
    """A flash that takes nothing, while this holds."""

    def __enter__(self):
        self.write = files.write
        files.write = self.fail

    def fail(self, _path, _data):
        raise OSError(28)

    def __exit__(self, *_):
        files.write = self.write


def teardown_module():
    files.remove(PATH)
    epochs._FILE = FILE


def fresh():
    files.remove(PATH)
    return Chip()


def test_all_boots_of_a_session_get_their_times_from_its_first_sync():
    chip = fresh()
    App(chip, 1)
    chip.wait(100)
    App(chip, 2, (1,))
    chip.wait(100)
    app = App(chip, 3, (1, 2))
    assert app.stamp(1, 50) == (None, "none")
    chip.wait(10)
    app.sync()
    assert app.stamp(1, 50) == (NOW // 1000 + 50, "back")
    assert app.stamp(2, 50) == (NOW // 1000 + 150, "back")
    assert app.stamp(3, 5) == (NOW // 1000 + 205, "back")
    cut = App(Chip(), 4, (1, 2, 3))
    assert cut.stamp(1, 50) == (NOW // 1000 + 50, "back"), "it outlives a power cut"
    assert cut.stamp(4, 50) == (None, "none")


def test_a_first_sync_with_a_full_disk_tells_every_time_all_the_same():
    """At once, after the next sync, and after a restart between them."""
    chip = fresh()
    App(chip, 1)
    chip.wait(100)
    app = App(chip, 2, (1,))
    with Full():
        app.sync()
        right = (NOW // 1000 + 50, "back")
        assert app.stamp(1, 50) == right
        chip.wait(3600)
        app.sync()
        assert app.stamp(1, 50) == right
        chip.wait(60)
        app = App(chip, 3, (1, 2))
        assert app.stamp(1, 50) == right
        assert app.stamp(2, 50) == (NOW // 1000 + 150, "back")
        app.sync()
        assert app.stamp(1, 50) == right
    chip.wait(3600)
    app.sync()
    assert App(Chip(), 4, (1, 2, 3)).stamp(1, 50) == right, "it is in flash at last"


def test_starts_with_a_full_disk_are_not_forgotten():
    chip = fresh()
    with Full():
        App(chip, 1)
        chip.wait(100)
        app = App(chip, 2, (1,))
        app.sync()
        assert app.stamp(1, 50) == (NOW // 1000 + 50, "back")
        chip.wait(60)
        app = App(chip, 3, (1, 2))
        assert app.stamp(1, 50) == (NOW // 1000 + 50, "back")
        assert app.stamp(2, 50) == (NOW // 1000 + 150, "back")
    app.sync()
    cut = App(Chip(), 4, (1, 2, 3))
    assert cut.stamp(1, 50) == (NOW // 1000 + 50, "back")
    assert cut.stamp(2, 50) == (NOW // 1000 + 150, "back")


def test_a_reset_between_setting_the_clock_and_keeping_that_makes_no_wrong_time():
    chip = fresh()
    App(chip, 1)
    chip.wait(100)
    chip.rtc_set(chip.true)
    app = App(chip, 2, (1,))
    app.sync()
    assert app.stamp(1, 50) == (None, "none")
    assert app.stamp(2, 5) == (NOW // 1000 + 105, "back")


def test_a_boot_that_sleeps_keeps_the_times_it_gave():
    """The chip's clock is 1 % slow in each sleep, and set right in each wake. Nothing is written to flash."""
    chip = fresh()
    app = App(chip, 1)
    chip.wait(100)
    app.sync()
    first = app.stamp(1, 50)
    assert first == (NOW // 1000 + 50, "back")
    written = files.read(PATH)
    up = 100
    with Full():
        for _ in range(100):
            app.clock.birth(up, "a")
            epochs.freeze(app)
            chip.wait(1000, slow=10)
            up += 990
            app = App(chip, 1, (1,), up)
            assert app.clock.birth(up, "a")[0] < chip.true // 1000
            app.sync()
            assert app.stamp(1, 50) == first
    assert files.read(PATH) == written
    App(chip, 2, (1,))
    cut = App(Chip(), 3, (1, 2))
    assert cut.stamp(1, 50) == first


def test_many_boots_without_a_time_get_theirs():
    """Those whose time nobody can know, and those that always knew it, take no room from them."""
    chip = fresh()
    for boot in range(1, 100):
        App(Chip(), boot, range(1, boot))
    for boot in range(100, 160):
        App(chip, boot, range(1, boot))
        chip.wait(100)
    app = App(chip, 160, range(1, 160))
    app.sync()
    for boot in range(161, 200):
        chip.wait(100)
        app = App(chip, boot, range(1, boot))
    assert app.stamp(100, 50) == (NOW // 1000 + 50, "back")
    assert app.stamp(159, 50) == (NOW // 1000 + 5950, "back")
    assert app.stamp(99, 50) == (None, "none")


def test_a_damaged_file_stops_nothing():
    for raw in (b"", b"{", b"5", b"{}", b'"abcd"', b"[[1, 1, 5, null]]", b"[1, 1, 5]", b"[1, 1, null, 5]"):
        chip = fresh()
        files.write(PATH, raw)
        app = App(chip, 2, (1,))
        app.sync()
        assert app.stamp(1, 50) == (None, "none"), raw
