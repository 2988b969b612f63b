"""A Plantower's side of the dialogue: its commands, and what its replies say. See talk.py.

Plantower's PMS5003 manual V2.3, appendix II: 42 4D, command, 16-bit value, 16-bit sum of all bytes before it.
E1 sets the mode (0 passive, 1 active), E2 reads in passive mode, E4 sleeps (0) and wakes (1).
"""

from micropython import const

_WAKE = const(1)
_MODE = const(2)
_SLEEP = const(7)
_WAKE_PAUSE_MS = const(200)  # between wake and the next command
_MODE_PAUSE_MS = const(3000)  # the first frame after a wake takes so long


def begin(it, mode):
    it._proof = _MODE
    it._silence_ms = 6000  # frames come 2.3 s apart in calm air
    if mode == "passive" and it.model != "pms3003":
        it._proof = -1  # data may be what was asked for, or what came by itself
        it._ask = b"\x42\x4d\xe2\x00\x00\x01\x71"


def say(it, now):
    step = it._step
    if step == _WAKE and it._tries:
        step = _MODE
    elif it._tries:
        it.retries += 1
        if step == _MODE:
            # One that was made passive and whose answers are lost will still answer when it is read.
            step = 0 if it._ask and it.retries % 3 == 0 else _WAKE
    if step == _WAKE:
        return step, b"\x42\x4d\xe4\x00\x01\x01\x74", _WAKE_PAUSE_MS
    if step == _MODE:
        command = b"\x42\x4d\xe1\x00\x00\x01\x70" if it._ask else b"\x42\x4d\xe1\x00\x01\x01\x71"
        return step, command, _MODE_PAUSE_MS
    return step, b"\x42\x4d\xe4\x00\x00\x01\x73" if step else None, 0


def reply(it, event):
    what, value = event["what"], event["value"]
    if what == "work" and value == 0 and it._step == _SLEEP:
        return 0, False
    if what == "mode" and value == (not it._ask) and it._step == _MODE:
        return 0, True
    return None


def data(it):
    if it._ask:
        # It came unasked: the mode is no longer what it was set to.
        return (_MODE, False) if it._unasked >= 4 else None
    return (0, False) if it._step == _MODE and it._tries else None
