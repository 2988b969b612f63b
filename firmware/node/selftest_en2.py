"""The selftest's sentences in English, those of all but the sensors: loaded for one test. selftest_pl2.py has the
same in Polish, in the same order."""
# ruff: noqa: E501 - one sentence a line, so that the two files can be laid side by side

FIRST = 17
WORDS = (
    "The last %d starts were short, each after power came back: use another supply (5 V, 1 A or more) and a short cable.",
    "Power came %d minutes ago. The board cannot tell a weak supply from a pulled plug: if nobody pulled it, use another supply.",
    "The node has run for %d hours without a restart: its supply is enough.",
    "The last start was no loss of power; how good the supply is the board cannot measure.",
    "Wi-Fi is strong (%d dBm).",
    "Wi-Fi is good (%d dBm).",
    "Wi-Fi is weak (%d dBm) but enough: nearer to the router it would be safer.",
    "Wi-Fi is too weak (%d dBm): move the node or the router, or add a repeater.",
    "No Wi-Fi (%s): is the router on, near, and at 2.4 GHz? If its name or password is new, set the node up again.",
    "Wi-Fi is connected; how strong it is cannot be known.",
    "Connected to the broker %s, encrypted; its certificate was checked.",
    "Connected to the broker %s, not encrypted.",
    "No connection to the broker %s: is the internet there? If so, ask whoever runs the network; perhaps the kit code is dead.",
    "Without Wi-Fi the broker %s cannot be tried.",
    "No broker is set, so nothing can be sent: set the node up with its kit code.",
    "The time is right: it was set %d minutes ago.",
    "The time is what the last run left; no time server has confirmed it yet.",
    "No time server has answered for %d hours, so the clock runs free: the router must let UDP port 123 through.",
    "The time is not known, as no time server has answered: the router must let UDP port 123 through.",
    "Storage works: %d KiB are free, %d readings wait to be sent.",
    "Storage fails: what was written could not be read back (%s). Readings may be lost: ask for another board.",
    "Storage is nearly full: %d KiB are free. Remove files that are not the node's.",
    "Storage works, but the node was cut off so long that only some of the oldest readings are kept; %d wait to be sent.",
    "The gateway could not read %d readings, they are set aside: tell whoever runs the network.",
    "The settings have no faults.",
    "The settings have faults: %d. Tell whoever runs the network. The first: %s",
    "Not all sensors have been heard yet: repeat the test in a minute.",
    "This part of the test itself failed (%s): repeat it, and tell whoever runs the network.",
)


def say(found, results):
    """Put the sentences of what was found to the results."""
    for i, (_, _, number, what) in enumerate(found):
        if 0 <= number - FIRST < len(WORDS):
            results[i]["en"] = WORDS[number - FIRST] % what
