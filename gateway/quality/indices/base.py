"""What all indices share: an entry of the registry that computes, and the shape of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.quality.amount import InputError
from gateway.quality.registry import Entry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """An index's answer. `value` is None where the rule gives none, and then `reason` says why.

    `band` is the row of the table, low and high in ug/m3; high is None when the row is open.
    """

    value: float | None
    category: str | None = None
    band: tuple[float, float | None] | None = None
    reason: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Index(Entry):
    """An entry with `compute`; `input` says what mean it wants."""

    input: str


def pick_table(name: str, tables: Mapping[str, T], pollutant: str) -> T:
    if pollutant not in tables:
        raise InputError(f"{name} has no table for {pollutant!r}; it has {', '.join(tables)}")
    return tables[pollutant]
