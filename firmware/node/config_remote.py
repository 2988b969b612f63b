"""What the gateway sets over the node's settings. Loaded when that comes, and dropped again."""

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


def apply(config, message):
    """Set what a `config` message names; the rest is as the file says, so that a version means the same
    before and after a restart. True when it was taken; problems are noted, not raised."""
    version = message.get("version")
    settings = message.get("settings")
    if message.get("v") != 1 or not whole_number(version, (1, 0x7FFFFFFF)) or not isinstance(settings, dict):
        config.problem("config message: not of the contract's form, left alone")
        return False
    if config.file is None:
        config.file = {name: getattr(config, name) for name in REMOTE}
    for name in REMOTE:
        if name not in settings:
            setattr(config, name, config.file[name])
    for name in settings:
        value = settings[name]
        bounds = REMOTE.get(name, ())
        if isinstance(value, bool) if bounds is None else bounds and whole_number(value, bounds):
            setattr(config, name, value)
        else:
            config.problem(f"config message {version}: {name[:32]} is not to be set so")
    config.version = version
    return True


def keep(message):
    """Remember the gateway's settings over a restart."""
    files.write(REMOTE_FILE, json.dumps(message).encode())
