"""Laser hours over restarts, on CPython and on MicroPython alike."""

import os

from node import Seldom, files

PATH = "test_odometer.json"
HOUR = 3600


def fresh():
    files.remove(PATH)
    return Seldom("odometer", PATH)


def again():
    return Seldom("odometer", PATH)


def teardown_module():
    files.remove(PATH)


def test_counts_and_keeps():
    odometer = fresh()
    assert odometer.hours("a", None) == 0
    odometer.add("a", None, 1800)
    odometer.add("a", None, 5400)
    odometer.add("b", "A160", 900)
    odometer.save()
    odometer = again()
    assert odometer.hours("a", None) == 2
    assert odometer.hours("b", "A160") == 0.25
    odometer.add("b", "A160", 900)
    assert odometer.hours("b", "A160") == 0.5


def test_at_most_one_write_an_hour():
    odometer = fresh()
    writes = []
    odometer.save = lambda: writes.append(at)
    for at in range(0, 10 * HOUR * 1000, 60000):
        odometer.add("a", None, 60)
        odometer.add("b", None, 60)
        odometer.save_if_due(at)
    assert writes == [hour * HOUR * 1000 for hour in range(1, 10)]


def test_no_write_when_nothing_ran():
    odometer = fresh()
    for at in range(0, 10 * HOUR * 1000, 600000):
        odometer.save_if_due(at)
    assert files.read(PATH) is None
    odometer.add("a", None, 60)
    odometer.save_if_due(11 * HOUR * 1000)
    written = files.read(PATH)
    assert written
    files.write(PATH, b"mark")
    odometer.save_if_due(20 * HOUR * 1000)
    assert files.read(PATH) == b"mark"


def test_another_sensor_starts_at_zero_and_the_old_one_goes_on():
    odometer = fresh()
    odometer.add("a", "OLD", 10 * HOUR)
    odometer.save()
    odometer = again()
    assert odometer.hours("a", "NEW") == 0
    odometer.add("a", "NEW", HOUR)
    odometer.save()
    odometer = again()
    odometer.add("a", "OLD", HOUR)
    assert odometer.hours("a", "OLD") == 11
    assert odometer.hours("a", "NEW") == 1
    assert odometer.hours("b", "OLD") == 0


def test_an_id_learned_late_takes_over_what_was_counted_since_the_start():
    odometer = fresh()
    odometer.add("a", "X", 100 * HOUR)
    odometer.save()
    odometer = again()
    odometer.add("a", None, HOUR)
    odometer.add("b", None, HOUR)
    odometer.add("a", "X", HOUR)
    assert odometer.hours("a", "X") == 102
    assert odometer.hours("a", None) == 0
    assert odometer.hours("b", None) == 1
    odometer.add("a", "X", HOUR)
    assert odometer.hours("a", "X") == 103


def test_a_sensor_without_an_id_before_it_leaves_nothing_to_one_with():
    odometer = fresh()
    odometer.add("a", None, 5000 * HOUR)
    odometer.save()
    odometer = again()
    odometer.add("a", None, HOUR)
    odometer.add("a", "X", HOUR)
    assert odometer.hours("a", "X") == 2
    assert odometer.hours("a", None) == 5000


def test_a_stream_of_wrong_ids_does_not_fill_the_file():
    odometer = fresh()
    odometer.add("a", "REAL", 1000)
    for i in range(50):
        odometer.add("a", "id" + str(i), 1)
    odometer.save()
    assert len(files.read(PATH) or b"") < 120
    assert again().hours("a", "REAL") > 0


def test_damaged_files_start_anew():
    for text in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"[1]",
        b'{"a":1}',
        b'{"a":{"":"5"}}',
        b'{"a":{"":-5}}',
        b"\xff\x00",
        b"7",
    ):
        files.write(PATH, text)
        odometer = again()
        assert odometer.hours("a", None) == 0
        odometer.add("a", None, HOUR)
        odometer.save()
        assert again().hours("a", None) == 1


def test_a_disk_that_takes_nothing_stops_nothing_and_is_tried_again():
    odometer = fresh()
    odometer.path = "no/such/folder.json"
    odometer.add("a", None, HOUR)
    odometer.save_if_due(0)
    odometer.save_if_due(HOUR * 1000)
    odometer.path = PATH
    odometer.save_if_due(HOUR * 1000 + 1)
    assert PATH not in os.listdir(".")
    odometer.save_if_due(2 * HOUR * 1000)
    assert again().hours("a", None) == 1


def test_a_cleaned_fan_is_remembered_at_once():
    odometer = fresh()
    assert odometer.since_clean("a") == 0
    odometer.add("a", None, 600)
    odometer.keep_clean("a", 600)
    assert files.read(PATH) is None  # an hour of running is not worth a write more often
    odometer.save()
    assert again().since_clean("a") == 600
    odometer.keep_clean("a", 0)
    odometer = again()
    assert odometer.since_clean("a") == 0
    assert odometer.hours("a", None) * 6 == 1
    assert odometer.since_clean("b") == 0
