"""When each boot began, so that a reading from before the first sync gets its time even after a restart.

The chip's own clock runs on through resets and deep sleep, and begins anew after a power cut. A `session` is
the time between two power cuts, named after its first boot; its ms are those of the chip's clock as if nobody
had ever set it. times.json holds, for each boot of which readings may wait without a time, four numbers in a
row: boot, session, ms of the session at its start, UTC ms of its start or null. The first sync of a session
gives the time of all its boots; those of an earlier session that never had one stay without.

clock.origin has the session, ms of it at this boot's start, and the starts that the file did not take: boot,
ms, boot, ms, ...
"""

import json

from micropython import const

from node import files, use_once
from node.outbox import STRIDE

_FILE = "times.json"
_NUMBERS = const(4)
_MOST = const(64)  # boots
_MOST_UNWRITTEN = const(8)
_EARLIEST_MS = const(1735689600000)  # 2025: before, the chip's clock was not set by us


def begin(app):
    """Note this boot's start. After a restart without a power cut go on with the time that was known."""
    board, clock, outbox = app.board, app.clock, app.outbox
    clock.boot = outbox.boot
    kept = use_once("rtcstate", "load", board).get("clock") or {}
    start = board.rtc_ms() - app.now()
    session, starts = kept.get("session") or outbox.boot, kept.get("starts", [])
    zero = start - kept.get("shift", 0)
    if kept.get("right") and start > _EARLIEST_MS:
        # An earlier start of this boot, which was left by deep sleep, has given times already.
        same = kept["boot"] == outbox.boot
        clock.restore(start, kept.get("first", start) if same else start, kept["last"] if same else {})
    elif outbox.boot not in starts[::2]:
        starts += [outbox.boot, zero]
    clock.origin = [session, zero] + starts
    _note(app)
    freeze(app)


def synced(app, utc_ms, at):
    """It is `utc_ms` at uptime `at` (ms): give this session's boots their times, and set the chip's clock."""
    board = app.board
    wrong = utc_ms - at - (board.rtc_ms() - app.now())  # ms that the chip's clock is behind
    _note(app)
    if abs(wrong) >= 100:
        board.rtc_set(board.rtc_ms() + wrong)
    freeze(app)


def freeze(app):
    """Keep the time over a restart: once more before a deep sleep, for the last readings' times."""
    clock = app.clock
    kept = {
        "session": clock.origin[0],
        "shift": app.board.rtc_ms() - app.now() - clock.origin[1],
        "starts": clock.origin[2:],
        "right": clock.known,
        "boot": clock.boot,
        "first": clock.first,
        "last": clock.last,
    }
    use_once("rtcstate", "put", app.board, "clock", kept)


def start_of(clock, boot):
    """UTC ms at which a boot began, or None when nobody can know."""
    for number, session, start, utc in _each(_all(clock, _load())):
        if number == boot:
            return _utc(clock, session, start) if utc is None else utc
    return None


def health(clock):
    """The clock's entry in `health`, as far as it is known; None when nothing is."""
    out = {}
    if clock.drift_ppm is not None:
        out["drift_ppm"] = clock.drift_ppm
    if clock.synced_at is not None:
        out["age_s"] = (clock.now() - clock.synced_at) // 1000
    return out or None


def _utc(clock, session, start):
    """UTC ms of a start that is told in ms of a session. None also when the chip's clock was set and the node
    reset before that could be kept: then it would be after this boot's own, or years ago."""
    if clock.first is None or session != clock.origin[0]:
        return None
    utc = start - clock.origin[1] + clock.first
    return utc if _EARLIEST_MS < utc <= clock.first else None


def _note(app):
    """Bring the file up to date. What it does not take is in clock.origin, and in the chip's memory by
    freeze(), until it does: no time hangs on when that is."""
    clock, outbox = app.clock, app.outbox
    held = range(0, len(outbox.index), STRIDE)
    known = _load()
    entries = []
    for boot, session, start, utc in _each(_all(clock, known)):
        if utc is None:
            utc = _utc(clock, session, start)
        waits = boot == clock.boot or any(outbox.holds(at, boot) for at in held)
        if waits and (utc or session == clock.origin[0]):
            entries += boot, session, start, utc
    entries = entries[-_NUMBERS * _MOST :]
    try:
        if entries != known:
            files.write(_FILE, json.dumps(entries).encode())
        clock.origin = clock.origin[:2]
    except OSError as error:
        print(_FILE, "could not be written:", repr(error))
        clock.origin = clock.origin[:2] + clock.origin[2:][-2 * _MOST_UNWRITTEN :]


def _all(clock, known):
    """The file's entries, and those of the starts that it did not take."""
    entries, origin = known[:], clock.origin
    for at in range(2, len(origin), 2):
        if origin[at] not in known[::_NUMBERS]:
            entries += origin[at], origin[0], origin[at + 1], None
    return entries


def _each(entries):
    for at in range(0, len(entries), _NUMBERS):
        yield entries[at : at + _NUMBERS]


def _load():
    try:
        entries = list(json.loads(files.read(_FILE) or b"[]"))
        for boot, session, start, utc in _each(entries):
            sum((boot, session, start, utc or 0))  # a TypeError unless all are numbers
        return entries
    except (ValueError, TypeError) as error:
        print(_FILE, "is damaged, times of earlier starts are lost:", repr(error))
        return []
