"""Check the `sensors` of config.json, entry by entry. What is wrong is reported and left out.

{"slot":"a","model":"sds011","uart":1,"tx":17,"rx":16[,"mode":"query"][,"power":25[,"power_on":0]]}
{"slot":"b","model":"sps30","i2c":0,"sda":21,"scl":22[,"address":105]}
{"slot":"m","model":"dht22","pin":4}
"auto" as a model: found out at the start. "auto" in place of the list: looked for at the board's usual pins.
"""

import sys

from node.config_remote import whole_number
from node.drivers import CLIMATE_MODELS, PM_MODELS

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# Model -> the buses it is made for and the modes it has.
_PLANTOWER = (("uart",), ("active", "passive"))
_BUSES = {
    "sds011": (("uart",), ("active", "query")),
    "pmsa003i": (("i2c",), ()),
    "sps30": (("uart", "i2c"), ()),
    "dht22": (("pin",), ()),
    "auto": (("uart", "i2c"), ()),
}
_WIRES = {"uart": ("tx", "rx"), "i2c": ("sda", "scl"), "pin": ()}
# Chip -> usual tx, rx, sda, scl; pins of the console, then of flash and PSRAM; first and last input-only pin;
# first and last of each row of pins that the chip has: to open another raises ValueError.
# The usual ones are free on the common dev boards, WROVER's included: no strapping, USB, JTAG-only or flash
# pins. Espressif's hardware references of ESP32-DevKitC, ESP32-S3-DevKitC-1, ESP32-C3-DevKitM-1.
_CHIPS = {
    "": ((33, 32, 21, 22), (1, 3), (6, 11), (34, 39), ((0, 23), (25, 27), (32, 39))),
    "S3": ((18, 17, 8, 9), (43, 44), (26, 32), (0, -1), ((0, 21), (26, 48))),
    "C3": ((5, 4, 6, 7), (20, 21), (12, 17), (0, -1), ((0, 21),)),
}


def _chip():
    """The _chip's entry of _CHIPS, by what the port says of itself: "Generic ESP32S3 module with ESP32S3"."""
    name = sys.implementation._machine if hasattr(sys.implementation, "_machine") else ""
    for key in ("S3", "C3"):
        if "ESP32" + key in name or "ESP32-" + key in name:
            return _CHIPS[key]
    return _CHIPS[""]


def led(wish, sensors):
    """(the LED's pin or None, why a wish cannot be met or None). "auto" is the usual pin: GPIO2 of ESP32
    boards; those of S3 and C3 have an addressable LED, which a level does not light."""
    number = (None if _chip()[1] != (1, 3) else 2) if wish == "auto" else wish
    if number is None:
        return None, None
    taken = [entry[name] for entry in sensors for name in _pin_names(entry)]
    wrong = "a sensor has" if number in taken else _wrong_pin(number)
    if not wrong:
        return number, None
    return None, None if wish == "auto" else f"is pin {number}, which {wrong}; the LED stays off"


def _wrong_pin(pin, output=True):
    """Why a pin cannot be used, as the end of a sentence about it, or None."""
    _, console, memory, inputs, pins = _chip()
    if not any(first <= pin <= last for first, last in pins):
        return "this chip does not have"
    if pin in console:
        return "is the console's"
    if memory[0] <= pin <= memory[1]:
        return "is the flash memory's"
    return "can only be an input" if output and inputs[0] <= pin <= inputs[1] else None


def _default_sensors():
    """Where to look when nobody said what is fitted. `maybe`: no readings are owed for an empty place."""
    tx, rx, sda, scl = _chip()[0]
    return [
        {"slot": "a", "model": "auto", "uart": 1, "tx": tx, "rx": rx, "maybe": True},
        {"slot": "b", "model": "auto", "i2c": 0, "sda": sda, "scl": scl, "maybe": True},
    ]


