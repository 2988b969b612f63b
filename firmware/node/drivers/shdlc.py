"""SHDLC, the serial protocol of Sensirion's SPS30: frames between two 7E, with byte stuffing. Sans I/O.

SPS30 datasheet (Sensirion, version 1.0, D1, March 2020) section 5.2: 7E, address, command, state, length,
data, checksum, 7E; a frame to the sensor has no state. Checksum = inverted low byte of the sum of all bytes
between the flags, built before stuffing. 7E 7D 11 13 travel as 7D 5E, 7D 5D, 7D 31, 7D 33.
"""

from micropython import const

_SIZE = const(45)  # the longest reply of an SPS30: address, command, state, length, 40 of data, checksum


def frame(command, data=b""):
    """The bytes of a command to the sensor (address 0), `data` of at most 255 bytes."""
    body = bytearray((0, command, len(data))) + data
    body.append(~sum(body) & 0xFF)
    out = bytearray(b"~")
    for byte in body:
        if byte in b"~}\x11\x13":
            out.append(0x7D)
            byte ^= 0x20
        out.append(byte)
    out.append(0x7E)
    return bytes(out)


class Parser:
    """Feed bytes, take events {"kind": "reply", "address", "command", "state" (int), "data" (bytes-like)}.

    What lies between two flags is judged when the second is there, so an intact frame is found whatever came
    before it; a flag may end one frame and begin the next. `rejects` counts checksum (also wrong stuffing),
    length, truncated (the stream ended, or an escape has no byte) and garbage: bytes before the first flag,
    and bytes between the end of a frame and the next flag that are no frame. What is decided depends on the
    bytes alone, not on how they were cut into chunks. Nothing raises, and the buffer does not grow.
    """

    def __init__(self):
        self.frames = 0
        self.rejects = {}
        self._buf = bytearray(_SIZE)
        self.drop()

    def drop(self):
        """Forget what waits for its rest; it is counted nowhere."""
        self._raw = -1  # bytes since the last flag, as they came; -1 = there was no flag yet
        self._n = 0  # the same without stuffing
        self._closed = False  # the last flag ended something: what follows may be no frame
        self._escaped = self._bad = False

    def feed(self, data):
        """Take bytes; return the events of all frames they complete, in order."""
        events = []
        buf = self._buf
        for byte in data:
            if byte == 0x7E:
                if self._raw >= 0:
                    self._end(events)
                self._raw = self._n = 0
                self._escaped = self._bad = False
                continue
            if self._raw < 0:
                self.reject("garbage")
                continue
            self._raw += 1
            if self._escaped:
                self._escaped = False
                byte ^= 0x20
                if byte not in b"~}\x11\x13":
                    self._bad = True
            elif byte in b"}\x11\x13":  # 11 and 13 never travel bare
                self._escaped = byte == 0x7D
                if self._escaped:
                    continue
                self._bad = True
            if self._n < _SIZE:
                buf[self._n] = byte
            self._n += 1
        return events

    def flush(self):
        """The stream has ended: count what still waits for its rest; there are no last events."""
        if self._raw > 0:
            self.reject("truncated")
        self.drop()
        return []

    def reject(self, reason, count=1):
        self.rejects[reason] = self.rejects.get(reason, 0) + count

    def _end(self, events):
        """A flag came: judge what lies before it."""
        if not self._raw:
            if not self._closed:
                self.reject("length")
            self._closed = False
            return
        buf = self._buf
        end = self._n - 1
        reason = ""
        if self._escaped:
            reason = "truncated"
        elif not 4 <= end < _SIZE or buf[3] + 4 != end:
            reason = "length"
        elif self._bad or (sum(memoryview(buf)[: end + 1])) & 0xFF != 0xFF:
            reason = "checksum"
        if not reason:
            self.frames += 1
            events.append(
                {
                    "kind": "reply",
                    "address": buf[0],
                    "command": buf[1],
                    "state": buf[2],
                    "data": bytes(memoryview(buf)[4:end]),
                }
            )
        elif self._closed:
            self.reject("garbage", self._raw)
        else:
            self.reject(reason)
        self._closed = True
