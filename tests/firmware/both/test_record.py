"""Readings as bytes and as JSON."""

import json

from node import record

READING = {
    "slot": "a",
    "model": "sds011",
    "up": 130,
    "dt": 60,
    "n": 58,
    "pm25": 9.7,
    "pm10": 20.0,
    "pm25_sd": 0.05,
    "temp": -0.05,
    "flags": [],
}


def no_stamp(up):
    raise AssertionError("a reading that has its time is not stamped")


def changed(**values):
    reading = dict(READING)
    reading.update(values)
    return reading


def test_every_value_comes_back():
    text = record.to_json(record.encode(7, 1763900000, "ntp", READING), no_stamp)
    back = json.loads(text)
    assert back.pop("seq") == 7
    assert back.pop("t") == 1763900000
    assert back.pop("tq") == "ntp"
    assert back == READING


def test_decimals_are_exact_in_the_text():
    text = record.to_json(record.encode(1, 1, "ntp", READING), no_stamp)
    assert '"pm25":9.7,' in text
    assert '"pm10":20.0,' in text
    assert '"pm25_sd":0.05,' in text
    assert '"temp":-0.05,' in text


def test_zero_is_a_value_and_a_missing_one_is_left_out():
    back = json.loads(record.to_json(record.encode(1, 1, "ntp", changed(pm25=0, pm10=None)), no_stamp))
    assert back["pm25"] == 0
    assert "pm10" not in back


def test_flags_and_an_unknown_model():
    reading = changed(model="abc-9", flags=["device_error", "no_frame"])
    back = json.loads(record.to_json(record.encode(1, 1, "held", reading), no_stamp))
    assert sorted(back["flags"]) == ["device_error", "no_frame"]
    assert back["model"] == "abc-9"
    assert back["tq"] == "held"


def test_without_a_time_it_is_stamped_later():
    body = record.encode(3, None, "none", READING)
    assert json.loads(record.to_json(body, lambda up: (1000 + up, "back")))["t"] == 1130
    assert json.loads(record.to_json(body, lambda up: (None, "none")))["t"] is None


def test_cut_bodies_are_refused():
    body = record.encode(300, 1763900000, "ntp", READING)
    for cut in range(len(body) - 1):
        try:
            record.to_json(body[:cut], no_stamp)
        except record.RecordError:
            continue
        raise AssertionError(f"cut at {cut} was taken for a record")


def test_size_of_a_usual_record():
    assert len(record.encode(20000, 1763900000, "ntp", READING)) < 46
