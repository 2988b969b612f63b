"""The watchdog's judgement of the tasks: who is stuck is found, who waits for good reason is left alone."""

from node import guard

DAY_S = 86400


class Event:
    def __init__(self):
        self.on = False

    def is_set(self):
        return self.on


class Thing:
    def __init__(self, **values):
        self.beat = 0
        for name in values:
            setattr(self, name, values[name])


class Lock:
    def __init__(self):
        self.taken = False

    def locked(self):
        return self.taken


class Node:
    """The parts of an App that guard.py looks at."""

    def __init__(self, sensors=2):
        self.config = Thing(watchdog_s=120, health_s=600, ntp_every_s=3600, ack_timeout_s=20, spread_s=60)
        self.link = Thing(up=Event(), joined=Event())
        self.timekeeper = Thing()
        self.sender = Thing()
        self.sensors = [Thing(slot="ab"[number]) for number in range(sensors)]
        self._room = Lock()
        self.beat = 0
        self.dozing = False
        self.lives = {}
        self.now = 0

    def parts(self):
        """(name, who beats, s between two of its beats when the network is there)"""
        found = [
            ("link", self.link, 2),
            ("clock", self.timekeeper, self.config.ntp_every_s),
            ("sender", self.sender, 1),
            ("health", self, self.config.health_s),
        ]
        return found + [("sensor " + sensor.slot, sensor, 1) for sensor in self.sensors]

    def live(self, seconds, dead=(), step=60):
        """Let time go on, with a look each `step` s. All tasks but the dead ones beat at their pace, those
        that need the network only with it. The first alarm, or None, and the seconds until then."""
        for passed in range(0, seconds, step):
            self.now += step * 1000
            up = self.link.up.on
            for name, who, pace in self.parts():
                waits = name in ("clock", "sender", "health") and not up
                if name not in dead and not waits and (pace <= step or self.now // 1000 % pace < step):
                    who.beat += 1
            text = guard.stuck(self, self.now)
            if text:
                return text, passed
        return None, seconds

    def connect(self, on=True):
        self.link.up.on = self.link.joined.on = on


def test_no_alarm_while_all_is_well():
    node = Node()
    node.connect()
    assert node.live(3 * DAY_S)[0] is None


def test_no_alarm_without_wifi_for_days_and_after_it_comes_back():
    node = Node()
    assert node.live(5 * DAY_S)[0] is None
    node.connect()
    assert node.live(DAY_S)[0] is None
    node.connect(False)
    assert node.live(DAY_S)[0] is None


def test_no_alarm_with_wifi_and_without_broker():
    node = Node()
    node.link.joined.on = True
    for _ in range(24 * 60):
        node.timekeeper.beat += 1
        assert node.live(60)[0] is None


def test_no_alarm_without_any_sensor():
    node = Node(0)
    node.connect()
    assert node.live(DAY_S)[0] is None


def test_no_alarm_for_slow_settings():
    node = Node()
    node.config.health_s = node.config.ntp_every_s = DAY_S
    node.config.ack_timeout_s = 600
    node.connect()
    assert node.live(10 * DAY_S)[0] is None


def test_each_task_that_hangs_is_found():
    for name, most_s in (
        ("link", 500),
        ("clock", 3600 + 900 + 120 + 3600),
        ("sender", 400),
        ("health", 900),
        ("sensor a", 240),
        ("sensor b", 240),
    ):
        node = Node()
        node.connect()
        assert node.live(DAY_S)[0] is None
        text, after = node.live(2 * DAY_S, dead=(name,))
        assert text is not None, name
        assert text.startswith("task " + name + " did nothing for "), text
        assert after <= most_s, (name, after)


def test_a_sensor_that_hangs_is_found_without_any_network():
    node = Node()
    assert node.live(DAY_S)[0] is None
    assert node.live(DAY_S, dead=("sensor b",))[0].startswith("task sensor b")


def test_waiting_for_the_room_is_no_hanging_but_holding_it_for_ever_is():
    everyone = ("link", "clock", "sender", "health", "sensor a", "sensor b")
    node = Node()
    node.connect()
    assert node.live(DAY_S)[0] is None
    node._room.taken = True  # somebody searches for a sensor
    assert node.live(600, dead=everyone)[0] is None
    node._room.taken = False
    assert node.live(DAY_S)[0] is None
    node._room.taken = True
    text, after = node.live(DAY_S, dead=everyone)
    assert text.startswith("task room did nothing for ")
    assert 900 <= after <= 1000


def test_a_link_that_is_held_back_is_no_hanging():
    node = Node()
    node.dozing = True
    assert node.live(DAY_S, dead=("link",))[0] is None
    node.dozing = False
    assert node.live(DAY_S, dead=("link",))[0].startswith("task link")


def test_time_that_a_task_waited_for_the_network_does_not_count_against_it():
    node = Node()
    assert node.live(DAY_S)[0] is None
    node.connect()
    text, after = node.live(DAY_S, dead=("sender",))
    assert text.startswith("task sender")
    assert after >= 180  # two waits for an ack, two for a PUBACK, and the watchdog's own time
