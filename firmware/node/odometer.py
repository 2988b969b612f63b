"""Hours that each sensor's laser has run, over restarts: a laser lives for some thousand hours.

Functions of a node.Seldom. They are kept in a small file: slot -> device id ("" = unknown) -> seconds.

Written at most once an hour: 8,760 times a year at most. A flash block stands about 100,000 erasures, so even
if each write erased the same block it would last eleven years; littlefs spreads them. A power cut costs at
most the last hour's count.

A sensor that tells its id has hours of its own: a new one begins at 0, an old one that is back goes on. What
was counted since the start under no id goes over to the id as soon as it is known.

Beside the hours, under "-", which is no slot's name: seconds that a slot's sensor has run since its fan was
cleaned.
"""

import json

from micropython import const

from node import files

_EVERY_MS = const(3600000)
_MOST_IDS = const(4)


def load(it, path="laser.json"):
    """Read the file; a damaged one counts as absent."""
    it.path = path
    it.late = {}  # slot -> seconds since the start for which the id was not known
    it.changed = False
    it.saved = None  # ms of the last write, or of the first question
    it.slots = {}
    data = files.read(path)
    if data is None:
        print(path, "is not there: laser hours start at 0")
        return
    try:
        slots = json.loads(data)
        for ids in slots.values():
            for seconds in ids.values():
                if not isinstance(seconds, int) or seconds < 0:
                    raise ValueError(seconds)
        it.slots = slots
    except (ValueError, AttributeError) as error:
        print(path, "is damaged, laser hours start at 0:", repr(error))


def hours(it, slot, id):
    """Total hours of the sensor with this id (None = not known) in this slot."""
    return it.slots.get(slot, {}).get(id or "", 0) / 3600


def add(it, slot, id, seconds):
    """Count whole seconds for which a laser was on."""
    ids = it.slots.setdefault(slot, {})
    if id:
        late = it.late.pop(slot, 0)
        if late:
            ids[""] -= late
            seconds += late
        if id not in ids and len(ids) >= _MOST_IDS:
            del ids[min(ids, key=lambda name: ids[name])]
    else:
        id = ""
        it.late[slot] = it.late.get(slot, 0) + seconds
    ids[id] = ids.get(id, 0) + seconds
    it.changed = True


def since_clean(it, slot):
    """Seconds run since the fan was cleaned, as last kept."""
    return it.slots.get("-", {}).get(slot, 0)


def keep_clean(it, slot, seconds):
    """Keep these seconds; that a fan was cleaned, and they are fewer now, is written at once."""
    fewer = seconds < since_clean(it, slot)
    it.slots.setdefault("-", {})[slot] = seconds
    it.changed = True
    if fewer:
        it.save()


def save_if_due(it, now):
    """Write when an hour has passed since the last time and something was counted."""
    if it.saved is None:
        it.saved = now
    if it.changed and now - it.saved >= _EVERY_MS:
        it.saved = now
        it.save()


def save(it):
    """Write now. When that fails, it is said, and tried again in an hour."""
    try:
        files.write(it.path, json.dumps(it.slots).encode())
        it.changed = False
    except OSError as error:
        print(it.path, "could not be written:", repr(error))
