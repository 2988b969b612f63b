"""The list as others read it: one document for `dustline stations --json` and /api/stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from gateway.stations.facts import Reason, Span, Station, Values
from gateway.stations.gather import Place, facts_of, unjudged_since
from gateway.stations.rank import ENOUGH, rank
from gateway.stations.words import LANGUAGES, said, sentence

# More than that share of the nodes silent at once: the fault is likely nearer than the nodes.
_MANY = 0.5
_FEWEST = 4


class SaidView(TypedDict):
    """`text` is the whole sentence, with the day in UTC; `what` and `todo` its parts without the day."""

    text: str
    what: str
    todo: str


class ReasonView(TypedDict):
    """`since` in UTC s; `before`: it may have begun earlier. `words` by language, en and pl."""

    kind: str
    weight: int
    since: int | None
    before: bool
    slot: str | None
    values: Values
    words: dict[str, SaidView]


class StationView(TypedDict):
    node: str
    network: str
    label: str
    score: float
    visit: bool  # it needs one; with a lower score it can wait
    reasons: list[ReasonView]


class StationsView(TypedDict):
    """`stations` by score; without `all` those with a reason only. `nodes` counts all, `silent` those not
    heard for hours, `many_silent` when they are so many that broker or gateway should be looked at first.
    `unjudged_since`: the checks have not judged since then (UTC s, 0: never); null when they have."""

    now: int
    since: int
    nodes: int
    visits: int
    silent: int
    many_silent: bool
    unjudged_since: int | None
    stations: list[StationView]


def stations_view(
    journal: Path, places: Mapping[str, Place], at: Span, *, everyone: bool = False
) -> StationsView:
    """Read the journal and rank. `everyone`: healthy nodes too. Raises JournalError, sqlite3.Error."""
    ranked = rank(facts_of(journal, places, at), at)
    silent = sum(any(each.kind in ("silent", "quiet") for each in one.reasons) for one in ranked)
    return {
        "now": at.now,
        "since": at.since,
        "nodes": len(ranked),
        "visits": sum(needs_visit(one) for one in ranked),
        "silent": silent,
        "many_silent": silent >= _FEWEST and silent > _MANY * len(ranked),
        "unjudged_since": unjudged_since(journal, at),
        "stations": _views(ranked, everyone),
    }


def needs_visit(station: Station) -> bool:
    return station.score >= ENOUGH


def _views(ranked: Sequence[Station], everyone: bool) -> list[StationView]:
    return [
        {
            "node": one.node,
            "network": one.network,
            "label": one.label,
            "score": one.score,
            "visit": needs_visit(one),
            "reasons": [_reason(each) for each in one.reasons],
        }
        for one in ranked
        if one.reasons or everyone
    ]


def _reason(reason: Reason) -> ReasonView:
    words: dict[str, SaidView] = {}
    for language in LANGUAGES:
        what, todo = said(reason, language)
        words[language] = {"text": sentence(reason, language), "what": what, "todo": todo}
    return {
        "kind": reason.kind,
        "weight": reason.weight,
        "since": reason.since,
        "before": reason.before,
        "slot": reason.slot,
        "values": reason.values,
        "words": words,
    }
