"""The selftest's sentences in English. Loaded for one test; selftest_pl.py has the same in Polish, in the same order."""
# ruff: noqa: E501 - one sentence a line, so that the two files can be laid side by side

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
    "The last %d starts were short, each after power came back: use another supply (5 V, 1 A or more) and a short cable.",
    "Power came %d minutes ago. The board cannot tell a weak supply from a pulled plug: if nobody pulled it, use another supply.",
    "The node has run for %d hours without a restart: its supply is enough.",
    "The last start was no loss of power; how good the supply is the board cannot measure.",
    "Wi-Fi is strong (%d dBm).",
    "Wi-Fi is good (%d dBm).",
    "Wi-Fi is weak (%d dBm) but enough: nearer to the router it would be safer.",
    "Wi-Fi is too weak (%d dBm): move the node or the router, or add a repeater.",
    "No Wi-Fi (%s): check name and password in config.json; the router must offer 2.4 GHz.",
    "Wi-Fi is connected; how strong it is cannot be known.",
    "Connected to the broker %s, encrypted; its certificate was checked.",
    "Connected to the broker %s, not encrypted.",
    "No connection to the broker %s: check host, port, user and password in config.json, then ask who runs the network.",
    "Without Wi-Fi the broker %s cannot be tried.",
    "broker.host is missing in config.json: nothing can be sent.",
    "The time is right: it was set %d minutes ago.",
    "The time is what the last run left; no time server has confirmed it yet.",
    "No time server has answered for %d hours, so the clock runs free: the router must let UDP port 123 through.",
    "The time is not known, as no time server has answered: the router must let UDP port 123 through.",
    "Storage works: %d KiB are free, %d readings wait to be sent.",
    "Storage fails: what was written could not be read back (%s). Readings may be lost: ask for another board.",
    "Storage is nearly full: %d KiB are free. Remove files that are not the node's.",
    "Storage works, but the node was cut off so long that only some of the oldest readings are kept; %d wait to be sent.",
    "The gateway could not read %d readings, they are set aside: tell who runs the network.",
    "The settings have no faults.",
    "The node has remarks: %d. The first: %s",
    "Not all sensors have been heard yet: repeat the test in a minute.",
)


def say(found):
    """The sentences of what was found."""
    return [WORDS[number] % what for _, _, number, what in found]
