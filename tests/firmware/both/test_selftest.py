"""What a selftest finds, and that it says the same in both languages."""

import json

from node import (
    commands_do,
    selftest_en,
    selftest_en2,
    selftest_parts,
    selftest_pl,
    selftest_pl2,
    selftest_sensors,
)
from node.absent import Absent

WORDS = (selftest_en, selftest_en2, selftest_pl, selftest_pl2)


class Thing:
    """Attributes as given."""

    def __init__(self, **values):
        for name in values:
            setattr(self, name, values[name])


def sensor(state="ok", frames=500, model="sds011", rejects=(), faults=(), entry=None):
    driver = Thing(model=model, frames=frames, rejects=dict(rejects))
    return Thing(
        slot="a", state=state, driver=driver, faults=dict(faults), entry=entry or {"tx": 33, "rx": 32}
    )


def said(part):
    """(ok, English, Polish); fails when a sentence and what stands in it do not go together."""
    ok, number, what = part
    found = [("part", ok, number, what)]
    results = [{}]
    for words in WORDS:
        words.say(found, results)
    english, polish = results[0]["en"], results[0]["pl"]
    assert english != polish
    for text in (english, polish):
        assert len(text) < 400, text
        assert "%" not in text, text
        assert text.endswith((".", "sensors")) or ": " in text
    return ok, english, polish


def blanks(text):
    return [text[i : i + 2] for i in range(len(text)) if text[i] == "%"]


def test_what_is_no_sensor_is_mended_without_the_settings_file():
    """A volunteer reads it on the node's page, and has no other way to the settings than that page."""
    for words in (selftest_en2, selftest_pl2):
        assert [one for one in words.WORDS if "config.json" in one] == []


def test_both_languages_have_each_sentence_with_the_same_blanks():
    assert selftest_en.FIRST == selftest_pl.FIRST == 0
    assert selftest_en2.FIRST == selftest_pl2.FIRST == len(selftest_en.WORDS)
    for theirs, others in ((selftest_en, selftest_pl), (selftest_en2, selftest_pl2)):
        assert len(theirs.WORDS) == len(others.WORDS)
        for number, english in enumerate(theirs.WORDS):
            assert blanks(english) == blanks(others.WORDS[number]), english


def test_a_sensor_in_each_state():
    cases = [
        ("ok", 500, True, "works"),
        ("ok", 0, None, "answers again"),
        ("warming_up", 5, True, "warming up"),
        ("warming_up", 0, None, "just started"),
        ("asleep", 5, True, "sleeps"),
        ("silent", 0, False, "says nothing"),
        ("swapped", 0, False, "exchanged"),
        ("wrong_speed", 0, False, "cannot be read"),
        ("not_found", 0, False, "No sensor is found"),
        ("bus_stuck", 0, False, "SDA"),
        ("failed", 5, False, "reports a fault (laser)"),
    ]
    for state, frames, ok, word in cases:
        found = said(selftest_sensors._sensor(sensor(state, frames, faults={"laser": 3, "fan": 1})))
        assert found[0] is ok, state
        assert word in found[1], found


def test_damaged_messages_are_told_when_they_are_many():
    assert said(selftest_sensors._sensor(sensor(rejects={"checksum": 40})))[0] is True
    ok, english, _ = said(selftest_sensors._sensor(sensor(rejects={"checksum": 40, "tail": 20})))
    assert ok is False
    assert "60 of its messages came damaged (checksum)" in english
    assert (
        said(selftest_sensors._sensor(sensor(frames=30, rejects={"garbage": 10})))[0] is True
    )  # a start in the middle


def wiring(*sensors):
    return said(selftest_sensors._wiring(Thing(sensors=sensors)))


def test_wiring():
    assert wiring(sensor())[0] is True
    assert wiring(sensor("wrong_speed", 0))[0] is True
    assert wiring(sensor("warming_up", 0))[0] is None
    ok, english, _ = wiring(sensor(), sensor("swapped", 0))
    assert (ok, "33/32" in english) == (False, True)
    assert wiring(sensor("bus_stuck", 0, entry={"i2c": 0, "sda": 21, "scl": 22}))[0] is False
    assert wiring(sensor("silent", 0, entry={"pin": 4}))[0] is None
    assert wiring()[0] is None


def supply(reset="power", hours=1, born=((9, 40),)):
    app = Thing(now=lambda: hours * 3600000, reset=reset, outbox=Thing(born=born))
    return said(selftest_parts._supply(app))


def test_of_the_supply_only_what_repeats_is_a_hint():
    assert supply()[0] is None
    assert supply(hours=30)[0] is True
    assert supply("watchdog")[0] is None
    assert supply(born=[[9, 4], [8, 3], [7, 500]])[0] is None
    ok, english, _ = supply(born=[[9, 4], [8, 3], [7, 0], [6, 500]])
    assert ok is False
    assert "last 3 starts" in english
    assert supply("soft", born=[[9, 4], [8, 3], [7, 0], [6, 500]])[0] is None


