"""A stored reading as one line of InfluxDB's line protocol. The schema is decided here and nowhere else.

    reading,network=waw,node=a1,slot=pm pm25=12.5,n=60i,...,model="sds011",tq="ntp" 1700000000

Field types never vary, since InfluxDB refuses a field whose type changed: measured values are always floats;
n, dt, boot, seq, up and flags are always integers; model and tq are strings. docs/influxdb.md is for readers.
"""

from __future__ import annotations

from gateway.reading import FIELDS, StoredReading

MEASUREMENT = "reading"

# Bits of the integer field `flags`, 0 = nothing to remark. An integer, since some stores that take line
# protocol (VictoriaMetrics) turn strings into 0. A bit's meaning never changes; new flags take the next bit.
FLAG_BITS: dict[str, int] = {
    "no_frame": 1,
    "bad_checksum": 2,
    "warming_up": 4,
    "stuck": 8,
    "saturated": 16,
    "device_error": 32,
    "out_of_range": 64,
    "disagree": 128,
    "climate_error": 256,
    "climate_stuck": 512,
}
# A flag that this version does not know must not read as "nothing to remark".
UNKNOWN_FLAG_BIT = 1 << 30


class NotWritableError(ValueError):
    """The reading has a name that line protocol cannot carry; its text says which and why."""


def line(reading: StoredReading) -> str | None:
    """One line without its newline; None when the reading has no time. Raises NotWritableError.

    Time is in seconds: write with precision `s`.
    """
    if reading.t is None:
        return None
    values = reading.values
    fields = [f"{name}={float(values[name])!r}" for name in FIELDS if name in values]
    fields.append(
        f"n={reading.n}i,dt={reading.dt}i,boot={reading.boot}i,seq={reading.seq}i,up={reading.up}i"
        f",flags={flag_bits(reading.flags)}i"
        f",model={_string('model', reading.model)},tq={_string('tq', reading.tq)}"
    )
    tags = (
        f"network={_tag('network', reading.network)}"
        f",node={_tag('node', reading.node)}"
        f",slot={_tag('slot', reading.slot)}"
    )
    return f"{MEASUREMENT},{tags} {','.join(fields)} {reading.t}"


def flag_bits(flags: tuple[str, ...]) -> int:
    bits = 0
    for flag in flags:
        bits |= FLAG_BITS.get(flag, UNKNOWN_FLAG_BIT)
    return bits


def _tag(name: str, value: str) -> str:
    # A backslash has no escape of its own in a tag: at the end it would swallow the comma that follows.
    if not value or "\\" in value:
        raise NotWritableError(
            f"{name} {value!r} is empty or has a backslash: line protocol cannot carry it as a tag"
        )
    _check_printable(name, value)
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _string(name: str, value: str) -> str:
    _check_printable(name, value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_printable(name: str, value: str) -> None:
    """Control characters end a line in some servers, lone surrogates are no UTF-8."""
    if not value.isprintable():
        raise NotWritableError(f"{name} {value!r} has a character that cannot be printed")
