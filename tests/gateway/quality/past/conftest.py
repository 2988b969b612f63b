"""Real servers and small sites for these tests: what the journal has pruned, InfluxDB has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from tests.gateway.destinations.servers import Influx1
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import Call


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx1]:
    server = Influx1(tmp_path_factory.mktemp("server") / "influx", [])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path, influx: Influx1) -> Path:
    """The small network beside two stations, in both; the journal has pruned a third of it."""
    site.empty(influx)
    folder = site.small(tmp_path / "site", lambda text: influx.write("past", text))
    site.configure(folder, site.influx1(influx.url))
    assert site.prune(folder, T0 + 600) < T0 + 6 * 3600
    return folder


@pytest.fixture
def call(folder: Path) -> Call:
    def run(*words: str, code: int = 0) -> str:
        found = ["reprocess", *words, "--config", str(folder / "gateway.toml")]
        done: Result = CliRunner().invoke(main, found, catch_exceptions=False)
        print(done.output)
        assert done.exit_code == code, done.output
        return done.output

    return run
