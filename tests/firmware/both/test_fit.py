"""What becomes of "auto" entries, on a fake board and with a search that finds what the test says."""

from node import fit
from node.config import Config
from node.config_sensors import _default_sensors

I2C = {"slot": "b", "model": "auto", "i2c": 0, "sda": 21, "scl": 22}


class I2c:
    def writeto(self, address, data):
        pass


class Uart:
    def deinit(self):
        pass


class Switch:
    def value(self, level):
        pass


class Board:
    """Has no pins above 39, and says so as the chip does."""

    def __init__(self):
        self.uarts = []

    def open_switch(self, number):
        if number > 39:
            raise ValueError("invalid pin")
        return Switch()

    def open_i2c(self, number, sda, scl):
        return I2c()

    def open_uart(self, number, tx, rx, baud, rxbuf):
        self.uarts.append((number, tx, rx))
        return Uart()


class App:
    """As start.py makes it, as far as fit.py needs it."""

    def __init__(self, entries):
        self.board = Board()
        self.config = Config()
        self.config.sensors = entries
        self.sensors = []
        self.measurements = []
        self.unfound = []
        self.buses = {}
        self.climate = self.agree = self.odometer = self.rescue = None
        self.ran = []
        fit.start(self)

    def now(self):
        return 0

    def on_reading(self, reading):
        pass

    def run_sensor(self, sensor):
        self.ran.append(sensor.slot)

    def news(self):
        pass

    def search(self, **found):
        """One pass; `found`: what there is, by slot."""

        def once(name, function, board, entry, now, taken):
            async def find():
                there = found.get(entry["slot"], [])
                if isinstance(there, Exception):
                    raise there
                return there, "ok" if there else "silent", "as the test says"

            return find()

        kept = fit.use_once
        fit.use_once = once
        try:
            fit.probe(self).send(None)
        except StopIteration:
            pass
        finally:
            fit.use_once = kept
        return [(sensor.slot, sensor.driver.model) for sensor in self.sensors]


BME = {"model": "bme280", "address": 118}
PMSA = {"model": "pmsa003i", "address": 18}


def test_several_devices_on_one_bus_get_slots_named_after_the_entry():
    app = App([dict(I2C)])
    assert app.search(b=[BME, PMSA]) == [("b", "pmsa003i"), ("b2", "bme280")]
    assert app.climate.driver.model == "bme280"
    assert [one.driver.model for one in app.measurements] == ["pmsa003i"]
    assert app.measurements[0].climate is app.climate
    assert app.unfound == []
    assert app.config.problems == []


def test_where_nobody_said_what_is_fitted_an_empty_place_owes_no_readings():
    app = App(_default_sensors())
    assert app.search(b=[PMSA]) == [("b", "pmsa003i")]
    assert [entry["slot"] for entry in app.unfound] == ["a"]  # searched again
    assert app.search(a=[{"model": "sds011"}]) == [("b", "pmsa003i"), ("a", "sds011")]
    assert app.agree is not None
    assert app.unfound == []


def test_where_nothing_is_found_one_slot_says_so_until_something_is():
    app = App(_default_sensors())
    assert app.search() == [("a", "auto")]
    # What is seen at each place, and that none was found.
    assert [problem[:8] for problem in app.config.problems] == ["sensor a", "sensor b", "sensors:"]
    assert app.measurements[0].state == "not_found"
    assert app.search() == [("a", "auto")]
    assert len(app.config.problems) == 3
    assert app.search(b=[PMSA]) == [("b", "pmsa003i")]  # the guess is over


def test_what_has_an_entry_of_its_own_is_not_fitted_twice():
    app = App([{"slot": "a", "model": "pmsa003i", "i2c": 0, "sda": 21, "scl": 22}, dict(I2C)])
    assert app.search(b=[PMSA, BME]) == [("a", "pmsa003i"), ("b", "bme280")]


def test_a_climate_sensor_found_first_does_not_end_the_search_for_the_particle_sensor():
    app = App([dict(I2C)])
    assert app.search() == [("b", "auto")]
    assert app.search(b=[BME]) == [("b", "auto"), ("b2", "bme280")]
    assert [entry["slot"] for entry in app.unfound] == ["b"]
    assert app.search(b=[BME, PMSA]) == [("b", "pmsa003i"), ("b2", "bme280")]
    assert app.unfound == []


def test_an_entry_that_was_asked_for_makes_readings_that_say_so():
    app = App([dict(I2C)])
    assert app.search() == [("b", "auto")]
    assert app.ran == ["b"]
    assert len(app.config.problems) == 1
    assert app.search(b=[PMSA]) == [("b", "pmsa003i")]
    assert app.ran == ["b"]  # the same slot goes on


def test_wires_that_were_found_exchanged_are_used_exchanged():
    app = App(_default_sensors())
    app.search(a=[{"model": "sds011", "tx": 32, "rx": 33}])
    assert app.board.uarts == [(1, 32, 33)]


def test_a_climate_sensor_alone():
    app = App([dict(I2C)])
    assert app.search(b=[BME]) == [("b", "bme280")]
    assert "a climate sensor alone" in app.config.problems[0]


def test_a_second_climate_sensor_is_not_used():
    app = App([dict(I2C)])
    app.search(b=[PMSA, BME, {"model": "sht4x", "address": 68}])
    assert [sensor.driver.model for sensor in app.sensors] == ["pmsa003i", "bme280"]
    assert "second climate sensor" in app.config.problems[0]


UART = {"slot": "a", "model": "auto", "uart": 1, "tx": 33, "rx": 32}


def test_a_switch_that_cannot_be_opened_leaves_its_entry_out_and_the_others_in():
    for model in ("auto", "sds011"):
        app = App([dict(UART, model=model, power=48), dict(I2C, power=25)])
        assert app.config.problems == ["sensor a: cannot be opened: invalid pin"]
        assert app.sensors == []
        assert app.search(b=[PMSA]) == [("b", "pmsa003i")]
        assert app.unfound == []


def test_a_place_that_cannot_be_searched_does_not_end_the_search():
    for error in (ValueError("invalid pin"), OSError(19)):
        app = App([dict(UART), dict(I2C)])
        assert app.search(a=error, b=[PMSA]) == [("a", "auto"), ("b", "pmsa003i")]
        assert app.sensors[0].state == "not_found"
        assert app.config.problems == [f"sensor a: cannot be opened: {error}"]
        assert app.search(a=[{"model": "sds011"}]) == [("a", "sds011"), ("b", "pmsa003i")]
