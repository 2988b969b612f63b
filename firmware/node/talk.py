"""The dialogue with a sensor on a UART: of the drivers of node.duty (`it`), whatever its maker.
Loaded when something is to be said or was answered.

The module that a driver's TALK names has
  begin(it, mode)   what it begins with
  say(it, now)      (step, its command, ms to wait for an answer or 0 for the usual pause): the step under way
                    once more, or another one; counts `retries`
  reply(it, event)  None, or (next step, whether this proves that the sensor is awake)
  data(it)          the same, after a data frame while it is to be awake
"""

from micropython import const

from node import use_once

_IDLE = const(0)
_WAKE = const(1)  # the first steps of every maker's
_SLEEP = const(7)
_PAUSE_MS = const(1000)  # between tries of a command, and between questions for data
_LONG_PAUSE_MS = const(10000)  # after five tries: a mute sensor is asked for ever, but not in a hurry
_GRACE_MS = const(1500)  # a frame already under way when the sensor confirmed its sleep


def begin(it, parser, mode):
    """Nothing was asked yet. An attribute of one module only has no underscore: private names are made short
    module by module (simulator/names.py), and the driver is the same."""
    it.parser = parser
    it.frames = 0
    it.rejects = parser.rejects  # counts since the start by reason
    it.retries = 0
    it.id = it.fw = None  # as the sensor tells; kept there, as a property costs 200 bytes of heap
    it.awake_since = None  # ms: when the wake command that took effect was written; None = not proven
    it._due = None  # ms when something is to be said
    it._want_awake = None
    it._step = it._proof = _IDLE  # the step that data frames may end
    it._tries = it._now = it.sent = 0
    it.wake_sent = None
    it._heard = None  # ms of the newest data frame
    it.since = 0  # ms when the dialogue last came to rest
    it._silence_ms = 3000  # so long without a frame after three sleep commands is sleep too
    use_once(it.TALK, "begin", it, mode)


def wake(it, now):
    it._now = now
    it._want_awake = True
    it.wake_sent = it._heard = None
    it.awake_since = None
    _go(it, _WAKE)


def sleep(it, now):
    it._now = now
    it._want_awake = False
    it._heard = None
    it.awake_since = None
    _go(it, _SLEEP)


def reset(it):
    it.parser.drop()
    if it._step:
        _go(it, _WAKE if it._want_awake else _SLEEP)


def send(it, now):
    """The command that is due, or None."""
    silent = it._heard is None or now - it._heard >= it._silence_ms
    if it._step == _SLEEP and it._tries >= 3 and silent:
        _go(it, _IDLE)
        return None
    step, command, pause = use_once(it.TALK, "say", it, now)
    if step != it._step:
        _go(it, step)
    if step:
        it._tries += 1
        it.sent = now
        it._due = now + (pause or (_PAUSE_MS if it._tries < 5 else _LONG_PAUSE_MS))
        if step == _WAKE:
            it.wake_sent = now
    return command


def accept(it, event):
    """A reply has come."""
    _on(it, use_once(it.TALK, "reply", it, event))


def heard(it):
    """A data frame has come that may tell something."""
    if it._want_awake:
        if it.wake_sent is not None and it.awake_since is None:
            _woke(it)
        _on(it, use_once(it.TALK, "data", it))
        if it._ask:
            it._unasked = 0
    elif it._now - it.since > _GRACE_MS:
        _go(it, _SLEEP)  # it measures again, by a power cut of its own perhaps


def _on(it, told):
    if told:
        if told[1]:
            _woke(it)
        _go(it, told[0])


def _woke(it):
    it.awake_since = it._now if it.wake_sent is None else it.wake_sent


def _go(it, step):
    it._step = step
    it._tries = 0
    it.settled = step == _IDLE
    it._due = 0
    if it.settled:
        it.since = it._now
        it._due = it.sent + _PAUSE_MS if it._ask and it._want_awake else None
