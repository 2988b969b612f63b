"""A stored reading as one line of InfluxDB's line protocol. The schema is decided here and nowhere else.

    reading,network=waw,node=a1,slot=pm pm25=12.5,n=60i,...,model="sds011",tq="ntp" 1700000000

Field types never vary, since InfluxDB refuses a field whose type changed: measured values are floats; n, dt,
boot, seq, up, delay and flags are integers; model and tq are strings. docs/influxdb.md is for readers.
"""

from __future__ import annotations

from functools import lru_cache

from gateway.reading import FIELDS, ReadingRow, StoredReading, to_row

MEASUREMENT = "reading"
_BEFORE_VALUE = tuple(f"{name}=" for name in FIELDS)

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
    return line_of_row(to_row(reading))


def line_of_row(row: ReadingRow) -> str | None:
    """The same of a row of the journal's."""
    _, received_ms, network, node, boot, seq, t, tq, up, dt, n, slot, model, flags, *measured = row
    if t is None:
        return None
    values = "".join(
        [f"{name}{float(it)!r}," for name, it in zip(_BEFORE_VALUE, measured, strict=True) if it is not None]
    )
    return (
        f"{_series(network, node, slot)} {values}"
        f"n={n}i,dt={dt}i,boot={boot}i,seq={seq}i,up={up}i,delay={received_ms // 1000 - t}i"
        f"{_words(flags, model, tq)} {t}"
    )


@lru_cache(65536)  # more than a large network's series
def _series(network: str, node: str, slot: str) -> str:
    tags = (("network", network), ("node", node), ("slot", slot))
    return ",".join((MEASUREMENT, *(f"{name}={_tag(name, value)}" for name, value in tags)))


@lru_cache(4096)
def _words(flags: str, model: str, tq: str) -> str:
    bits = flag_bits(tuple(flags.split()))
    return f",flags={bits}i,model={_string('model', model)},tq={_string('tq', tq)}"


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