def check(entries, problems):
    """The entries that are right; `problems` gets a sentence for each of the others."""
    if entries == "auto":
        return _default_sensors()
    if not isinstance(entries, list):
        problems.append('sensors: must be a list, or "auto"; "auto" is used')
        return _default_sensors()
    right = []
    for entry in entries:
        wrong = _wrong(entry) or _conflict(entry, right)
        if wrong:
            problems.append(f"sensors: an entry {wrong}; it was left out")
            continue
        if entry["model"] in CLIMATE_MODELS and any(one["model"] in CLIMATE_MODELS for one in right):
            problems.append(f"sensors: {entry['slot']} is a second climate sensor; it was left out")
            continue
        right.append(entry)
    if not right:
        problems.append("sensors: none is configured, nothing can be measured")
    elif all(entry["model"] in CLIMATE_MODELS for entry in right):
        problems.append("sensors: a climate sensor alone makes no readings, add a particle sensor")
    return right


def _wrong(entry):
    """Why an entry is refused, or None."""
    slot = entry.get("slot") if isinstance(entry, dict) else None
    if not isinstance(slot, str) or not 0 < len(slot) <= 8 or not all(c in _LETTERS for c in slot):
        return "needs a slot of a-z and 0-9, up to 8 letters"
    model = entry.get("model")
    if model != "auto" and model not in PM_MODELS + CLIMATE_MODELS:
        return f"for slot {slot} has none of the models auto, {', '.join(PM_MODELS + CLIMATE_MODELS)}"
    buses, modes = _BUSES.get(model) or (_PLANTOWER if model[0] == "p" else (("i2c",), ()))
    named = [bus for bus in _WIRES if bus in entry]
    if len(named) != 1 or named[0] not in buses:
        return f"for slot {slot} needs {' or '.join(buses)}, and no other, for {model}"
    bus = named[0]
    if bus != "pin" and not whole_number(entry[bus], (1, 2) if bus == "uart" else (0, 1)):
        return f"for slot {slot} has no {bus} of this board: " + (
            "1 or 2, as 0 is the console's" if bus == "uart" else "0 or 1"
        )
    for name in _pin_names(entry):
        pin = entry.get(name, -1)
        if not whole_number(pin, (0, 48)):
            return f"for slot {slot} needs a pin number for {name}"
        wrong = _wrong_pin(pin, name != "rx")
        if wrong:
            return f"for slot {slot} takes pin {pin} for {name}, which {wrong}"
    more = {"mode": modes, "power_on": (0, 1), "address": None}
    known = ("slot", "model", bus) + _WIRES[bus] + ("power", "power_on") + (("mode",) if modes else ())
    for name in entry:
        value = entry[name]
        if name not in known and not (name == "address" and bus == "i2c"):
            return f"for slot {slot} has {str(name)[:16]}, which {model} on {bus} does not know"
        if name == "address":
            if not whole_number(value, (8, 119)):
                return f"for slot {slot} needs an address from 8 to 119"
        elif name in more and (value not in more[name] or isinstance(value, bool)):
            return f"for slot {slot} has a {name} that is none of {', '.join(str(one) for one in more[name])}"
    return None


def _pin_names(entry):
    names = ["power"] if "power" in entry else []
    for bus, wires in _WIRES.items():
        if bus in entry:
            names.extend(wires or (bus,))
    return names


def _conflict(entry, others):
    """Why an entry cannot be beside those before it, or None. Sensors of one I2C bus share its wires."""
    slot = entry["slot"]
    pins = [entry[name] for name in _pin_names(entry)]
    if len(set(pins)) < len(pins):
        return f"for slot {slot} names one pin twice"
    for other in others:
        if other["slot"] == slot:
            return f"has slot {slot}, which another has already"
        if "uart" in entry and entry["uart"] == other.get("uart"):
            return f"for slot {slot} has UART {entry['uart']}, which slot {other['slot']} has already"
        wires = ()
        if "i2c" in entry and entry["i2c"] == other.get("i2c"):
            if entry["sda"] != other["sda"] or entry["scl"] != other["scl"]:
                return f"for slot {slot} has I2C {entry['i2c']} at other pins than slot {other['slot']}"
            if entry.get("address") and entry.get("address") == other.get("address"):
                return f"for slot {slot} has the I2C address of slot {other['slot']}"
            if entry["model"] == other["model"] == "auto":
                return f"for slot {slot} searches I2C {entry['i2c']}, as slot {other['slot']} does already"
            wires = (entry["sda"], entry["scl"])
        for name in _pin_names(other):
            if other[name] in pins and other[name] not in wires:
                return f"for slot {slot} takes pin {other[name]}, which slot {other['slot']} has already"
    return None
