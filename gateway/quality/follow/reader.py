"""What the page and others ask of the judgements: a read-only connection for the thread that made it."""

from __future__ import annotations

from pathlib import Path

from gateway.journal.schema import open_reader
from gateway.journal.spans import READINGS_OF_TIMES


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

    def versions(self) -> dict[int, str]:
        """Name, version and settings of the checks, as JSON, by the number that judgements carry."""
        return dict(self._db.execute("SELECT id, checks FROM quality_versions").fetchall())
