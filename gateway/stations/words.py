"""Reasons as sentences for people, in English and Polish: what is wrong, since when, what to do."""

from __future__ import annotations

import time
from typing import NamedTuple

from gateway.stations.facts import Reason
from gateway.stations.sentences import CURES, EN, NO_RATIO, PL

LANGUAGES = ("en", "pl")


class Said(NamedTuple):
    """`what` has no full stop, so that a date can follow; `todo` is a sentence of its own."""

    what: str
    todo: str


_ALL = {"en": EN, "pl": PL}
_BY_SUPPLY = ("power", "hard", "unknown")
_EN_MONTHS = "January February March April May June July August September October November December"
_PL_MONTHS = (
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
)
_MONTHS = {"en": _EN_MONTHS.split(), "pl": _PL_MONTHS.split()}
_SINCE = {"en": (" since {day}", " since {day} or before"), "pl": (" od {day}", " od {day} lub dłużej")}
_SENSOR = {"en": "sensor {slot}", "pl": "czujnik {slot}"}


def said(reason: Reason, language: str) -> Said:
    """In pieces, for who writes dates in a way of its own."""
    what, todo = _ALL[language][reason.kind]
    values = _values(reason, language)
    if reason.kind == "clogged" and "ratio" not in reason.values:
        what = NO_RATIO[language]
    what = what.format_map(values)
    return Said(what[0].upper() + what[1:], todo.format_map(values))


def sentence(reason: Reason, language: str) -> str:
    """All of it, with the day in UTC."""
    what, todo = said(reason, language)
    return f"{what}{_since(reason, language)}. {todo}"


def _since(reason: Reason, language: str) -> str:
    # These name their period themselves.
    if reason.since is None or reason.kind in ("restarts", "incomplete"):
        return ""
    at = time.gmtime(reason.since)
    day = f"{at.tm_mday} {_MONTHS[language][at.tm_mon - 1]}"
    return _SINCE[language][reason.before].format(day=day)


def _values(reason: Reason, language: str) -> dict[str, object]:
    values: dict[str, object] = dict(reason.values)
    ratio = values.get("ratio")
    if isinstance(ratio, float):
        percent = f"{100 * ratio:.0f}"
        values["percent"] = (
            f"{percent} %" if ratio >= 0.01 else {"en": "nearly nothing", "pl": "niemal zera"}[language]
        )
        times = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
        values["times"] = times if language == "en" else times.replace(".", ",")
    if reason.slot is not None:
        name = _SENSOR[language].format(slot=reason.slot)
        model = values.get("model")
        values["sensor"] = f"{name} ({model})" if model else name
        values["sensor_in"] = f"{name}, {model}" if model else name  # within brackets
    cure = CURES[language]
    values["cure"] = cure[0] if values.get("reset") in _BY_SUPPLY else cure[1]
    return values
