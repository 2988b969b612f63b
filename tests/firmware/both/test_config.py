"""The node's settings: a wrong field never stops the node."""

from node import config_sensors
from node.config_file import parse

GOOD = {
    "node": "praga-1",
    "wifi": [{"ssid": "Zażółć gęślą jaźń", "password": 'p"w\\'}],
    "broker": {"host": "broker.example", "port": 1883},
    "sensors": [{"slot": "a", "model": "sds011", "uart": 1, "tx": 17, "rx": 16}],
}


def changed(**values):
    raw = dict(GOOD)
    raw.update(values)
    return parse(raw)


def test_a_right_file_has_no_problems():
    config = parse(GOOD)
    assert config.problems == []
    assert config.broker["host"] == "broker.example"
    assert config.window_s == 60
    assert config.wifi[0]["password"] == 'p"w\\'


def test_wrong_fields_fall_back_and_are_reported():
    cases = [
        ("window_s", 0),
        ("window_s", True),
        ("window_s", "60"),
        ("warmup_s", 10**9),
        ("keepalive_s", 1.5),
        ("measure", 1),
        ("wifi", {"ssid": "x"}),
        ("unheard_of", 1),
        ("network", 5),
    ]
    for name, value in cases:
        config = changed(**{name: value})
        assert len(config.problems) == 1, (name, value, config.problems)
        assert config.problems[0].startswith(name)
        assert config.window_s == 60
        assert config.measure is True


def test_no_watchdog_is_quicker_than_what_blocks_a_sound_node():
    for seconds in (0, 60, 600):
        config = changed(watchdog_s=seconds)
        assert (config.watchdog_s, config.problems) == (seconds, [])
    for wrong in (1, 59, 601, False, None):
        config = changed(watchdog_s=wrong)
        assert config.watchdog_s == 120
        assert config.problems == [
            "watchdog_s: must be a whole number from 60 to 600, or 0; the default is used"
        ]
    assert changed(led=None).led is None
    assert changed(led=0, led_on=None).problems == [
        "led_on: must be a whole number from 0 to 1; the default is used"
    ]


def test_names_that_cannot_stand_in_a_topic():
    for name in ("", "Praga", "a/b", "a+", "x" * 33, "ż"):
        assert len(changed(node=name).problems) == 1


def test_a_wrong_sensor_is_left_out_and_the_others_stay():
    good = GOOD["sensors"][0]
    config = changed(sensors=[good, {"slot": "B"}, {"slot": "b", "uart": "1", "tx": 1, "rx": 2}, 5])
    assert config.sensors == [good]
    assert len(config.problems) == 3


UART = {"slot": "a", "model": "sds011", "uart": 1, "tx": 17, "rx": 16}
I2C = {"slot": "b", "model": "sps30", "i2c": 0, "sda": 21, "scl": 22}
PIN = {"slot": "m", "model": "dht22", "pin": 4}
BME = {"slot": "m", "model": "bme280", "i2c": 0, "sda": 21, "scl": 22, "address": 119}


def sensors_of(*entries):
    """(slots that stay, problems)"""
    config = changed(sensors=list(entries))
    return [entry["slot"] for entry in config.sensors], config.problems


def test_every_form_of_a_sensor():
    power = dict(UART, mode="query", power=25, power_on=0)
    second = {"slot": "c", "model": "pms5003", "uart": 2, "tx": 27, "rx": 26, "mode": "passive"}
    assert sensors_of(power, I2C, second, PIN) == (["a", "b", "c", "m"], [])
    assert sensors_of(UART, I2C, BME) == (["a", "b", "m"], [])  # two on one bus
    assert sensors_of(dict(UART, model="auto"), dict(I2C, model="auto")) == (["a", "b"], [])


