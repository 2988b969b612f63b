"""Improv Wi-Fi over serial: packets in and out, no I/O. https://www.improv-wifi.com/serial/

    I M P R O V, version 1, kind, length, data, sum of all bytes before modulo 256, line feed

Of our own are the commands KIT, a kit code's JSON in pieces, and WHY, what went wrong at the last try.
"""

from micropython import const

_HEAD = b"IMPROV\x01"
STATE = const(1)  # kinds of packets
ERROR = const(2)
RPC = const(3)
RESULT = const(4)

WIFI = const(1)  # commands
CURRENT = const(2)
INFO = const(3)
NETWORKS = const(4)
KIT = const(0xD1)
WHY = const(0xD2)

READY = const(2)  # states
PROVISIONING = const(3)
PROVISIONED = const(4)

NO_ERROR = const(0)
BAD_PACKET = const(1)
UNKNOWN_COMMAND = const(2)
NOT_CONNECTED = const(3)

_LONGEST = const(265)  # 9 of a head, 255, the sum
PIECE = const(120)
_MOST_PIECES = const(48)


class Parser:
    """Finds packets in what comes over the line. Never raises, holds one packet at most, and looks for the
    next one inside whatever turned out to be none."""

    def __init__(self):
        self.wrong = 0  # packets whose sum did not fit
        self._buf = b""

    def feed(self, data):
        """Take some bytes. Returns what they complete, in their order: (kind, data) for a packet, and
        (None, bytes) for what belongs to none."""
        found = []
        for at in range(0, len(data), 64):
            self._buf += bytes(data[at : at + 64])
            while self._next(found):
                pass
        return found

    def pending(self):
        """Whether a packet has begun."""
        return bool(self._buf)

    def quiet(self):
        """Nothing came for a while: what has begun will not go on, and may hide a packet. As feed()."""
        found = []
        while self._buf:
            self._give_up(found)
            while self._next(found):
                pass
        return found

    def _next(self, found):
        """One step; False when more bytes are needed."""
        buf = self._buf
        head = buf[:7]
        if head != _HEAD[: len(head)]:
            self._give_up(found)
            return True
        if len(buf) < 9 or len(buf) < 10 + buf[8]:
            return False
        end = 9 + buf[8]
        if sum(buf[:end]) & 255 != buf[end]:
            self.wrong += 1
            self._give_up(found)
            return True
        self._buf = buf[end + 1 :]
        found.append((buf[7], buf[9:end]))
        return True

    def _give_up(self, found):
        """Up to the next place where a packet may begin."""
        buf = self._buf
        at = 1
        while at < len(buf) and buf[at : at + 7] != _HEAD[: min(7, len(buf) - at)]:
            at += 1
        if found and found[-1][0] is None:
            found[-1] = (None, found[-1][1] + buf[:at])
        else:
            found.append((None, buf[:at]))
        self._buf = buf[at:]


def packet(kind, data):
    """Bytes of a packet with up to 255 of data. It stands on a line of its own, whatever came before."""
    body = _HEAD + bytes((kind, len(data))) + bytes(data)
    return b"\n" + body + bytes((sum(body) & 255, 10))


def result(command, texts):
    """The packet that answers a command. Texts that do not fit are left out."""
    body = b""
    for text in texts:
        raw = text.encode()
        if len(raw) > 250 or len(body) + 1 + len(raw) > 253:
            break
        body += bytes((len(raw),)) + raw
    if len(body) == 8:
        body += b"\0"  # an empty text more: browsers' SDK (2.8.1) takes a length of 10 for a line feed
    return packet(RESULT, bytes((command, len(body))) + body)


def command_of(data):
    """(command, its data) of an RPC packet's data, None if it is not of that form."""
    if len(data) < 2 or data[1] != len(data) - 2:
        return None
    return data[0], data[2:]


def wifi_of(data):
    """(ssid, password) of WIFI's data, None if it is not of that form or not UTF-8."""
    if not data or len(data) < 2 + data[0]:
        return None
    end = 1 + data[0]
    if len(data) != end + 1 + data[end]:
        return None
    try:
        return str(data[1:end], "utf-8"), str(data[end + 1 :], "utf-8")
    except (UnicodeError, ValueError):
        return None


class Pieces:
    """Puts a kit code's JSON together: an index, a count, up to PIECE bytes each. The first begins anew; one
    that comes twice, since its answer was lost, is taken once."""

    def __init__(self):
        self._count = 0
        self._next = 0
        self._whole = b""
        self._last = b""

    def put(self, data):
        """The whole once its last piece is here, b"" before, None for a piece that does not fit."""
        if len(data) < 3 or len(data) > 2 + PIECE or not 0 < data[1] <= _MOST_PIECES or data[0] >= data[1]:
            return None
        if data[0] == 0:
            self._count, self._next, self._whole = data[1], 0, b""
        elif data[1] == self._count and data[0] + 1 == self._next and data == self._last:
            return self._whole if self._next == self._count else b""
        if data[1] != self._count or data[0] != self._next:
            return None
        self._whole += data[2:]
        self._next += 1
        self._last = data
        return self._whole if self._next == self._count else b""
