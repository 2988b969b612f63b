"""The node's settings: one JSON file, checked field by field, and what the gateway sets over it.

A wrong field falls back to its default and is reported; the node starts all the same.
"""

import json

from node import files
from node.drivers import MODELS

FILE = "config.json"
REMOTE_FILE = "config.remote.json"

# Whole numbers: lowest and highest.
NUMBERS = {
    "warmup_s": (0, 600),
    "window_s": (1, 3600),
    "sleep_s": (0, 86400),
    "health_s": (1, 86400),
    "ack_timeout_s": (1, 600),
    "keepalive_s": (5, 3600),
    "clock_wait_s": (0, 86400),
    "ntp_every_s": (10, 86400),
    "batch_bytes": (256, 8000),
    "outbox_kb": (64, 16384),
}
KINDS = {"node": str, "network": str, "measure": bool, "wifi": list, "ntp": list, "sensors": list}
KIND_WORDS = {str: "a text", bool: "true or false", list: "a list"}
# What a `config` message may set, as the contract says.
REMOTE = ("measure", "warmup_s", "window_s", "sleep_s", "health_s")
NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def is_name(text, longest=32):
    """Whether a text may stand in a topic: 1 to 32 of a-z, 0-9 and `-`."""
    return isinstance(text, str) and 0 < len(text) <= longest and all(c in NAME_LETTERS for c in text)


class Config:
    """Attributes are the settings by name. `problems` lists what was wrong, in plain words; `version` is the
    version of the gateway's settings that are in force, 0 for none."""

    def __init__(self, raw=None):
        self.node = ""
        self.network = "warsaw"
        self.wifi = []
        self.broker = {"host": "", "port": 1883, "user": None, "password": None}
        self.ntp = ["0.pool.ntp.org", "1.pool.ntp.org"]
        self.sensors = []
        self.measure = True  # False: no new readings, the outbox still drains
        self.warmup_s = 30
        self.window_s = 60
        self.sleep_s = 0
        self.health_s = 600
        self.ack_timeout_s = 20  # without the gateway's ack for so long, a batch is sent again
        self.keepalive_s = 60
        self.clock_wait_s = 600  # so long a reading without a time waits for the clock
        self.ntp_every_s = 3600
        self.batch_bytes = 3072
        self.outbox_kb = 1024
        self.problems = []
        self.version = 0
        self._take(raw or {})

    def _take(self, raw):
        for name in raw:
            if name == "broker":
                self._take_broker(raw[name])
                continue
            problem = self._set(name, raw[name])
            if problem:
                self.problems.append(problem)
        self.sensors = [s for s in self.sensors if self._sensor_is_right(s)]
        self.wifi = [w for w in self.wifi if self._wifi_is_right(w)]
        if not is_name(self.node):
            self.problems.append("node: needs a name of a-z, 0-9 and -, up to 32 letters")
        if not self.broker["host"]:
            self.problems.append("broker.host: is missing, nothing can be sent")
        if not self.sensors:
            self.problems.append("sensors: none is configured, nothing can be measured")

    def _set(self, name, value):
        """Set one field; the reason when it is refused."""
        if name in NUMBERS:
            lowest, highest = NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
                return (
                    f"{name}: must be a whole number from {lowest} to {highest}, using {getattr(self, name)}"
                )
        elif name in KINDS:
            if not isinstance(value, KINDS[name]):
                return f"{name}: must be {KIND_WORDS[KINDS[name]]}"
        else:
            return f"{name}: unknown setting, left alone"
        setattr(self, name, value)
        return None

    def _take_broker(self, raw):
        if not isinstance(raw, dict):
            self.problems.append("broker: must be an object with host and port")
            return
        for name in raw:
            value = raw[name]
            if name == "port":
                right = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
            else:
                right = name in self.broker and (isinstance(value, str) or value is None)
            if right:
                self.broker[name] = value
            else:
                self.problems.append(f"broker.{name}: unknown or not of the right kind, left alone")

    def _sensor_is_right(self, sensor):
        if not isinstance(sensor, dict) or not is_name(sensor.get("slot"), 8) or "-" in sensor["slot"]:
            self.problems.append(
                "sensors: each needs a slot of a-z and 0-9, up to 8 letters; one was left out"
            )
            return False
        if sensor.get("model") not in MODELS:
            self.problems.append(f"sensors: slot {sensor['slot']} has none of the models {MODELS}; left out")
            return False
        for name in ("uart", "tx", "rx"):
            if not isinstance(sensor.get(name), int) or sensor[name] is True or sensor[name] is False:
                self.problems.append(f"sensors: slot {sensor['slot']} needs a number for {name}; left out")
                return False
        return True

    def _wifi_is_right(self, network):
        if isinstance(network, dict) and isinstance(network.get("ssid"), str):
            return True
        self.problems.append("wifi: each needs an ssid and a password; one was left out")
        return False

    def apply_remote(self, message):
        """Set what a `config` message names. True when it was taken; problems are noted, not raised."""
        version = message.get("version")
        settings = message.get("settings")
        if message.get("v") != 1 or not isinstance(version, int) or not isinstance(settings, dict):
            self.problems.append("config message: not of the contract's form, left alone")
            return False
        for name in settings:
            problem = "not to be set from afar" if name not in REMOTE else self._set(name, settings[name])
            if problem:
                self.problems.append(f"config message {version}: {problem}")
        self.version = version
        return True


def load():
    """The file's settings with the gateway's over them. A file that is no JSON counts as absent."""
    raw, problem = _parse(FILE)
    config = Config(raw)
    if problem:
        config.problems.append(problem)
    raw, problem = _parse(REMOTE_FILE)
    if problem:
        config.problems.append(problem)
    elif raw:
        config.apply_remote(raw)
    return config


def keep_remote(message):
    """Remember the gateway's settings over a restart."""
    files.write(REMOTE_FILE, json.dumps(message).encode())


def _parse(path):
    """(object, None), or ({}, reason)."""
    raw = files.read(path)
    if raw is None:
        return {}, None if path == REMOTE_FILE else f"{path}: is missing"
    try:
        value = json.loads(raw)
    except ValueError:
        return {}, f"{path}: is not valid JSON"
    if not isinstance(value, dict):
        return {}, f"{path}: must be an object"
    return value, None