def test_a_field_of_a_sensor_that_is_wrong_is_named():
    cases = [
        (dict(UART, slot="A"), "slot"),
        (dict(UART, model="sds012"), "none of the models"),
        (dict(UART, uart=0), "console"),
        (dict(UART, uart=True), "no uart"),
        (dict(UART, tx=1), "pin 1 for tx"),
        (dict(UART, rx=3), "pin 3 for rx"),
        (dict(UART, rx=7), "flash"),
        (dict(UART, tx=34), "only be an input"),
        (dict(UART, tx=24), "pin 24 for tx, which this chip does not have"),
        (dict(UART, model="auto", power=28), "pin 28 for power, which this chip does not have"),
        (dict(UART, rx="16"), "pin number for rx"),
        (dict(UART, rx=17), "one pin twice"),
        (dict(UART, mode="passive"), "mode"),
        (dict(UART, power=35), "only be an input"),
        (dict(UART, power=25, power_on=2), "power_on"),
        (dict(UART, address=5), "address"),
        (dict(UART, pin=4), "needs uart"),
        (dict(UART, model="bme280"), "needs i2c"),
        (dict(I2C, model="pms5003"), "needs uart"),
        (dict(I2C, address=1), "address from 8 to 119"),
        (dict(I2C, i2c=2), "no i2c"),
        ({"slot": "b", "model": "sps30"}, "needs uart or i2c"),
        (dict(PIN, model="auto"), "needs uart or i2c"),
        (dict(I2C, colour="red"), "colour"),
        (5, "slot"),
    ]
    good = {"slot": "z", "model": "pms5003", "uart": 2, "tx": 18, "rx": 19}
    for entry, word in cases:
        slots, problems = sensors_of(entry, good)
        assert slots == ["z"], (entry, slots)
        assert len(problems) == 1, (entry, problems)
        assert word in problems[0], (entry, problems)


def test_an_input_only_pin_can_receive():
    assert sensors_of(dict(UART, rx=34)) == (["a"], [])


def test_of_two_sensors_in_conflict_the_later_is_left_out():
    cases = [
        (dict(UART), "slot a"),
        (dict(UART, slot="b", tx=27, rx=26), "UART 1"),
        (dict(UART, slot="b", uart=2, tx=17, rx=26), "pin 17"),
        (dict(I2C, sda=16), "pin 16"),
        (dict(PIN, pin=17), "pin 17"),
    ]
    for entry, word in cases:
        slots, problems = sensors_of(UART, entry)
        assert slots == ["a"], entry
        assert len(problems) == 1, (entry, problems)
        assert word in problems[0], (entry, problems)
    for entry, word in (
        (dict(BME, sda=23), "other pins"),
        (dict(I2C, slot="m", sda=22, scl=21), "other pins"),
    ):
        slots, problems = sensors_of(I2C, entry)
        assert slots == ["b"]
        assert word in problems[0], problems
    search = dict(I2C, model="auto")
    assert sensors_of(search, dict(search, slot="c"))[0] == ["b"]
    same = dict(I2C, address=105)
    assert sensors_of(same, dict(same, slot="c"))[0] == ["b"]


def test_climate_sensors():
    slots, problems = sensors_of(UART, BME, dict(PIN, slot="n"))
    assert slots == ["a", "m"]
    assert "second climate sensor" in problems[0]
    slots, problems = sensors_of(BME)
    assert slots == ["m"]
    assert "a climate sensor alone" in problems[0]


def test_without_sensors_the_usual_pins_are_searched():
    for raw in ({}, {"sensors": "auto"}):
        config = parse(dict(GOOD, **raw) if raw else {k: GOOD[k] for k in GOOD if k != "sensors"})
        assert config.problems == []
        assert [entry["model"] for entry in config.sensors] == ["auto", "auto"]
        assert [entry["slot"] for entry in config.sensors] == ["a", "b"]
        assert config.sensors[0]["uart"] == 1
        assert config.sensors[1]["i2c"] == 0
        # What the node looks for by itself has to be right by its own rules.
        assert config_sensors._wrong({k: v for k, v in config.sensors[0].items() if k != "maybe"}) is None
        assert config_sensors._conflict(config.sensors[1], config.sensors[:1]) is None
    config = changed(sensors={"slot": "a"})
    assert len(config.problems) == 1
    assert len(config.sensors) == 2
    assert len(changed(sensors=[]).problems) == 1


