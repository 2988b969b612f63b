"""What an hour must have been like: frames, heap, values."""

from __future__ import annotations

from tests.firmware.hour.run import CLIMATE, Case, Outcome

# Bytes. What a collection finds alive differs by a few blocks of 32 from look to look, as old words on the
# stack may look like pointers: 224 was the most in 40 hours of all sensors. A block kept each minute would
# be 1,760 in 55 minutes.
BREATH = 512

# By datasheet; see simulator/sensors for which. A value beyond is no value, or at least marked `saturated`.
_MASS = ("pm1", "pm25", "pm4", "pm10", "pm1_cf1", "pm25_cf1", "pm10_cf1")
_COUNTS = ("n03", "n05", "n1", "n25", "n5", "n10")
_HIGHEST_MASS = {"sds011": 999.9}  # of the others: 1000 ug/m3
_TEMP = {
    "bme280": (-40, 85),
    "bmp280": (-40, 85),
    "sht3x": (-40, 125),
    "sht4x": (-40, 125),
    "dht22": (-40, 80),
    "sen54": (-10, 50),
    "sen55": (-10, 50),
    "pms5003t": (-20, 99),
    "pms5003st": (-20, 99),
}


def in_range(model: str, name: str, value: float) -> bool:
    if name in _MASS:
        return 0 <= value <= _HIGHEST_MASS.get(model, 1000)
    if name in _COUNTS:
        return 0 <= value <= 65535
    if name == "temp":
        low, high = _TEMP[model]
        return low <= value <= high
    if name == "rh":
        return 0 <= value <= 100
    return name == "press" and 300 <= value <= 1100


def out_of_range(outcome: Outcome) -> list[str]:
    """Values beyond the datasheet's range in readings that are not marked for it: the means, and the single
    values behind them. The first reading's window also saw the warm-up."""
    wrong: list[str] = []
    for number, message in enumerate(outcome.of("reading")):
        reading = message["reading"]
        if "saturated" in reading["flags"]:
            continue
        values = [
            (name, reading[name]) for name in reading if name in (*_MASS, *_COUNTS, "temp", "rh", "press")
        ]
        if number:
            values += [(name, value) for name, both in message["extremes"].items() for value in both]
        for name, value in values:
            # An empty window has PM values of None.
            if value is not None and not in_range(outcome.case.model, name, value):
                wrong.append(f"{outcome.case} reading {number}: {name} {value}")
    return wrong


def streams(case: Case) -> bool:
    """Whether frames come by themselves; else each is asked for, and a node that is blocked asks nobody."""
    return case.bus == "uart" and case.model != "sps30" and not case.mode


def expected(case: Case) -> float:
    """Frames in the whole time at the sensor's fastest, or at the pace that the driver keeps."""
    seconds = case.minutes * 60.0
    if case.model in CLIMATE:
        return seconds / 5
    return seconds * 5 if streams(case) and case.model != "sds011" else seconds


def fewest(case: Case) -> float:
    """The frames that must have come: nothing but the start may be missing from a stream. A sensor that is
    asked has its dialogue's own time on top of the pace, and the blocked seconds: 1.8 % and a bit more."""
    return expected(case) - (30 if streams(case) else 0.06 * expected(case))


def growth(outcome: Outcome) -> int:
    """By how much the heap in use was above that of the first look, at most, in bytes."""
    first, *later = outcome.heap.values()
    return max(later) - first
