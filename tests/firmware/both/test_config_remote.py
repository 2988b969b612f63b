"""Settings from afar: their trial over restarts, crashes and power cuts, and how the node takes them back."""

import json

from node import config_remote, config_start, config_trial, files
from node.config_file import parse

PATH = "test_config_remote.json"
config_remote._FILE = PATH
config_trial.use_once = lambda _, function, app: getattr(config_remote, function)(app)


class Up:
    up = False

    def is_set(self):
        return self.up


class App:
    """What config_remote.py knows of one. begin() finds it without an outbox."""

    def __init__(self, reset="power", slept=(), **settings):
        raw = {"node": "praga-1", "broker": {"host": "h"}, "sensors": "auto", "window_s": 30}
        raw.update(settings)
        self.config = parse(raw)
        self.reset = reset
        self.safe = None
        self.counters = {"flash_errors": 0, "batches": 0}
        self.told = self.watched = 0
        self.link = self.sender = self
        self.dozing = False
        self.slept = dict(slept)
        self.depth = 1
        self.up = Up()

    def now(self):
        return 3600000

    def news(self):
        self.told += 1

    def values(self):
        return self.config.version, self.config.window_s, self.config.sleep_s


def watch(app):
    app.watched += 1


config_remote._watch = watch


def teardown_module():
    files.remove(PATH)


def fresh(**settings):
    files.remove(PATH)
    return start("power", **settings)


def start(reset="power", **settings):
    """The node starts."""
    app = App(reset, **settings)
    config_start._begin(app)
    app.outbox = app
    return app


def wake(seconds, miss=0, skip=0, **settings):
    """It wakes from a deep sleep, after `miss` tries in vain and not to try in the next `skip` wakes."""
    return start("deepsleep", slept={"up": 3600000 - seconds * 1000, "miss": miss, "skip": skip}, **settings)


def hear(app):
    """The gateway acks a new batch."""
    app.counters["batches"] += 1
    config_trial.reached(app)


def message(version, **settings):
    return {"v": 1, "version": version, "settings": settings}


def take(app, version, **settings):
    config_remote.take(app, message(version, **settings))


def stood(app):
    """Let the trial end with acks of the gateway."""
    config_remote.tick(app, 300)
    hear(app)
    config_remote.tick(app, 300)
    assert app.config.trial is None


def test_settings_from_afar():
    app = fresh()
    take(app, 4, window_s=5, measure=False)
    assert (app.config.version, app.config.window_s, app.config.measure) == (4, 5, False)
    assert (app.told, app.watched) == (1, 1)
    take(app, 5, node="other", window_s=-1, broker={"host": "elsewhere"})
    assert app.values() == (5, 30, 0)
    assert (app.config.node, app.config.broker["host"]) == ("praga-1", "h")
    assert len(app.config.problems) == 3
    assert app.watched == 1  # the task of the first goes on


def test_a_version_means_the_same_whatever_came_before():
    app = fresh()
    take(app, 4, window_s=5, measure=False)
    take(app, 5, sleep_s=9)
    assert app.values() == (5, 30, 9)
    assert app.config.measure is True


def test_what_may_be_set_is_what_the_contract_says():
    app = fresh()
    highest = {name: True if bounds is None else bounds[1] for name, bounds in config_remote.REMOTE.items()}
    config_remote.take(app, message(1, **highest))
    assert app.config.problems == []
    assert app.config.backlog_per_min == 6000


def test_a_malformed_message_is_counted_and_changes_nothing():
    app = fresh()
    for version in (True, 0, -1, 1.0, 1 << 40, None):
        take(app, version, window_s=5)
    for wrong in ({}, {"v": 1, "version": 3}, {"v": 2, "version": 3, "settings": {}}):
        config_remote.take(app, wrong)
    assert app.values() == (0, 30, 0)
    assert app.counters["bad_messages"] == 9
    assert (app.told, app.watched, app.config.trial) == (0, 0, None)
    assert len(app.config.problems) == 1


def test_bad_settings_again_and_again_fill_no_memory():
    app = fresh()
    for version in range(1, 100):
        config_remote.take(app, {"v": 1, "version": version, "settings": {"x" * 500: "y" * 500}})
    assert sum([len(problem) for problem in app.config.problems]) < 2000
    assert len(files.read(PATH)) < 200


