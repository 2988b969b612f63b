"""What a start survives, on a fake board."""

from node import start
from node.config_file import parse


class Dog:
    pass


class Board:
    """Refuses its pins as the chip does with one that it has not."""

    def open_watchdog(self, seconds):
        return Dog()

    def open_led(self, number):
        raise ValueError("invalid pin")


class App:
    def __init__(self, **settings):
        self.config = parse(dict({"node": "a", "broker": {"host": "h"}}, **settings))


def test_an_led_that_cannot_be_opened_keeps_no_node_from_starting():
    app = App(led=25)
    start._guard(app, Board())
    assert app.led is None
    assert app.config.problems == ["led: pin 25 cannot be opened: invalid pin"]
    assert isinstance(app.dog, Dog)
