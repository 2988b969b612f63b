"""A reading as bytes, for the outbox, and from those bytes as JSON, for the wire.

Numbers are kept as scaled integers from here on, so that 9.7 leaves as `9.7` on a chip whose floats have
24 bits. Layout of a body (all integers are LEB128 varints, signed ones zigzag):

    seq, up, t (0 = unknown), tq, dt, n, flags (bits), fields (bits), one signed value per field bit,
    slot (length, text), model (number in _MODELS, or 0 and length, text)
"""

from micropython import const

# Names on the wire. The order is the format: append, never reorder.
FIELDS = (
    "pm1",
    "pm25",
    "pm4",
    "pm10",
    "pm1_cf1",
    "pm25_cf1",
    "pm10_cf1",
    "pm25_sd",
    "pm10_sd",
    "n03",
    "n05",
    "n1",
    "n25",
    "n5",
    "n10",
    "temp",
    "rh",
    "press",
)
# Fields from _COUNTS to before _REST are whole numbers; the others keep two decimals.
_COUNTS = const(9)
_REST = const(15)
# As FIELDS and _MODELS: the order is the format.
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


def encode(seq, t, tq, reading):
    """Bytes of one reading. `reading` is what a measurement gives (slot, model, up, dt, n, values, flags);
    `t` is UTC seconds or None. Values that are None or absent are left out."""
    out = bytearray()
    _put(out, seq)
    _put(out, reading["up"])
    _put(out, t or 0)
    _put(out, _QUALITIES.index(tq if t else "none"))
    _put(out, reading["dt"])
    _put(out, reading["n"])
    bits = 0
    for flag in reading["flags"]:
        bits |= 1 << _FLAGS.index(flag)
    _put(out, bits)
    bits = 0
    values = bytearray()
    for i, name in enumerate(FIELDS):
        value = reading.get(name)
        if value is None:
            continue
        bits |= 1 << i
        scaled = round(value if _COUNTS <= i < _REST else value * 100)
        _put(values, scaled << 1 if scaled >= 0 else (-scaled << 1) - 1)
    _put(out, bits)
    out.extend(values)
    _put_text(out, reading["slot"])
    model = reading["model"]
    if model in _MODELS:
        _put(out, _MODELS.index(model))
    else:
        _put(out, 0)
        _put_text(out, model)
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
    at = 0
    head = []
    for _ in range(8):
        number, at = _get(body, at)
        head.append(number)
    seq, up, t, tq, dt, n, flags, fields = head
    if tq >= len(_QUALITIES):
        raise RecordError("time quality")
    quality = _QUALITIES[tq]
    if not t:
        t, quality = stamp(up)
    when = "null" if t is None else t
    parts = ['{"seq":%d,"t":%s,"tq":"%s","up":%d,"dt":%d,"n":%d' % (seq, when, quality, up, dt, n)]
    for i, name in enumerate(FIELDS):
        if fields >> i & 1:
            number, at = _get(body, at)
            number = -((number + 1) >> 1) if number & 1 else number >> 1
            parts.append('"%s":%s' % (name, str(number) if _COUNTS <= i < _REST else _decimal(number)))
    slot, at = _get_text(body, at)
    model, at = _get(body, at)
    if model >= len(_MODELS):
        raise RecordError("model")
    if model:
        model = _MODELS[model]
    else:
        model, at = _get_text(body, at)
    names = ",".join(['"' + name + '"' for i, name in enumerate(_FLAGS) if flags >> i & 1])
    parts.append('"slot":"%s","model":"%s","flags":[%s]}' % (slot, model, names))
    return ",".join(parts)
