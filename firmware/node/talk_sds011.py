"""An SDS011's side of the dialogue: its commands, and what its replies say. See talk.py.

Nova's "Laser Dust Sensor Control Protocol V1.3": AA B4, number, 12 bytes, id FFFF for any sensor, sum, AB.
"""

from micropython import const

_REPLIES = {2: "mode", 5: "id", 6: "work", 7: "firmware", 8: "period"}
# Steps of the dialogue; 0 is rest.
_WORK = const(1)
_READ_MODE = const(2)
_SET_MODE = const(3)
_READ_PERIOD = const(4)
_SET_PERIOD = const(5)
_READ_FIRMWARE = const(6)
_SLEEP = const(7)
# Command number, write, value of each step; 1 as the mode to set is query.
_STEPS = ((), (6, 1, 1), (2,), (2, 1, 0), (8,), (8, 1, 0), (7,), (6, 1, 0))
_WRITES = const(5)
_STEADY_MS = const(2500)  # data comes every second in active mode


def begin(it, mode):
    it.query = mode == "query"
    it.writes = 0  # in a row that changed nothing
    it._proof = _WORK
    if it.query:
        it._ask = _command(4)


def say(it, now):
    step = it._step
    if it._tries:
        it.retries += 1
        if step in (_SET_MODE, _SET_PERIOD):
            step -= 1
        elif step in (_READ_MODE, _READ_PERIOD) and it._tries >= 5:
            steady = it._heard is not None and now - it._heard <= _STEADY_MS
            step = 0 if steady else _WORK
        elif step == _READ_FIRMWARE and it._tries >= 3:
            step = 0
    if not step:
        return 0, None, 0
    if step == _SET_MODE and it.query:
        return step, _command(2, 1, 1), 0
    return step, _command(*_STEPS[step]), 0


def _command(number, write=0, value=0):
    """19 bytes to any SDS011 (id FFFF)."""
    frame = bytearray(19)
    frame[0], frame[1], frame[2], frame[3], frame[4] = 0xAA, 0xB4, number, write, value
    frame[15] = frame[16] = 0xFF
    frame[17] = sum(frame[2:17]) & 0xFF
    frame[18] = 0xAB
    return bytes(frame)


def reply(it, event):
    what, value, step = event["what"], event["value"], it._step
    if what == "work" and step == _WORK and value == 1:
        return _READ_MODE, True
    if what == "work" and step == _SLEEP and value == 0:
        return 0, False
    if what in ("mode", "period"):
        read = _READ_MODE if what == "mode" else _READ_PERIOD
        if step != read + event["set"]:  # late, and to an earlier question
            return None
        right = value == (what == "mode" and it.query)
        if right:
            it.writes = 0
        if not right and step != read:
            return read, False
        if not right and it.writes < _WRITES:
            it.writes += 1
            return read + 1, False
        return (0 if it.fw and what == "period" else read + 2), False
    if what == "firmware" and step == _READ_FIRMWARE:
        return 0, False
    return None


def data(it):
    return (_READ_MODE, True) if it._step == _WORK else None


def parse(parser, at):
    """The event of a sound frame of kind C5 in a Parser's buffer, or the reason to reject it."""
    buf = parser._buf
    what = _REPLIES.get(buf[at + 2])
    if what is None:
        return "unknown"
    a, value, c = buf[at + 3], buf[at + 4], buf[at + 5]
    if what == "firmware":
        if not (a <= 99 and 1 <= value <= 12 and 1 <= c <= 31):
            return "out_of_range"
    elif what != "id" and (a > 1 or value > (30 if what == "period" else 1)):
        return "out_of_range"
    foreign = parser._foreign(at)
    if foreign:
        return foreign
    if what == "firmware":
        parser.fw = "%02d-%02d-%02d" % (a, value, c)
        a, value = 0, None
    elif what == "id":
        a, value = 1, None
    return {"kind": "reply", "what": what, "set": a, "value": value}
