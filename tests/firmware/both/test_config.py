"""The node's settings: a wrong field never stops the node."""

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


def test_names_that_cannot_stand_in_a_topic():
    for name in ("", "Praga", "a/b", "a+", "x" * 33, "ż"):
        assert len(changed(node=name).problems) == 1


def test_a_wrong_sensor_is_left_out_and_the_others_stay():
    good = GOOD["sensors"][0]
    config = changed(sensors=[good, {"slot": "B"}, {"slot": "b", "uart": "1", "tx": 1, "rx": 2}, 5])
    assert config.sensors == [good]
    assert len(config.problems) == 3


def test_broker_fields():
    config = changed(broker={"host": "h", "port": 70000, "colour": "red"})
    assert config.broker["port"] == 1883
    assert len(config.problems) == 2
    assert len(changed(broker=5).problems) == 2


def test_settings_from_afar():
    config = parse(GOOD)
    assert config.apply_remote({"v": 1, "version": 4, "settings": {"window_s": 5, "measure": False}})
    assert (config.version, config.window_s, config.measure) == (4, 5, False)
    assert config.apply_remote({"v": 1, "version": 5, "settings": {"node": "other", "window_s": -1}})
    assert (config.version, config.window_s, config.node) == (5, 5, "praga-1")
    assert len(config.problems) == 2
    assert not config.apply_remote({"v": 2})


def test_a_version_means_the_same_whatever_came_before():
    config = parse(dict(GOOD, window_s=30))
    assert config.apply_remote({"v": 1, "version": 4, "settings": {"window_s": 5, "measure": False}})
    assert config.apply_remote({"v": 1, "version": 5, "settings": {"sleep_s": 9}})
    assert (config.window_s, config.measure, config.sleep_s) == (30, True, 9)


def test_bad_settings_again_and_again_fill_no_memory():
    config = parse(GOOD)
    for version in (True, 0, -1, 1.0, 1 << 40, None):
        assert not config.apply_remote({"v": 1, "version": version, "settings": {}}), version
    for _ in range(100):
        config.apply_remote({"v": 1, "version": 4, "settings": {"x" * 500: "y" * 500}})
    assert sum([len(problem) for problem in config.problems]) < 2000


def test_what_would_kill_a_task_later_is_left_out():
    config = changed(
        ntp=["a.example", 5], wifi=[{"ssid": "a", "password": 5}, {"ssid": "b", "password": None}]
    )
    assert config.ntp == ["a.example"]
    assert config.wifi == [{"ssid": "b", "password": None}]
    assert len(config.problems) == 2
