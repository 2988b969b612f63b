"""Dated entries: what rule held when, and where it stands. Indices and corrections share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from gateway.quality.amount import InputError


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table stands. `seen` says what was read of it when the entry was made, and what was not."""

    document: str
    table: str
    seen: str

    def __str__(self) -> str:
        return f"{self.document}, {self.table}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a rule.

    `effective` is an ISO date of the precision that is known: "2024-05-06", "2025-06" or "2024". It holds
    from the first day of that. None: it held before all dated entries, and since when was not seen.
    `alternative` marks another reading of the same rule by others: no date picks it, only its version does.
    """

    name: str
    version: str
    effective: str | None
    source: Source
    alternative: bool

    def begins(self) -> date:
        if self.effective is None:
            return date.min
        year, month, day = [*map(int, self.effective.split("-")), 1, 1][:3]
        return date(year, month, day)

    def about(self) -> dict[str, Any]:
        """What stands beside every result: name, version, date, source."""
        return {
            "name": self.name,
            "version": self.version,
            "effective": self.effective,
            "source": str(self.source),
            "source_seen": self.source.seen,
        }


E = TypeVar("E", bound=Entry)


class Registry(Generic[E]):
    """Entries by name; a name has one or more, newest last."""

    def __init__(self, entries: Iterable[E]) -> None:
        self._by_name: dict[str, list[E]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.name, []).append(entry)
        for found in self._by_name.values():
            found.sort(key=Entry.begins)
            if len({entry.version for entry in found}) < len(found):
                raise ValueError(f"{found[0].name}: a version stands twice")

    def names(self) -> list[str]:
        return list(self._by_name)

    def entries(self) -> list[E]:
        return [entry for found in self._by_name.values() for entry in found]

    def pick(self, name: str, on: date | None = None, version: str | None = None) -> E:
        """The entry that held on a day, the newest one, or the one of that version. InputError if none is."""
        found = self._by_name.get(name)
        if found is None:
            raise InputError(f"no {name[:40]!r}; there are {', '.join(self._by_name)}")
        if version is not None:
            for entry in found:
                if entry.version == version:
                    return entry
            raise InputError(f"{name} has no version {version[:40]!r}; there are {_versions(found)}")
        dated = [entry for entry in found if not entry.alternative]
        held = dated if on is None else [entry for entry in dated if entry.begins() <= on]
        if not held:
            raise InputError(f"{name} did not hold yet on {on}: its first entry is of {dated[0].effective}")
        return held[-1]


def _versions(entries: Iterable[Entry]) -> str:
    return ", ".join(entry.version for entry in entries)
