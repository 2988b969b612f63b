"""What the page and others ask of the judgements: a read-only connection for the thread that made it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypedDict

from gateway.journal.schema import open_reader
from gateway.journal.spans import READINGS_OF_TIMES

_CORRECTED = "SELECT quality.reading_id, quality.pm25, quality.pm10, by.pm25, by.pm10, factor"


class Correction(TypedDict):
    """Corrected values in ug/m3, and name and version of what made each; `factor`: of the error that all
    units share, in pm25 already. None where there is none."""

    pm25: float | None
    pm10: float | None
    pm25_by: str | None
    pm10_by: str | None
    factor: float | None


class HourRow(NamedTuple):
    """An hour of a sensor: number `hour` from 1970, `have` good readings of `expected`, their means in ug/m3,
    raw and corrected."""

    hour: int
    expected: int
    have: int
    qc: int
    pm25: float | None
    pm10: float | None
    pm25_cor: float | None
    pm10_cor: float | None


class QualityReader:
    """Bits by the readings' ids; a reading that is not judged yet is absent. Raises JournalError."""

    def __init__(self, path: Path) -> None:
        self._db = open_reader(path)

    def __enter__(self) -> QualityReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def of_latest(self) -> dict[int, int]:
        """Of the newest reading of each node and slot."""
        query = (
            "SELECT quality.reading_id, qc FROM latest JOIN quality ON quality.reading_id = latest.reading_id"
        )
        return dict(self._db.execute(query).fetchall())

    def between(self, node: str, since: int, until: int) -> dict[int, int]:
        """Of a node's readings with since <= t <= until (UTC s)."""
        query = (
            f"SELECT readings.id, qc FROM nodes CROSS JOIN {READINGS_OF_TIMES}"  # noqa: S608
            " JOIN quality ON reading_id = readings.id"
            " WHERE nodes.name = ? AND readings.node_id = nodes.id AND t BETWEEN ? AND ?"
        )
        return dict(self._db.execute(query, (since, until, node, since, until)).fetchall())

    def corrected_latest(self) -> dict[int, Correction]:
        """What the newest readings of each node and slot were corrected to, of those that were."""
        return self._corrected(
            f"{_CORRECTED} FROM latest JOIN quality ON quality.reading_id = latest.reading_id"
            " JOIN quality_corrections AS by ON by.id = calibration",
            (),
        )

    def corrected_between(self, node: str, since: int, until: int) -> dict[int, Correction]:
        """The same of a node's readings with since <= t <= until (UTC s)."""
        return self._corrected(
            f"{_CORRECTED} FROM nodes CROSS JOIN {READINGS_OF_TIMES}"
            " JOIN quality ON quality.reading_id = readings.id"
            " JOIN quality_corrections AS by ON by.id = calibration"
            " WHERE nodes.name = ? AND readings.node_id = nodes.id AND t BETWEEN ? AND ?",
            (since, until, node, since, until),
        )

    def _corrected(self, query: str, values: tuple[object, ...]) -> dict[int, Correction]:
        return {
            id: {
                "pm25": pm25,
                "pm10": pm10,
                "pm25_by": by25 or None,
                "pm10_by": by10 or None,
                "factor": factor,
            }
            for id, pm25, pm10, by25, by10, factor in self._db.execute(query, values)
        }

    def hours(self, since: int, until: int, node: str | None = None) -> dict[tuple[str, str], list[HourRow]]:
        """Hours that begin within since <= t < until (UTC s), by node and slot, in the order of time."""
        query = (
            "SELECT nodes.name, slot, hour, expected, have, qc, pm25, pm10, pm25_cor, pm10_cor"
            " FROM quality_hours JOIN nodes ON nodes.id = node_id"
            " WHERE hour >= ? AND hour < ? AND (? IS NULL OR nodes.name = ?) ORDER BY nodes.name, slot, hour"
        )
        found: dict[tuple[str, str], list[HourRow]] = {}
        for name, slot, *row in self._db.execute(query, (-(-since // 3600), -(-until // 3600), node, node)):
            found.setdefault((name, slot), []).append(HourRow(*row))
        return found

    def versions(self) -> dict[int, str]:
        """Name, version and settings of the checks, as JSON, by the number that judgements carry."""
        return dict(self._db.execute("SELECT id, checks FROM quality_versions").fetchall())
