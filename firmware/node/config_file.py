"""Read the node's settings from its JSON file, field by field, once at the start.

A wrong field falls back to its default and is reported; the node starts all the same.
"""

# pyright: reportAttributeAccessIssue=false
# A Config gets its attributes here.

import json

from node import files, forget, use_once
from node.config import Config
from node.config_remote import REMOTE, whole_number

_FILE = "config.json"
# Whole numbers that only the file sets: lowest and highest.
_NUMBERS = {
    "ack_timeout_s": (1, 600),
    "keepalive_s": (5, 3600),
    "spread_s": (0, 600),
    "clock_wait_s": (0, 86400),
    "ntp_every_s": (10, 86400),
    "batch_bytes": (1024, 8000),
    "outbox_kb": (64, 16384),
    "trial_s": (10, 3600),
    "watchdog_s": (60, 600),  # what blocks the whole program, as resolving a name, takes less
    "led": (0, 48),
    "led_on": (0, 1),
}
_NONE = {"watchdog_s": "0", "led": "null"}  # as JSON
_KINDS = {
    "node": str,
    "network": str,
    "measure": bool,
    "deep_sleep": bool,
    "wifi": list,
    "ntp": list,
    "sensors": object,
    "portal": dict,
}
_KIND_WORDS = {str: "a text", bool: "true or false", list: "a list", dict: "an object"}
_OF_TLS = ("tls", "tls_name", "ca", "cert", "key")
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def default():
    """A Config as it is without any file."""
    config = Config()
    config.node = ""
    config.network = "warsaw"
    config.wifi = []
    config.broker = {"host": "", "port": 1883, "user": None, "password": None, "tls": False}
    config.broker.update({"ca": "ca.der", "tls_name": None, "cert": None, "key": None})
    config.ntp = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org"]
    config.sensors = "auto"
    config.measure = True  # False: no new readings, the outbox still drains
    config.warmup_s = None  # None = what the sensor's datasheet asks for, at least 30
    config.window_s = 60
    config.sleep_s = 0
    config.health_s = 600
    config.ack_timeout_s = 20  # without the gateway's ack for so long, a batch is sent again
    config.keepalive_s = 60
    config.spread_s = 60  # after the broker went away the node returns at a random instant of this span
    config.trial_s = 600  # within it the gateway must be reached with settings that came from afar
    config.backlog_per_min = 600
    config.clock_wait_s = 600  # so long a reading without a time waits for the clock
    config.ntp_every_s = 3600
    config.batch_bytes = 2048
    config.outbox_kb = 1024
    config.watchdog_s = 120  # a board whose tasks do not get on for so long starts anew; 0 = never
    config.portal = {}  # of set-up mode: "password" of its own network
    config.led = "auto"  # its pin; None = none
    config.led_on = 1  # the level that lights it
    config.deep_sleep = False  # whether the board sleeps, too, while its sensors do
    return config


def load():
    """The file's settings. A file that is no JSON counts as absent."""
    raw, problem = _parse(_FILE)
    config = parse(raw)
    if problem:
        config.problems.append(problem)
    forget("config_remote")
    return config


def _parse(path):
    """(object, None), or ({}, reason)."""
    raw = files.read(path)
    if raw is None:
        return {}, f"{path}: is missing"
    try:
        value = json.loads(raw)
    except ValueError:
        return {}, f"{path}: is not valid JSON"
    if not isinstance(value, dict):
        return {}, f"{path}: must be an object"
    return value, None


def parse(raw):
    """The settings that an object of the file's form gives; every problem is in `.problems`."""
    config = default()
    for name in raw:
        if name == "broker":
            _take_broker(config, raw[name], [other for other in raw if other.lower() in _OF_TLS])
            continue
        problem = _problem(name, raw[name])
        if problem:
            config.problems.append(f"{name}: {problem}")
        else:
            setattr(config, name, raw[name])
    config.sensors = use_once("config_sensors", "check", config.sensors, config.problems)
    config.led, wrong = use_once("config_sensors", "led", config.led, config.sensors)
    if wrong:
        config.problems.append("led: " + wrong)
    for network in config.wifi:
        wrong = _wrong_with_wifi(network)
        if wrong:
            config.problems.append(f"wifi: an entry {wrong}; it was left out")
    config.wifi = [network for network in config.wifi if not _wrong_with_wifi(network)]
    if not all(isinstance(server, str) for server in config.ntp):
        config.problems.append("ntp: every server must be a text; those that are not were left out")
        config.ntp = [server for server in config.ntp if isinstance(server, str)]
    if not _is_name(config.node):
        config.problems.append("node: needs a name of a-z, 0-9 and -, up to 32 letters")
    if not config.broker["host"]:
        config.problems.append("broker.host: is missing, nothing can be sent")
    return config


def _is_name(text, longest=32):
    """Whether a text may stand in a topic: 1 to 32 of a-z, 0-9 and `-`."""
    return isinstance(text, str) and 0 < len(text) <= longest and all(c in _NAME_LETTERS for c in text)


def _problem(name, value):
    """Why one field is refused, or None."""
    bounds = _NUMBERS.get(name) or REMOTE.get(name)
    if bounds:
        none = _NONE.get(name)
        if not whole_number(value, bounds) and json.dumps(value) != none:
            low, high = bounds
            if none:
                return f"must be a whole number from {low} to {high}, or {none}; the default is used"
            return f"must be a whole number from {low} to {high}; the default is used"
    elif name not in _KINDS:
        return "unknown setting, left alone"
    elif not isinstance(value, _KINDS[name]):
        return f"must be {_KIND_WORDS[_KINDS[name]]}"
    return None


def _take_broker(config, raw, stray):
    """`stray`: names of what stands beside the broker and may belong in it."""
    if not isinstance(raw, dict):
        config.problems.append("broker: must be an object with host and port")
        return
    hint = None if "tls" in raw else _hint(config.broker, raw, stray)
    if hint:
        config.broker["tls"] = True
        config.problems.append(
            f"broker.tls: is missing, but {hint} is there: it counts as true; say false if not"
        )
    if hint or raw.get("tls", False) is not False:
        config.broker["port"] = 8883
    for name in raw:
        value = raw[name]
        if name == "port":
            right = whole_number(value, (1, 65535))
        elif name == "tls":
            config.broker[name] = value is not False
            if not isinstance(value, bool):
                # Never unencrypted by mistake.
                config.problems.append("broker.tls: must be true or false; it counts as true")
            continue
        else:
            right = name in config.broker and (isinstance(value, str) or value is None)
        if right:
            config.broker[name] = value
        else:
            config.problems.append(f"broker.{name}: unknown or not of the right kind, left alone")


def _hint(known, raw, stray):
    """What tells that TLS is meant, or may be its name misspelt; None if nothing does. A password goes
    unencrypted because somebody wants it, never by a slip."""
    for name in raw:
        if name not in known or (name in _OF_TLS and raw[name]) or (name == "port" and raw[name] == 8883):
            return name
    return stray[0] if stray else None


def _wrong_with_wifi(network):
    if not isinstance(network, dict) or not isinstance(network.get("ssid"), str):
        return "needs an ssid and a password"
    return None if isinstance(network.get("password") or "", str) else "needs a text as its password"