def network(up=True, rssi=-55, broker=True, tls=False, host="h"):
    wifi = Thing(is_up=lambda: up, rssi=lambda: rssi)
    config = Thing(wifi=[{"ssid": "Zażółć"}], broker={"host": host, "tls": tls})
    return Thing(config=config, link=Thing(wifi=wifi, up=Thing(is_set=lambda: broker)))


def test_wifi_strength_in_words():
    for rssi, ok, word in (
        (-40, True, "strong"),
        (-60, True, "strong"),
        (-61, True, "good"),
        (-75, True, "weak"),
        (-81, False, "too weak"),
        (None, None, "cannot be known"),
    ):
        found = said(selftest_parts._wifi(network(rssi=rssi)))
        assert found[0] is ok
        assert word in found[1]
    ok, english, _ = said(selftest_parts._wifi(network(up=False)))
    assert ok is False
    assert "Zażółć" in english


def test_broker():
    assert "not encrypted" in said(selftest_parts._broker(network()))[1]
    assert "certificate was checked" in said(selftest_parts._broker(network(tls=True)))[1]
    assert said(selftest_parts._broker(network(broker=False)))[0] is False
    assert said(selftest_parts._broker(network(up=False, broker=False)))[0] is None
    assert said(selftest_parts._broker(network(host="")))[0] is False


def test_clock():
    def clock(offset, synced_at):
        app = Thing(now=lambda: 8 * 3600000, clock=Thing(offset=offset, synced_at=synced_at))
        return said(selftest_parts._clock(app))

    assert clock(None, None)[0] is False
    assert clock(5, None)[0] is None
    assert clock(5, 7 * 3600000)[0] is True
    ok, english, _ = clock(5, 3600000)
    assert (ok, "7 hours" in english) == (False, True)


def test_storage():
    def storage(depth=3, aside=0, thinned=0):
        return said(selftest_parts._storage(Thing(outbox=Thing(depth=depth, aside=aside, thinned=thinned))))

    ok, english, _ = storage()
    assert ok is True
    assert "3 readings wait" in english
    assert storage(aside=2)[0] is False
    assert storage(thinned=2)[0] is False
    path, selftest_parts._FILE = selftest_parts._FILE, "no/such/folder/file"
    try:
        assert storage()[0] is False
    finally:
        selftest_parts._FILE = path


class Room:
    async def __aenter__(self):
        pass

    async def __aexit__(self, *_):
        pass


class Port:
    """On a UART that cannot be opened again."""

    closed = False

    def close(self):
        self.closed = True


def refuse(*_):
    raise OSError("no UART")


def whole(*sensors):
    """An App whose every part is well, but for these sensors; `sent` takes its messages."""
    app = network()
    app.sent = []
    app.commands = 1

    async def publish(kind, payload):
        app.sent.append(json.loads(payload))

    app.link.publish = publish
    app.sensors = sensors
    app.config.problems = []
    app.reset = "power"
    app.now = lambda: 60000
    app.clock = Thing(offset=5, synced_at=0)
    app.outbox = Thing(born=[[1, 5]], depth=0, aside=0, thinned=0)
    app.board = Thing(open_uart=refuse)
    app._room = Room()
    return app


def reply_of(app):
    """The reply to a selftest."""
    try:
        commands_do.selftest(app, "a1").send(None)
    except StopIteration:
        assert [reply["id"] for reply in app.sent] == ["a1"]
        return app.sent[0]
    raise AssertionError("it waits for something")


def answered(app):
    """The results of a selftest by part, and whether all is well."""
    reply = reply_of(app)
    return {one["part"]: one for one in reply["results"]}, reply["ok"]


def missing(entry):
    absent = Absent()
    return Thing(slot="a", state="silent", driver=absent, port=absent, faults={}, entry=entry, diagnosed=None)


def test_a_sensor_that_is_still_to_be_found():
    for entry in (
        {"model": "auto", "uart": 1, "tx": 33, "rx": 32},
        {"model": "auto", "i2c": 0, "sda": 21, "scl": 22},
    ):
        one = missing(entry)
        found, ok = answered(whole(one))
        assert len(found) == 8
        assert "says nothing" in found["sensor_a"]["en"]
        assert ok is False
        assert isinstance(one.port, Absent)


def test_a_part_that_cannot_be_looked_at_is_told_and_the_others_are_looked_at():
    one = sensor("silent", 0, entry={"uart": 1, "tx": 33, "rx": 32})
    one.port = port = Port()
    one.diagnosed = None
    one.driver.baud = one.driver.rxbuf = 0

    app = whole(one)
    app.clock = None
    found, ok = answered(app)
    assert len(found) == 8
    assert ok is False
    assert one.port is port
    assert port.closed
    assert "no UART" in found["sensor_a"]["en"]
    for part in ("sensor_a", "clock"):
        assert found[part]["ok"] is False
        assert found[part]["en"].startswith("This part of the test itself failed (")
        assert found[part]["pl"].startswith("Ta część testu sama się nie powiodła (")
    for part in ("storage", "settings", "broker"):
        assert found[part]["ok"] is True, found


def test_a_test_that_fails_as_a_whole_is_answered_all_the_same():
    app = whole(sensor())
    app.sensors = None
    reply = reply_of(app)
    assert reply["ok"] is False
    assert reply["text"].startswith("the test itself failed: ")
