"""MQTT 3.1.1 packets: encoders that return bytes, and a decoder for what a broker sends. No I/O. What only a
connection's beginning takes is in hello.py.

Section numbers in comments are those of the OASIS standard MQTT Version 3.1.1.
Runs on MicroPython and CPython.
"""

from micropython import const

from node.mqtt.errors import ProtocolError

_MAX_REMAINING = const(268435455)  # four bytes of seven bits, section 2.2.3

_CONNACK = const(2)
_PUBLISH = const(3)
_PUBACK = const(4)
_SUBACK = const(9)
_PINGRESP = const(13)

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

# What words.py says of what went wrong; from 51 on it is this node's fault.
_LONG_LENGTH = const(1)
_WRONG_LENGTH = const(2)
_SUBACK_LENGTH = const(3)
_LONG_WITHOUT_ID = const(4)
_CONNACK_BITS = const(5)
_ID_0 = const(6)
_SUBACK_CODE = const(7)
_QOS_3 = const(8)
_QOS_2 = const(9)
_DUP_QOS_0 = const(10)
_UNEXPECTED = const(11)
_RESERVED_BITS = const(12)
_TOPIC_CUT = const(13)
_TOPIC_UTF8 = const(14)
_PUBLISH_ID_0 = const(15)
_LONG_FIELD = const(51)
_LONG_PACKET = const(52)
_BAD_TOPIC = const(53)
_BAD_ID = const(54)
_BAD_QOS = const(55)
_OWN_DUP_QOS0 = const(59)

# What a broker may send that has one length only: type -> remaining length.
_FIXED = {_CONNACK: 2, _PUBACK: 2, _PINGRESP: 0}


def field(value):
    """Bytes or text with its two-byte length before it (section 1.5.3)."""
    raw = value.encode() if isinstance(value, str) else value
    if len(raw) > 65535:
        raise ProtocolError(_LONG_FIELD, len(raw))
    return bytes((len(raw) >> 8, len(raw) & 255)) + raw


def head(first, length):
    """Fixed header: type and flags, then the remaining length, least significant seven bits first."""
    if length > _MAX_REMAINING:
        raise ProtocolError(_LONG_PACKET, length)
    out = bytearray((first,))
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out)


