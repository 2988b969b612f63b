"""The node's settings while it runs, and what the gateway sets over them. config_file.py reads the file."""

import json

from node import files

REMOTE_FILE = "config.remote.json"
# What a `config` message may set, as the contract says: lowest and highest; None for true or false.
REMOTE = {
    "measure": None,
    "warmup_s": (0, 600),
    "window_s": (1, 3600),
    "sleep_s": (0, 86400),
    "health_s": (1, 86400),
}


def whole_number(value, bounds):
    """Whether a value is an integer within (lowest, highest). True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]


class Config:
    """Attributes are the settings by name. `problems` lists what was wrong, in plain words; `version` is the
    version of the gateway's settings that are in force, 0 for none."""

    def __init__(self):
        self.node = ""
        self.network = "warsaw"
        self.wifi = []
        self.broker = {"host": "", "port": 1883, "user": None, "password": None}
        self.ntp = ["0.pool.ntp.org", "1.pool.ntp.org"]
        self.sensors = "auto"
        self.measure = True  # False: no new readings, the outbox still drains
        self.warmup_s = None  # None = what the sensor's datasheet asks for, at least 30
        self.window_s = 60
        self.sleep_s = 0
        self.health_s = 600
        self.ack_timeout_s = 20  # without the gateway's ack for so long, a batch is sent again
        self.keepalive_s = 60
        self.clock_wait_s = 600  # so long a reading without a time waits for the clock
        self.ntp_every_s = 3600
        self.batch_bytes = 2048
        self.outbox_kb = 1024
        self.problems = []
        self.version = 0
        self._file = None  # what the file says of what may be set from afar, once that was done

    def apply_remote(self, message):
        """Set what a `config` message names; the rest is as the file says, so that a version means the same
        before and after a restart. True when it was taken; problems are noted, not raised."""
        version = message.get("version")
        settings = message.get("settings")
        if (
            message.get("v") != 1
            or not whole_number(version, (1, 0x7FFFFFFF))
            or not isinstance(settings, dict)
        ):
            self.problem("config message: not of the contract's form, left alone")
            return False
        if self._file is None:
            self._file = {name: getattr(self, name) for name in REMOTE}
        for name in REMOTE:
            if name not in settings:
                setattr(self, name, self._file[name])
        for name in settings:
            value = settings[name]
            bounds = REMOTE.get(name, ())
            if isinstance(value, bool) if bounds is None else bounds and whole_number(value, bounds):
                setattr(self, name, value)
            else:
                self.problem(f"config message {version}: {name[:32]} is not to be set so")
        self.version = version
        return True

    def problem(self, text):
        """Say what is wrong, and keep it. Some come again and again, or are long: no more than fit."""
        print(text)
        if len(self.problems) < 16 and text not in self.problems:
            self.problems.append(text)


def keep_remote(message):
    """Remember the gateway's settings over a restart."""
    files.write(REMOTE_FILE, json.dumps(message).encode())
