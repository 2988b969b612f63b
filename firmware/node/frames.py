"""Find frames in a byte stream that may hold anything. Sans I/O, in a fixed buffer, never raises."""

# pyright: reportAttributeAccessIssue=false
# A subclass has what is missing here; a method that says so would cost 100 bytes each.


class Resync:
    """Base of the parsers: feed bytes, take events; `frames` and `rejects` (reason -> count) add up.

    A subclass gives FIRST (the header byte), SIZE (longest frame) and
      _need(at, end): bytes that the candidate at `at` takes in all, as far as what lies before `end` tells;
        0 = no frame, -n = a header of n bytes with a length that no frame has. Or NEED, if always the same;
      _judge(at): the event of a complete candidate, or the reason (str) to reject it, "" = it was no frame.
    Checks beyond the checksum belong in a method _doubt(at): the reason why an intact data frame is not
    believed, or "". To measure what these checks are worth, override it to give "" always.

    A rejected candidate loses its header byte only, and the search goes on in the bytes behind it, so an
    intact frame inside a damaged one is found at once. What is decided depends on the bytes alone, never on
    how they were cut into chunks. `garbage` counts bytes that were part of no frame and no candidate.

    Bytes are moved one by one: slices would leave an object each to the collector. A call of feed() makes
    the list it returns and the events in it, nothing else.
    """

    FIRST = 0
    SIZE = 0
    NEED = 0
    id = fw = model = None  # what frames told of the sensor: serial number, firmware and model, str or None

    def __init__(self):
        self.frames = 0
        self.rejects = {}
        # Twice the longest frame: what waits is always shorter than one frame, so feeding makes progress.
        self._buf = bytearray(2 * self.SIZE)
        self._held = 0
        self._claimed = 0  # bytes at the front that were counted with a rejected candidate

    def feed(self, data):
        """Take bytes; return the events of all frames they complete, in order."""
        events = []
        buf = self._buf
        held = self._held
        for byte in data:
            buf[held] = byte
            held += 1
            if held == len(buf):
                self._held = held
                self._scan(events, False)
                held = self._held
        self._held = held
        self._scan(events, False)
        return events

    def drop(self):
        """Forget what waits for its rest; it is counted nowhere."""
        self._held = self._claimed = 0

    def flush(self):
        """The stream has ended: judge what still waits for its rest, as `truncated`; return last events."""
        events = []
        self._scan(events, True)
        return events

    def _reject(self, reason):
        self.rejects[reason] = self.rejects.get(reason, 0) + 1

    def _scan(self, events, ended):
        buf = self._buf
        end = self._held
        at = 0
        claimed = self._claimed
        while at < end:
            reason = ""
            if buf[at] == self.FIRST:
                need = self.NEED or self._need(at, end)
                if need < 0:
                    reason = "length"
                    need = -need
                elif need > end - at:
                    if not ended:
                        break
                    reason = "truncated"
                    need = end - at
                elif need:
                    event = self._judge(at)
                    if isinstance(event, dict):
                        self.frames += 1
                        events.append(event)
                        at += need
                        continue
                    reason = event
                if reason:
                    self._reject(reason)
                    claimed = max(claimed, at + need)
            if at >= claimed:
                self._reject("garbage")
            at += 1
        self._claimed = max(claimed - at, 0)
        self._held = end - at
        if at:
            for i in range(self._held):
                buf[i] = buf[at + i]
