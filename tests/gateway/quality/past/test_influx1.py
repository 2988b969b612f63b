"""`dustline reprocess` over what the journal has pruned, read back from a real InfluxDB 1."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import SINCE, UNTIL, Call, judged, raw

pytestmark = pytest.mark.needs_influxd


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
    site.configure(folder, site.influx1(influx.url))
    return folder


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
    told = call(*words)
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
