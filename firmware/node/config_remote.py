"""What the gateway sets over the node's settings: on trial at first, and taken back by the node itself when
with it the gateway is not reached, or the node crashes. Loaded when that is needed, and dropped again;
config_start.py judges a trial at each start.

All of it is in one file that is replaced whole, so a power cut leaves the state before or the one after:
[version in force, its settings, version before, its settings, version taken back or 0, trial or null].
"""

import asyncio
import json

from micropython import const

from node import files, use_once

_FILE = "config.remote.json"
# What a `config` message may set, as the contract says: lowest and highest; None for true or false. Nothing
# of where the node connects to: who follows a wrong address hears no correction.
REMOTE = {
    "measure": None,
    "warmup_s": (0, 600),
    "window_s": (1, 3600),
    "sleep_s": (0, 86400),
    "health_s": (1, 86400),
    "backlog_per_min": (1, 6000),
    "ack_timeout_s": (1, 600),
    "spread_s": (0, 600),
}
# A trial is a list: seconds that it has lasted; starts and crashes since; whether the gateway has acked what
# was sent with these settings: 1, or 2 when it did so in the second half; wakes since that were to connect;
# batches that this start had sent before.
_SECONDS = const(0)
_STARTS = const(1)
_CRASHES = const(2)
_HEARD = const(3)
_LATE = const(2)
_NEWEST = const(0x7FFFFFFF)


def whole_number(value, bounds):
    """Whether a value is an integer within (lowest, highest). True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]


def take(app, message):
    """Take a `config` message: put it in force, on trial."""
    config = app.config
    version = message.get("version")
    settings = message.get("settings")
    if message.get("v") != 1 or not whole_number(version, (1, _NEWEST)) or not isinstance(settings, dict):
        app.counters["bad_messages"] = app.counters.get("bad_messages", 0) + 1
        config.problem("config message: not of the contract's form, left alone")
        return
    if version in (config.version, config.rejected):
        return  # it is retained: the broker sends it at each connection
    state = _load(config)
    if state[5] is None:
        state[2] = state[0]
        state[3] = state[1]
    state[0] = version
    state[1] = apply(config, version, settings)
    if version > state[4]:
        state[4] = config.rejected = 0
    watched = config.trial
    # Safe mode ends by a restart when settings come: that one is no crash.
    config.trial = state[5] = [0, 0, -1 if app.safe else 0, 0, 0, app.sender.counters["batches"]]
    print("config: version", version, "is in force, on trial for", config.trial_s, "s")
    app.news()
    if not watched:
        _watch(app)
    _save(app, state)


def apply(config, version, settings):
    """Set what is named; the rest is as the file says, so that a version means the same whatever came before.
    Returns the settings that were taken; problems are noted, not raised."""
    if config.file is None:
        config.file = {name: getattr(config, name) for name in REMOTE}
    taken = {}
    for name in settings:
        value = settings[name]
        bounds = REMOTE.get(name, ())
        if isinstance(value, bool) if bounds is None else bounds and whole_number(value, bounds):
            taken[name] = value
        else:
            config.problem(f"config message {version}: {name[:32]} is not to be set so")
    for name in REMOTE:
        setattr(config, name, taken.get(name, config.file[name]))
    config.version = version
    return taken


def asked(app):
    """The next start is one that somebody asked for: no crash, and no sign of a weak supply."""
    trial = app.config.trial
    for what in (_STARTS, _CRASHES):
        trial[what] = max(-1, trial[what] - 1)
    keep(app)


def tick(app, seconds):
    """The trial has lasted so much longer."""
    config = app.config
    trial = config.trial
    if app.dozing:  # nothing can be heard: it measures first, and connects then
        return
    trial[_SECONDS] += seconds
    heard = trial[_HEARD]
    if trial[_SECONDS] < config.trial_s:
        keep(app)
    elif heard == _LATE or (not app.outbox.depth and app.link.up.is_set()):
        # Where nothing is born no ack comes: then the broker is the farthest that can be reached.
        _stand(app)
    elif (heard or app.slept) and trial[_SECONDS] < 2 * config.trial_s:
        keep(app)  # the next reading may be under way
    else:
        _take_back(app, f"the gateway was not reached within {trial[_SECONDS]} s")


def _stand(app):
    print("config: version", app.config.version, "has stood its trial")
    app.config.trial = None
    keep(app)


def _watch(app):
    asyncio.create_task(app.keep("trial", use_once("config_trial", "watcher", app)))


def _take_back(app, why):
    """Go back to the settings before those on trial."""
    config = app.config
    version = config.version
    state = _load(config)
    if state[0] == version:  # else flash was full when it came, and still has what was before it
        state[0] = state[2]
        state[1] = state[3]
    state[2] = 0
    state[3] = {}
    state[4] = config.rejected = version
    state[5] = config.trial = None
    apply(config, state[0], state[1])
    config.problem(f"config: version {version} is taken back, {why}; {state[0]} is in force")
    app.news()
    _save(app, state)


def keep(app):
    """Keep how the trial stands."""
    state = _load(app.config)
    if state[0] == app.config.version:
        state[5] = app.config.trial
        _save(app, state)


def _load(config):
    """What the file says, as a list."""
    raw = files.read(_FILE)
    if raw is not None:
        try:
            state = json.loads(raw)
            if isinstance(state, dict):  # as versions up to 0.1.0 wrote it
                state = [state["version"], state["settings"], 0, {}, 0, None]
            if len(state) == 6 and _sound(state):
                return state
        except (ValueError, TypeError, KeyError):
            pass
        config.problem(f"{_FILE}: is damaged, left alone")
    return [0, {}, 0, {}, 0, None]


def _sound(state):
    numbers = [state[0], state[2], state[4]]
    if state[5] is not None:
        if len(state[5]) != 6:
            return False
        numbers += [number + 1 for number in state[5]]  # asked() leaves -1
    settings = isinstance(state[1], dict) and isinstance(state[3], dict)
    return settings and all(whole_number(number, (0, _NEWEST)) for number in numbers)


def _save(app, state):
    try:
        files.write(_FILE, json.dumps(state).encode())
    except OSError as error:
        app.counters["flash_errors"] += 1
        print("config: cannot be kept over a restart:", error)