def test_kept_over_a_restart_once_the_gateway_was_heard():
    app = fresh()
    take(app, 4, window_s=5)
    stood(app)
    app = start()
    assert app.values() == (4, 5, 0)
    assert (app.config.trial, app.watched) == (None, 0)
    # The same message comes again at each connection.
    take(app, 4, window_s=5)
    assert (app.config.trial, app.told) == (None, 0)


def test_without_a_word_of_the_gateway_they_are_taken_back():
    app = fresh()
    take(app, 4, window_s=5)
    stood(app)
    take(app, 7, window_s=6, sleep_s=60)
    for _ in range(10):
        assert app.values() == (7, 6, 60)
        config_remote.tick(app, 60)
    assert app.values() == (4, 5, 0)
    assert app.config.rejected == 7
    assert "version 7 is taken back" in app.config.problems[-1]
    told = app.told
    take(app, 7, window_s=6, sleep_s=60)  # retained: it comes again
    assert (app.values(), app.told) == ((4, 5, 0), told)
    app = start()  # also after a restart
    take(app, 7, window_s=6, sleep_s=60)
    assert app.values() == (4, 5, 0)
    assert app.config.rejected == 7
    take(app, 8, window_s=7)
    assert app.values() == (8, 7, 0)
    assert app.config.rejected == 0


def test_back_to_the_file_when_nothing_was_set_before():
    app = fresh()
    take(app, 1, window_s=5)
    config_remote.tick(app, 600)
    assert app.values() == (0, 30, 0)
    assert start().config.rejected == 1


def test_the_time_of_a_trial_counts_over_restarts():
    app = fresh()
    take(app, 1, window_s=5)
    config_remote.tick(app, 300)
    app = start()
    assert app.values() == (1, 5, 0)
    assert app.watched == 1
    config_remote.tick(app, 240)
    assert app.values() == (1, 5, 0)
    config_remote.tick(app, 60)
    assert app.values() == (0, 30, 0)
    assert app.config.rejected == 1


def test_a_new_version_within_a_trial_has_a_trial_of_its_own():
    app = fresh()
    take(app, 3, window_s=5)
    stood(app)
    take(app, 4, window_s=6)
    config_remote.tick(app, 540)
    take(app, 5, window_s=7)
    config_remote.tick(app, 540)
    assert app.values() == (5, 7, 0)
    config_remote.tick(app, 60)
    # Back to what has stood its trial, not to what never did.
    assert app.values() == (3, 5, 0)


def test_power_cuts_in_a_trial():
    app = fresh()
    take(app, 1, window_s=5)
    assert start().values() == (1, 5, 0)
    assert start().values() == (1, 5, 0)
    assert start().values() == (0, 30, 0)
    # With the gateway heard somebody is working at the plug, or the supply is too weak for these settings.
    app = fresh()
    take(app, 1, window_s=5)
    hear(app)
    for _ in range(5):
        assert start().values() == (1, 5, 0)
    app = start()
    assert app.values() == (0, 30, 0)
    assert app.config.problems[-1].endswith("is taken back, the node started again and again; 0 is in force")


def test_only_an_ack_of_what_was_sent_with_the_settings_counts():
    app = fresh()
    app.counters["batches"] = 7  # the last one has no answer yet
    take(app, 1, window_s=5)
    config_remote.tick(app, 540)
    config_trial.reached(app)
    config_remote.tick(app, 60)
    assert app.values() == (0, 30, 0)


def test_contact_that_is_lost_within_the_trial():
    app = fresh()
    take(app, 1, window_s=5)
    config_remote.tick(app, 240)
    hear(app)
    config_remote.tick(app, 540)  # a reading may be under way: as long again
    assert app.values() == (1, 5, 0)
    config_remote.tick(app, 360)
    config_remote.tick(app, 60)
    assert app.values() == (0, 30, 0)
    assert "the gateway was not reached within 1200 s" in app.config.problems[-1]
    # One that comes in this time is in time.
    app = fresh()
    take(app, 1, window_s=5)
    hear(app)
    config_remote.tick(app, 660)
    app = start()  # over a restart, too
    hear(app)
    config_remote.tick(app, 60)
    assert (app.values(), app.config.trial) == ((1, 5, 0), None)


