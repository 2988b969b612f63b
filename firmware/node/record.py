"""A reading as bytes, for the outbox, and from those bytes as JSON, for the wire. Loaded for a few at a time.

Numbers are kept as scaled integers from here on, so that 9.7 leaves as `9.7` on a chip whose floats have
24 bits. What comes often takes one byte, so that 14 days of a Plantower with a BME280 fit into a MiB. Layout
of a body (integers are LEB128 varints, signed ones zigzag):

    seq
    one byte    bits 0-1 tq (0: no time), bit 2: flags follow
    one byte    bits 0-2 slot (1 to 7: "a" to "g", 0: a text follows), bits 3-7 model (0: a text follows)
    one byte    bits 0-2 temp, rh, press, bits 3-7 which of the other fields (in _SETS, 0: bits follow)
    [slot] [model] [bits of the other fields, bit 15: all values signed]    texts: length, bytes
    up, [t - _EPOCH modulo 2**32], dt, n, [bits of the flags], values
"""

from micropython import const

from node.sampler import FIELDS

# Fields from _COUNTS to before _REST are whole numbers; the others keep two decimals.
_COUNTS = const(9)
_REST = const(15)
_EPOCH = const(1735689600)  # 2025: a time from there to 2033 takes four bytes
_SIGNED = const(0x28070)  # *_cf1, temp, press; of the others a value below zero makes all signed
_ALL_SIGNED = const(0x8000)
_PRESS = const(100000)  # from here press counts, in Pa
# As FIELDS: the order is the format. Append, never reorder.
_SETS = (0x8000, 0, 0x18A, 0x7FFB, 0x18F)  # any, none, sds011, plantower, sensirion
_FLAGS = (
    "no_frame",
    "bad_checksum",
    "warming_up",
    "stuck",
    "saturated",
    "device_error",
    "out_of_range",
    "disagree",
    "climate_error",
    "climate_stuck",
)
_QUALITIES = ("none", "ntp", "held", "back")
_MODELS = (
    "",
    "sds011",
    "pms5003",
    "pms7003",
    "pmsa003",
    "pms3003",
    "pms5003st",
    "pms5003t",
    "sps30",
    "sen55",
    "sen50",
    "sen54",
    "pmsa003i",
    "auto",
)


class RecordError(Exception):
    """These bytes are not a record."""


def _put(out, number):
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _get(body, at):
    number = shift = 0
    while True:
        if at >= len(body) or shift > 63:
            raise RecordError("cut short")
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _put_text(out, text):
    raw = text.encode()
    _put(out, len(raw))
    out.extend(raw)


def _get_text(body, at):
    length, at = _get(body, at)
    if at + length > len(body):
        raise RecordError("cut short")
    return bytes(body[at : at + length]).decode(), at + length


def _base(i, scaled):
    """What a value is kept as the difference to: a CF=1 value to the atmospheric one, which is near it."""
    if 4 <= i < 7:
        return scaled.get((0, 1, 3)[i - 4], 0)
    return _PRESS if i == 17 else 0


def encode(seq, t, tq, reading):
    """Bytes of one reading. `reading` is what a measurement gives (slot, model, up, dt, n, values, flags);
    `t` is UTC seconds or None. Values that are None or absent are left out."""
    scaled = {}
    bits = 0
    signed = _SIGNED
    for i, name in enumerate(FIELDS):
        value = reading.get(name)
        if value is not None:
            bits |= 1 << i
            scaled[i] = round(value if _COUNTS <= i < _REST else value * 100)
            if scaled[i] < 0 and not _SIGNED >> i & 1:
                signed = -1
    fields = bits & 0x7FFF
    kind = _SETS.index(fields) if signed > 0 and fields in _SETS else 0
    slot = reading["slot"]
    place = ord(slot) - 96 if len(slot) == 1 and "a" <= slot <= "g" else 0
    model = _MODELS.index(reading["model"]) if reading["model"] in _MODELS else 0
    quality = _QUALITIES.index(tq) if t else 0
    out = bytearray()
    _put(out, seq)
    out.append(quality | (4 if reading["flags"] else 0))
    out.append(place | model << 3)
    out.append(bits >> _REST | kind << 3)
    if not place:
        _put_text(out, slot)
    if not model:
        _put_text(out, reading["model"])
    if not kind:
        _put(out, fields | (_ALL_SIGNED if signed < 0 else 0))
    _put(out, reading["up"])
    if quality:
        _put(out, (t - _EPOCH) & 0xFFFFFFFF)
    _put(out, reading["dt"])
    _put(out, reading["n"])
    if reading["flags"]:
        flags = 0
        for flag in reading["flags"]:
            flags |= 1 << _FLAGS.index(flag)
        _put(out, flags)
    for i in range(len(FIELDS)):
        if bits >> i & 1:
            number = scaled[i] - _base(i, scaled)
            if signed >> i & 1:
                number = number << 1 if number >= 0 else (-number << 1) - 1
            _put(out, number)
    return bytes(out)


def seq_of(body):
    """The seq alone, without reading the rest."""
    return _get(body, 0)[0]


def _decimal(number):
    """A number with two decimals, without a float in between: -5 -> -0.05."""
    digits = str(abs(number))
    while len(digits) < 3:
        digits = "0" + digits
    text = digits[:-2] + "." + digits[-2:]
    if text.endswith("0"):
        text = text[:-1]
    return "-" + text if number < 0 else text


def to_json(body, stamp):
    """The reading as the contract's JSON text. `stamp(up)` gives (t, tq) for a reading that was born before
    the clock was known; (None, "none") when it cannot say. Raises RecordError."""
    seq, at = _get(body, 0)
    if at + 3 > len(body):
        raise RecordError("cut short")
    head, place, fields = body[at], body[at + 1], body[at + 2]
    at += 3
    model = place >> 3
    place &= 7
    kind = fields >> 3
    if head > 7 or model >= len(_MODELS) or kind >= len(_SETS):
        raise RecordError("of another format")
    slot = chr(96 + place)
    if not place:
        slot, at = _get_text(body, at)
    if model:
        model = _MODELS[model]
    else:
        model, at = _get_text(body, at)
    bits = _SETS[kind]
    if not kind:
        bits, at = _get(body, at)
    signed = -1 if bits & _ALL_SIGNED else _SIGNED
    bits = bits & 0x7FFF | (fields & 7) << _REST
    up, at = _get(body, at)
    t = flags = 0
    quality = _QUALITIES[head & 3]
    if head & 3:
        t, at = _get(body, at)
        t = (t + _EPOCH) & 0xFFFFFFFF
    else:
        t, quality = stamp(up)
    dt, at = _get(body, at)
    n, at = _get(body, at)
    if head & 4:
        flags, at = _get(body, at)
    when = "null" if t is None else t
    parts = ['{"seq":%d,"t":%s,"tq":"%s","up":%d,"dt":%d,"n":%d' % (seq, when, quality, up, dt, n)]
    scaled = {}
    for i, name in enumerate(FIELDS):
        if bits >> i & 1:
            number, at = _get(body, at)
            if signed >> i & 1:
                number = -((number + 1) >> 1) if number & 1 else number >> 1
            scaled[i] = number = number + _base(i, scaled)
            parts.append('"%s":%s' % (name, str(number) if _COUNTS <= i < _REST else _decimal(number)))
    names = ",".join(['"' + name + '"' for i, name in enumerate(_FLAGS) if flags >> i & 1])
    parts.append('"slot":"%s","model":"%s","flags":[%s]}' % (slot, model, names))
    return ",".join(parts)
