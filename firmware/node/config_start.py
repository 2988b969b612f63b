"""The trial of the gateway's settings over starts and sleeps. Loaded at the start, see config_remote.py."""

# pyright: reportPrivateUsage=false
# It is part of config_remote.py, which would take too much of the heap with it.

from micropython import const

from node import config_remote, forget

# As in config_remote.py.
_SECONDS = const(0)
_STARTS = const(1)
_CRASHES = const(2)
_HEARD = const(3)
_TRIES = const(4)
_BATCHES = const(5)
_LATE = const(2)
_MOST_STARTS = const(2)  # without a word of the gateway
_MOST_STARTS_HEARD = const(5)  # with it: somebody works at the plug, or the supply is too weak for them
_MOST_CRASHES = const(1)
_ENOUGH_TRIES = const(2)  # in vain, before a node that sleeps goes back


def begin(app):
    """Put in force what the gateway set last, unless the node crashes with it."""
    try:
        _begin(app)
    finally:
        forget("config_remote")


def _begin(app):
    config = app.config
    state = config_remote._load(config)
    config.rejected = state[4]
    if state[0]:
        config_remote.apply(config, state[0], state[1])
    trial = config.trial = state[5]
    if not trial:
        return
    trial[_BATCHES] = 0
    slept = app.slept
    if slept:
        # It was awake for some while before, too.
        trial[_SECONDS] += max((app.now() - slept["up"]) // 1000, config.trial_s // 20)
    else:
        trial[_STARTS] += 1
        # A crash restarts the board by software or by the watchdog. One that asked() took off before.
        trial[_CRASHES] += app.reset not in ("power", "deepsleep")
    if trial[_CRASHES] > _MOST_CRASHES:
        config_remote._take_back(app, "the node crashed with it")
    elif trial[_STARTS] > _MOST_STARTS and not trial[_HEARD]:
        config_remote._take_back(app, "the node started again and again without reaching the gateway")
    elif trial[_STARTS] > _MOST_STARTS_HEARD:
        config_remote._take_back(app, "the node started again and again")
    elif not slept:
        _go_on(app, state)
    else:
        _judge_wake(app, state)


def _judge_wake(app, state):
    """A deep sleep is over: what have the wakes before this one shown?"""
    config = app.config
    trial = config.trial
    miss, skip = app.slept["miss"], app.slept["skip"]  # tries in vain, in a row; wakes that shall not try
    over = trial[_SECONDS] >= config.trial_s
    if over and (trial[_HEARD] == _LATE or (trial[_TRIES] and not miss)):
        config_remote._stand(app)
    elif over and trial[_TRIES] >= _ENOUGH_TRIES and miss >= _ENOUGH_TRIES:
        config_remote._take_back(app, f"the gateway was not reached in {miss} tries")
    else:
        trial[_SECONDS] = min(trial[_SECONDS], config.trial_s)  # tick() gives this wake as much again
        trial[_TRIES] += not skip
        _go_on(app, state)


def _go_on(app, state):
    config_remote._save(app, state)
    config_remote._watch(app)
