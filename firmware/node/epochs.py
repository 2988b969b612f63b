"""When each boot began, so that a reading from before the first sync gets its time even after a restart.

The chip's own clock runs on through resets and deep sleep, and begins anew after a power cut. A `session` is
the time between two power cuts, named after its first boot. times.json holds, for each boot of which readings
may wait: [boot, session, ms of its start by the chip's clock, UTC ms of its start or null]. The first sync of
a session gives the time of all its boots; those of an earlier session that never had one stay without.
"""

import json

from node import files, use_once
from node.outbox import STRIDE

_FILE = "times.json"
_MOST = 32  # boots
_EARLIEST_MS = 1735689600000  # 2025: before, the chip's clock was not set by us


def begin(app):
    """Note this boot's start. After a restart without a power cut go on with the time that was known."""
    board, clock, outbox = app.board, app.clock, app.outbox
    clock.boot = outbox.boot
    state = use_once("rtcstate", "load", board)
    session = state.get("session")
    if not session:
        session = outbox.boot
        use_once("rtcstate", "put", board, "session", session)
    start = board.rtc_ms() - app.now()
    kept = state.get("clock") or {}
    right = bool(kept.get("right")) and start > _EARLIEST_MS
    if right:
        # An earlier start of this boot, which was left by deep sleep, has given times already.
        clock.restore(start, kept.get("last", {}) if kept.get("boot") == outbox.boot else {})
    held = range(0, len(outbox.index), STRIDE)
    known = [entry for entry in _load() if any(outbox.holds(at, entry[0]) for at in held)]
    known = [entry for entry in known if entry[0] != outbox.boot]
    known.append([outbox.boot, session, start, start if right else None])
    _keep(known[-_MOST:])


def synced(app, utc_ms, at):
    """It is `utc_ms` at uptime `at` (ms): give this session's boots their times, and set the chip's clock."""
    board = app.board
    wrong = utc_ms - at - (board.rtc_ms() - app.now())  # ms that the chip's clock is behind
    entries = _load()
    session = None
    for entry in entries:
        if entry[0] == app.clock.boot:
            session = entry[1]
    changed = False
    for entry in entries:
        if entry[1] == session and entry[3] is None:
            entry[3] = entry[2] + wrong
            changed = True
    if changed:
        _keep(entries)
    if abs(wrong) >= 100:
        board.rtc_set(board.rtc_ms() + wrong)
    freeze(app)


def freeze(app):
    """Keep the time over a restart: once more before a deep sleep, for the last readings' times."""
    clock = app.clock
    kept = {"right": clock.known, "boot": clock.boot, "last": clock.last}
    use_once("rtcstate", "put", app.board, "clock", kept)


def start_of(boot):
    """UTC ms at which a boot began, or None when nobody can know."""
    for entry in _load():
        if entry[0] == boot:
            return entry[3]
    return None


def health(clock):
    """The clock's entry in `health`, as far as it is known; None when nothing is."""
    out = {}
    if clock.drift_ppm is not None:
        out["drift_ppm"] = clock.drift_ppm
    if clock.synced_at is not None:
        out["age_s"] = (clock.now() - clock.synced_at) // 1000
    return out or None


def _load():
    try:
        entries = json.loads(files.read(_FILE) or b"[]")
        for boot, session, start, utc in entries:
            sum((boot, session, start, utc or 0))  # a TypeError unless all are numbers
        return entries
    except (ValueError, TypeError) as error:
        print(_FILE, "is damaged, times of earlier starts are lost:", repr(error))
        return []


def _keep(entries):
    try:
        files.write(_FILE, json.dumps(entries).encode())
    except OSError as error:
        print(_FILE, "could not be written:", repr(error))