class Says:
    """In place of sys: the chip that MicroPython runs on."""

    def __init__(self, name):
        self.implementation = self
        self._machine = name


def test_each_chip_has_pins_of_its_own():
    kept = config_sensors.sys
    try:
        for name, tx, sda in (
            ("Generic ESP32 module with ESP32", 33, 21),
            ("Generic ESP32 module with SPIRAM with ESP32", 33, 21),
            ("Generic ESP32S3 module with ESP32S3", 18, 8),
            ("ESP32C3 module with ESP32C3", 5, 6),
        ):
            config_sensors.sys = Says(name)
            uart, i2c = config_sensors._default_sensors()
            assert (uart["tx"], i2c["sda"]) == (tx, sda), name
            for entry in (uart, i2c):
                entry.pop("maybe")
                assert config_sensors._wrong(entry) is None
        config_sensors.sys = Says("Generic ESP32S3 module with ESP32S3")
        assert "console" in config_sensors._wrong(dict(UART, tx=43))
        assert config_sensors._wrong(dict(UART, tx=1, rx=2)) is None
    finally:
        config_sensors.sys = kept


def test_an_led_where_the_chip_has_no_pin_stays_off():
    for wish in (24, 28, 40):
        config = changed(led=wish)
        assert config.led is None
        assert config.problems == [f"led: is pin {wish}, which this chip does not have; the LED stays off"]
    assert changed(led=25).led == 25
    # As when the settings of one board are copied to another.
    kept = config_sensors.sys
    try:
        for name, there, absent in (("ESP32C3", 10, 22), ("ESP32S3", 21, 25)):
            config_sensors.sys = Says(f"module with {name}")
            assert config_sensors.led(there, []) == (there, None)
            number, wrong = config_sensors.led(absent, [])
            assert number is None
            assert "this chip does not have" in wrong
    finally:
        config_sensors.sys = kept


def test_nothing_goes_unencrypted_by_a_slip():
    wanted = {"host": "h", "user": "praga-1", "password": "hush"}
    slips = (
        ({"ca": "ca.der"}, {}, "ca"),
        ({"key": "own.key"}, {}, "key"),
        ({"TLS": True}, {}, "TLS"),
        ({"tsl": True}, {}, "tsl"),
        ({"port": 8883}, {}, "port"),
        ({}, {"tls": True}, "tls"),
        ({}, {"Ca": "ca.der"}, "Ca"),
    )
    for inside, beside, hint in slips:
        config = changed(broker=dict(wanted, **inside), **beside)
        assert config.broker["tls"] is True, hint
        assert config.broker["port"] == 8883, hint
        assert (
            f"broker.tls: is missing, but {hint} is there: it counts as true; say false if not"
            in config.problems
        )
        # Who says false means it.
        config = changed(broker=dict(wanted, tls=False, **inside), **beside)
        assert config.broker["tls"] is False, hint
        assert not any("broker.tls" in each for each in config.problems), hint
    for plain in ({}, {"port": 1884}, {"ca": None, "cert": None}):
        config = changed(broker=dict(wanted, **plain))
        assert config.broker["tls"] is False
        assert config.problems == []
    assert changed(broker=dict(wanted, ca="ca.der", port=1884)).broker["port"] == 1884


def test_broker_fields():
    config = changed(broker={"host": "h", "tls": False, "port": 70000, "colour": "red"})
    assert config.broker["port"] == 1883
    assert len(config.problems) == 2
    assert len(changed(broker=5).problems) == 2


def test_what_would_kill_a_task_later_is_left_out():
    config = changed(
        ntp=["a.example", 5], wifi=[{"ssid": "a", "password": 5}, {"ssid": "b", "password": None}]
    )
    assert config.ntp == ["a.example"]
    assert config.wifi == [{"ssid": "b", "password": None}]
    assert len(config.problems) == 2
