"""The nodes' places as they are now: a reload exchanges them while the page reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.config import Place


class CurrentPlaces(Mapping[str, Place]):
    """Reads like a dict. Who is going through it goes on with the places that it began with."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = dict(places)

    def replace(self, places: Mapping[str, Place]) -> None:
        self._places = dict(places)

    def __getitem__(self, node: str) -> Place:
        return self._places[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
