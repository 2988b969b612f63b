"""Where InfluxDB's part ends and the journal's begins, the error that all units share goes on to be known."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.correcting import HOURS
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site

pytestmark = pytest.mark.needs_influxd
WORDS = ("--since", str(T0 + 8 * 3600), "--until", str(T0 + HOURS * 3600))


def factors(folder: Path, since: int) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "journal.sqlite") as db:
        return db.execute(
            "SELECT hour, factor, hours FROM quality_shared WHERE hour * 3600 >= ? ORDER BY hour", (since,)
        ).fetchall()


def test_the_factor_of_an_hour_rests_on_as_many_hours(influx: Influx1, tmp_path: Path) -> None:
    site.empty(influx)
    folder, whole = site.small(tmp_path / "site", lambda text: influx.write("past", text)), tmp_path / "whole"
    stations = f'stations = "{folder}/stations.toml"\n'
    wanted = site.by_journal(folder, whole, *WORDS, stations=stations)
    pruned = site.prune(folder, T0 + 9 * 3600)
    assert pruned == T0 + 10 * 3600
    site.configure(folder, site.influx1(influx.url), stations=stations)
    done = CliRunner().invoke(
        main, ["reprocess", *WORDS, "--config", str(folder / "gateway.toml")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    rest = site.judged_in(folder / "journal.sqlite")
    assert {key: each for key, each in rest.items() if key[2] > pruned} == {
        key: each for key, each in wanted.items() if key[2] > pruned
    }
    found = factors(folder, pruned)
    assert len(found) == 2
    assert found == factors(whole, pruned)
