"""`dustline reprocess` over what the journal has pruned, read back from a real InfluxDB 1."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality import past_site as site
from tests.gateway.quality.past_site import SINCE, UNTIL

pytestmark = pytest.mark.needs_influxd
Call = Callable[..., Result]
RAW = "SELECT * FROM reading"


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx1]:
    server = Influx1(tmp_path_factory.mktemp("server") / "influx", [])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path, influx: Influx1) -> Path:
    """Stored in both, and judged by the stream; then calibrations came."""
    seed = random.randrange(2**32)
    print("seed", seed)
    folder = tmp_path / "site"
    folder.mkdir()
    site.make(folder, random.Random(seed))
    influx.query("DROP DATABASE past")
    influx.query("CREATE DATABASE past")
    for what in site.lines(folder):
        site.in_parts(lambda text: influx.write("past", text), what)
    site.calibrate(folder)
    site.configure(folder, f'enabled = true\napi = "v1"\nurl = "{influx.url}"\ndatabase = "past"')
    return folder


@pytest.fixture
def call(folder: Path) -> Call:
    def run(*words: str, code: int = 0) -> Result:
        found = ["reprocess", *words, "--config", str(folder / "gateway.toml")]
        done = CliRunner().invoke(main, found, catch_exceptions=False)
        print(done.output)
        assert done.exit_code == code, done.output
        return done

    return run


def judged(influx: Influx1) -> dict[site.Row, tuple[Any, ...]]:
    rows = influx.query('SELECT qc, pm25_cor, pm10_cor, node, slot FROM "reading"', "past")
    return {
        (row["node"], row["slot"], row["time"]): (row["qc"], row["pm25_cor"], row["pm10_cor"]) for row in rows
    }


def raw(influx: Influx1) -> list[dict[str, Any]]:
    judgements = ("qc", "pm25_cor", "pm10_cor")
    return [
        {name: value for name, value in row.items() if name not in judgements}
        for row in influx.query('SELECT * FROM "reading"', "past")
    ]


def test_what_is_pruned_gets_the_verdicts_that_the_journal_would_give(
    influx: Influx1, folder: Path, call: Call, tmp_path: Path
) -> None:
    words = ("--since", str(SINCE), "--until", str(UNTIL))
    wanted = site.by_journal(folder, tmp_path / "whole", *words)
    before, points = judged(influx), raw(influx)
    assert before == {
        key: (qc, None, None) for key, (qc, _, _) in site.judged_in(folder / "journal.sqlite").items()
    }
    pruned = site.prune(folder, SINCE + 10 * 3600)
    assert SINCE + 10 * 3600 <= pruned < UNTIL - 3 * 3600
    told = call(*words).output
    assert "the journal has all from" in told
    assert "version p1: " in told
    assert "version 1: " in told
    found = judged(influx)
    expected = {key: each for key, each in wanted.items() if SINCE < key[2] <= pruned + 6 * 3600}
    assert {key: each for key, each in found.items() if key in expected} == expected
    assert len({qc for qc, _, _ in expected.values()}) > 8
    # The journal's part, which the gateway carries, is as if nothing had been pruned.
    rest = site.judged_in(folder / "journal.sqlite")
    assert {key: each for key, each in rest.items() if key[2] > pruned} == {
        key: each for key, each in wanted.items() if key[2] > pruned
    }
    # What was not asked for, and all that was measured, is as it was.
    assert {key: each for key, each in found.items() if key[2] <= SINCE} == {
        key: each for key, each in before.items() if key[2] <= SINCE
    }
    assert raw(influx) == points