def test_crashes_in_a_trial():
    for reset in ("hard", "watchdog", "soft"):
        app = fresh()
        take(app, 1, window_s=5)
        hear(app)  # it reaches the gateway and crashes all the same
        assert start(reset).values() == (1, 5, 0)
        app = start(reset)
        assert app.values() == (0, 30, 0)
        assert app.config.rejected == 1
    # A restart that was asked for is no crash, nor does it count as a start; not even one asked for twice.
    app = fresh()
    take(app, 1, window_s=5)
    for _ in range(7):
        config_remote.asked(app)
        config_remote.asked(app)
        config_remote.asked(app)
        app = start("hard")
        assert (app.values(), app.config.problems) == ((1, 5, 0), [])


def test_a_trial_over_deep_sleeps_needs_two_tries_and_no_more():
    app = fresh()
    take(app, 1, window_s=5)
    # An hour each: the time is over with the first, and nothing was tried yet.
    assert wake(3600).values() == (1, 5, 0)
    assert wake(3600, miss=1).values() == (1, 5, 0)
    app = wake(3600, miss=2, skip=1)
    assert app.values() == (0, 30, 0)
    assert "the gateway was not reached in 2 tries" in app.config.problems[-1]
    assert app.config.rejected == 1


def test_a_wake_that_does_not_try_is_no_try():
    app = fresh()
    take(app, 1, window_s=5)  # in a wake that missed the gateway, as did those before it
    assert wake(3600, miss=3, skip=2).values() == (1, 5, 0)
    assert wake(3600, miss=3, skip=1).values() == (1, 5, 0)
    assert wake(3600, miss=3).values() == (1, 5, 0)
    assert wake(3600, miss=4).values() == (1, 5, 0)
    assert wake(3600, miss=5).values() == (0, 30, 0)


def test_a_trial_over_deep_sleeps_is_stood():
    app = fresh()
    take(app, 1, window_s=5)
    app = wake(3600)
    app.dozing = True  # it measures first: time in which nothing can be heard
    config_remote.tick(app, 3600)
    app.dozing = False
    config_remote.tick(app, 60)
    assert app.values() == (1, 5, 0)
    app = wake(3600)  # the wake before has sent all that it had
    assert (app.values(), app.config.trial) == ((1, 5, 0), None)
    # Short sleeps: it lasts its time.
    app = fresh()
    take(app, 1, window_s=5)
    wakes = 0
    while app.config.trial and wakes < 100:
        hear(app)
        app = wake(60)
        wakes += 1
    assert (wakes, app.config.version) == (10, 1)
    assert start().values() == (1, 5, 0)


def test_a_node_that_sleeps_and_then_stays_awake_ends_its_trial():
    app = fresh()
    take(app, 1, window_s=5)
    app = wake(3600)
    for _ in range(10):
        assert app.values() == (1, 5, 0)
        config_remote.tick(app, 60)
    assert app.values() == (0, 30, 0)


def test_with_nothing_to_send_the_broker_is_enough():
    app = fresh()
    take(app, 1, measure=False)
    app.depth = 0
    app.up.up = True
    config_remote.tick(app, 600)
    assert (app.config.version, app.config.measure, app.config.trial) == (1, False, None)
    assert start().config.measure is False


def test_a_damaged_file_stops_nothing():
    for raw in (b"", b"[", b"[1]", b"5", b'["a",{},0,{},0,null]', b"[1,{},0,{},0,[1]]", b'{"version":2}'):
        files.write(PATH, raw)
        app = start()
        assert app.values() == (0, 30, 0), raw
        assert len(app.config.problems) == 1
        take(app, 3, window_s=5)
        assert app.values() == (3, 5, 0)
    # As versions up to 0.1.0 wrote it.
    files.write(PATH, json.dumps(message(2, window_s=9)).encode())
    assert start().values() == (2, 9, 0)


def test_a_flash_that_cannot_be_written():
    app = fresh()
    take(app, 3, window_s=5)
    stood(app)
    write = files.write

    def fail(_path, _data):
        raise OSError(28)

    files.write = fail
    try:
        take(app, 4, window_s=6)
        assert app.values() == (4, 6, 0)
        hear(app)
        assert app.counters["flash_errors"] > 0
        config_remote.tick(app, 1)
        app.config.trial[3] = 0
        config_remote.tick(app, 600)
        assert app.values() == (3, 5, 0)
    finally:
        files.write = write


def test_in_safe_mode_the_restart_that_follows_is_no_crash():
    app = fresh()
    app.safe = "3 crashes in a row"
    take(app, 1, window_s=5)
    for _ in range(2):
        assert start("hard").values() == (1, 5, 0)
    assert start("hard").values() == (0, 30, 0)
