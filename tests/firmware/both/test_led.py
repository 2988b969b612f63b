"""The LED's patterns, and which of them tells a state."""

from node.config_file import parse
from node.led import light


class Event:
    def __init__(self, on):
        self.on = on

    def is_set(self):
        return self.on


class Thing:
    pass


def node(joined=True, up=True, running=True, safe=None, blink_until=0, states=("ok",)):
    app = Thing()
    app.link = Thing()
    app.link.joined = Event(joined)
    app.link.up = Event(up)
    app.running = running
    app.safe = safe
    app.blink_until = blink_until
    app.sensors = []
    for state in states:
        sensor = Thing()
        sensor.state = state
        app.sensors.append(sensor)
    return app


def pattern(app, start=8000):
    """What somebody sees in 4 s, a letter for each quarter of a second."""
    return "".join(["#" if light(app, start + ms) else "." for ms in range(0, 4000, 250)])


def test_each_state_has_a_pattern_of_its_own():
    assert pattern(node(running=False, joined=False, up=False)) == "################"
    assert pattern(node()) == "#..............."
    assert pattern(node(joined=False, up=False)) == "#.#............."
    assert pattern(node(up=False)) == "#.#.#..........."
    assert pattern(node(states=("ok", "silent"))) == "#.#.#.#........."
    assert pattern(node(blink_until=60000)) == "#.#.#.#.#.#.#.#."
    assert pattern(node(safe="3 crashes in a row")) == "########........"


def test_what_is_most_important_is_told_first():
    assert pattern(node(safe="x", joined=False, up=False)) == "########........"
    assert pattern(node(safe="x", blink_until=60000)) == "#.#.#.#.#.#.#.#."
    assert pattern(node(joined=False, up=False, states=("silent",))) == "#.#............."


def test_a_sensor_that_rests_or_warms_up_is_well():
    assert pattern(node(states=("asleep", "warming_up", "ok"))) == "#..............."
    for state in ("silent", "bus_stuck", "failed", "swapped", "wrong_speed", "not_found"):
        assert pattern(node(states=(state,))) == "#.#.#.#........."


def test_identify_ends_by_itself():
    app = node(blink_until=10000)
    assert light(app, 9500) == 1
    assert pattern(app, 12000) == "#..............."


def test_a_pattern_begins_anew_every_four_seconds():
    app = node(up=False)
    assert pattern(app, 4000 * 250000) == pattern(app, 4000)  # after eleven days


BASE = {"node": "a", "broker": {"host": "b"}}
SENSOR = {"slot": "a", "model": "sds011", "uart": 1, "tx": 17, "rx": 2}


def led(**more):
    raw = dict(BASE)
    raw["sensors"] = [SENSOR]
    raw.update(more)
    config = parse(raw)
    return config.led, config.problems


def test_the_pin_is_the_boards_usual_one_unless_somebody_says_otherwise():
    plain = dict(SENSOR)
    plain["rx"] = 16
    assert led(sensors=[plain]) == (2, [])
    assert led(sensors=[plain], led=4) == (4, [])
    assert led(sensors=[plain], led=None) == (None, [])


def test_an_led_on_a_pin_that_is_taken_stays_off():
    number, problems = led(led=17)
    assert number is None
    assert problems == ["led: is pin 17, which a sensor has; the LED stays off"]
    for pin in (1, 6, 34):
        number, problems = led(led=pin)
        assert number is None
        assert len(problems) == 1
    assert led() == (None, [])  # nobody asked for the usual one


def test_what_is_no_pin_is_reported():
    for wish in ("x", 49, -1, 1.5, True):
        assert len(led(led=wish)[1]) == 1
