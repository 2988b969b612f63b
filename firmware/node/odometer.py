"""Hours that each sensor's laser has run, over restarts: a laser lives for some thousand hours."""

import json

from micropython import const

from node import files

_EVERY_MS = const(3600000)
_MOST_IDS = const(4)


class Odometer:
    """Kept in a small file: slot -> device id ("" = unknown) -> seconds.

    Written at most once an hour: 8,760 times a year at most. A flash block stands about 100,000 erasures, so
    even if each write erased the same block it would last eleven years; littlefs spreads them. A power cut
    costs at most the last hour's count.

    A sensor that tells its id has hours of its own: a new one begins at 0, an old one that is back goes on.
    What was counted since the start under no id goes over to the id as soon as it is known.

    Beside the hours, under "-", which is no slot's name: seconds that a slot's sensor has run since its fan
    was cleaned.
    """

    def __init__(self, path="laser.json"):
        self._path = path
        self._late = {}  # slot -> seconds since the start for which the id was not known
        self._changed = False
        self._saved = None  # ms of the last write, or of the first question
        self._slots = {}
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
            self._slots = slots
        except (ValueError, AttributeError) as error:
            print(path, "is damaged, laser hours start at 0:", repr(error))

    def hours(self, slot, id):
        """Total hours of the sensor with this id (None = not known) in this slot."""
        return self._slots.get(slot, {}).get(id or "", 0) / 3600

    def add(self, slot, id, seconds):
        """Count whole seconds for which a laser was on."""
        ids = self._slots.setdefault(slot, {})
        if id:
            late = self._late.pop(slot, 0)
            if late:
                ids[""] -= late
                seconds += late
            if id not in ids and len(ids) >= _MOST_IDS:
                del ids[min(ids, key=lambda name: ids[name])]
        else:
            id = ""
            self._late[slot] = self._late.get(slot, 0) + seconds
        ids[id] = ids.get(id, 0) + seconds
        self._changed = True

    def since_clean(self, slot):
        """Seconds run since the fan was cleaned, as last kept."""
        return self._slots.get("-", {}).get(slot, 0)

    def keep_clean(self, slot, seconds):
        """Keep these seconds; that a fan was cleaned, and they are fewer now, is written at once."""
        fewer = seconds < self.since_clean(slot)
        self._slots.setdefault("-", {})[slot] = seconds
        self._changed = True
        if fewer:
            self.save()

    def save_if_due(self, now):
        """Write when an hour has passed since the last time and something was counted."""
        if self._saved is None:
            self._saved = now
        if self._changed and now - self._saved >= _EVERY_MS:
            self._saved = now
            self.save()

    def save(self):
        """Write now. When that fails, it is said, and tried again in an hour."""
        try:
            files.write(self._path, json.dumps(self._slots).encode())
            self._changed = False
        except OSError as error:
            print(self._path, "could not be written:", repr(error))