def check(topic, qos, packet_id=1):
    """Raises ProtocolError for what this node may not send."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise ProtocolError(_BAD_TOPIC, topic)
    if qos not in (0, 1):
        raise ProtocolError(_BAD_QOS, qos)
    if not packet_id or not 1 <= packet_id <= 65535:
        raise ProtocolError(_BAD_ID, packet_id)


def encode_publish_head(topic, size, qos=0, retain=False, dup=False, packet_id=None):
    """PUBLISH up to the payload, which has `size` bytes and follows: so a long payload is not copied."""
    check(topic, qos, (packet_id or 0) if qos else 1)
    if dup and not qos:
        raise ProtocolError(_OWN_DUP_QOS0)  # 3.3.1.1
    variable = field(topic)
    if qos:
        variable += bytes((packet_id >> 8, packet_id & 255))
    return head(0x30 | (8 if dup else 0) | qos << 1 | (1 if retain else 0), len(variable) + size) + variable


def encode_puback(packet_id):
    check("t", 1, packet_id)
    return bytes((0x40, 2, packet_id >> 8, packet_id & 255))


class Decoder:
    """Takes a broker's bytes in pieces of any size, gives events.

    Events are tuples, the name first:
        ("connack", session_present, code)
        ("publish", topic, payload, qos, packet_id or None, retain, dup)   topic str, payload bytearray
        ("puback", packet_id)
        ("suback", packet_id, codes)          codes: bytes, 0x80 is a refusal
        ("pingresp",)
        ("oversize", size, packet_id or None) a _PUBLISH above max_packet (or that no memory was left for),
                                              skipped without keeping it; the id if it wants a _PUBACK
        ("error", ProtocolError)              always last: from here on nothing is decoded any more
    Memory is bounded: at most one packet of max_packet bytes (remaining length) is kept.
    """

    def __init__(self, max_packet=8192):
        self.max_packet = max_packet
        self.failed = None
        self._first = None  # first byte of the packet that is being read
        self._shift = 0  # bits of the remaining length known so far; None once it is complete
        self._length = 0
        self._got = 0  # bytes of the body seen
        self._body = None  # None: the body is skipped
        self._topic_length = 0  # of a _PUBLISH that is skipped
        self._id = 0

    def feed(self, data):
        """Decode what has come; returns the list of events. Never raises on what the broker sends."""
        events = []
        if self.failed:
            return events
        view = memoryview(data)
        at = 0
        end = len(view)
        try:
            while at < end:
                if self._first is None:
                    _check_first(view[at])
                    self._first = view[at]
                    self._length = self._shift = 0
                    at += 1
                elif self._shift is not None:
                    self._take_length(view[at])
                    at += 1
                else:
                    take = min(end - at, self._length - self._got)
                    if self._body is None:
                        self._skip(view, at, take)
                    else:
                        self._body[self._got : self._got + take] = view[at : at + take]
                    self._got += take
                    at += take
                if self._first is not None and self._shift is None and self._got == self._length:
                    events.append(self._finish())
        except ProtocolError as error:
            self.failed = error
            self._body = None
            events.append(("error", error))
        return events

    def _take_length(self, byte):
        self._length |= (byte & 127) << self._shift
        if byte & 128:
            self._shift += 7  # pyright: ignore[reportOperatorIssue]
            if self._shift > 21:
                raise ProtocolError(_LONG_LENGTH)
            return
        kind = self._first >> 4
        if kind in _FIXED and self._length != _FIXED[kind]:
            raise ProtocolError(_WRONG_LENGTH, kind, self._length)
        if kind == _SUBACK and not 3 <= self._length <= self.max_packet:
            raise ProtocolError(_SUBACK_LENGTH, self._length)
        self._shift = None
        self._got = self._topic_length = self._id = 0
        self._body = None
        if self._length <= self.max_packet:
            try:
                self._body = bytearray(self._length)
            except MemoryError:
                pass  # skipped and reported as oversize: better one message less than a dead node

    def _skip(self, view, at, take):
        """Pass over a _PUBLISH that is not kept, but learn its packet id, which stands after the topic."""
        for offset in (0, 1):
            if self._got <= offset < self._got + take:
                self._topic_length = self._topic_length << 8 | view[at + offset - self._got]
        for offset in (2 + self._topic_length, 3 + self._topic_length):
            # The place is only known once both bytes of the topic's length are.
            if self._got + take >= 2 and self._got <= offset < self._got + take:
                self._id = self._id << 8 | view[at + offset - self._got]

    def _finish(self):
        first, body = self._first, self._body
        self._first = self._body = None
        kind = first >> 4
        if body is None:
            if first & 6 and (not self._id or 4 + self._topic_length > self._length):
                raise ProtocolError(_LONG_WITHOUT_ID)
            return ("oversize", self._length, self._id if first & 6 else None)
        if kind == _PUBLISH:
            return _publish(first, body)
        if kind == _PINGRESP:
            return ("pingresp",)
        if kind == _CONNACK:
            if body[0] & 0xFE:
                raise ProtocolError(_CONNACK_BITS)
            return ("connack", bool(body[0]), body[1])
        packet_id = body[0] << 8 | body[1]
        if not packet_id:
            raise ProtocolError(_ID_0, kind)
        if kind == _PUBACK:
            return ("puback", packet_id)
        for code in body[2:]:
            if code not in (0, 1, 2, 128):
                raise ProtocolError(_SUBACK_CODE, code)
        return ("suback", packet_id, bytes(body[2:]))


def _check_first(first):
    kind = first >> 4
    if kind == _PUBLISH:
        if first & 6 == 6:
            raise ProtocolError(_QOS_3)
        if first & 4:
            raise ProtocolError(_QOS_2)
        if first & 14 == 8:
            raise ProtocolError(_DUP_QOS_0)
    elif kind not in (_CONNACK, _PUBACK, _SUBACK, _PINGRESP):
        raise ProtocolError(_UNEXPECTED, kind)
    elif first & 15:
        raise ProtocolError(_RESERVED_BITS, kind)


def _publish(first, body):
    qos = first >> 1 & 3
    start = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else 2
    end = start + (2 if qos else 0)
    if start == 2 or end > len(body):
        raise ProtocolError(_TOPIC_CUT)
    try:
        topic = str(body[2:start], "utf-8")
    except UnicodeError:
        raise ProtocolError(_TOPIC_UTF8) from None
    packet_id = body[start] << 8 | body[start + 1] if qos else None
    if packet_id == 0:
        raise ProtocolError(_PUBLISH_ID_0)
    body[:end] = b""  # moves the payload to the front, in place: a copy would need a second large block
    return ("publish", topic, body, qos, packet_id, bool(first & 1), bool(first & 8))
