"""The selftest's sentences in English, those of sensors and wires: loaded for one test. selftest_pl.py has the
same in Polish, in the same order."""
# ruff: noqa: E501 - one sentence a line, so that the two files can be laid side by side

FIRST = 0
WORDS = (
    "No sensor is set up: name one in config.json, or leave sensors out of it.",
    "Sensor %s (%s) works; messages read: %d.",
    "Sensor %s (%s) talks, but %d of its messages came damaged (%s): shorten its cable, keep it away from the supply's.",
    "Sensor %s (%s) is warming up; messages read: %d.",
    "Sensor %s (%s) has only just started: repeat the test in a minute.",
    "Sensor %s (%s) sleeps until its next turn; messages read: %d.",
    "Sensor %s (%s) says nothing: check its plug, its wires and its supply.",
    "Sensor %s (%s) answers again: repeat the test in a minute.",
    "Sensor %s (%s) cannot be heard because its two data wires are exchanged.",
    'Sensor %s (%s) sends what cannot be read: perhaps it is another model; set that in config.json, or "auto".',
    "No sensor is found for %s (%s): check its plug, its pins and its supply.",
    "Sensor %s (%s) cannot be read because its data line (SDA) is blocked.",
    "Sensor %s (%s) reports a fault (%s): switch its power off and on; if it stays so, replace it.",
    "Data come from every sensor, so the data wires are right.",
    "Sensor %s: swap the two wires on pins %s.",
    "Sensor %s: the data line on pins %s is held low: switch the power off and on; if it stays so, look for a short circuit.",
    "Sensor %s: nothing comes on pins %s. Push each plug home; the node cannot tell whether a wire or the sensor is at fault.",
)


def say(found, results):
    """Put the sentences of what was found to the results."""
    for i, (_, _, number, what) in enumerate(found):
        if 0 <= number - FIRST < len(WORDS):
            results[i]["en"] = WORDS[number - FIRST] % what
