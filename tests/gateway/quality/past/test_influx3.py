"""The same against a stand-in for InfluxDB 3, which says what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.destinations.line_parser import parse_line
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.fake_query3 import FakeQuery3
from tests.gateway.quality.past.site import Call

WORDS = ("--since", str(T0 + 1800), "--until", str(T0 + 3 * 3600))
JUDGED = ("qc", "pm25_cor", "pm10_cor")


@pytest.fixture
def fake() -> Iterator[FakeQuery3]:
    server = FakeQuery3()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path, fake: FakeQuery3) -> Path:
    def send(text: str) -> None:
        for line in text.split("\n"):
            measurement, tags, fields, t = parse_line(line)
            fake.points.setdefault((measurement, tuple(sorted(tags.items())), t), {}).update(fields)

    folder = site.small(tmp_path / "site", send)
    configure(folder, fake)
    return folder


def configure(folder: Path, fake: FakeQuery3, **changes: str) -> None:
    keys = {"url": fake.url, "org": "any", "bucket": fake.bucket, "token": fake.token, **changes}
    site.configure(folder, "\n".join(["enabled = true", *(f'{name} = "{it}"' for name, it in keys.items())]))


def split(fake: FakeQuery3) -> tuple[dict[site.Row, tuple[Any, ...]], dict[site.Row, dict[str, Any]]]:
    """Judgements, and all else."""
    said: dict[site.Row, tuple[Any, ...]] = {}
    raw: dict[site.Row, dict[str, Any]] = {}
    for (_, tags, t), fields in fake.points.items():
        key = dict(tags)["node"], dict(tags)["slot"], t
        said[key] = tuple(map(fields.get, JUDGED))
        raw[key] = {name: it for name, it in fields.items() if name not in JUDGED}
    return said, raw


def test_the_verdicts_are_those_of_the_journal_and_raw_fields_stay(
    fake: FakeQuery3, folder: Path, call: Call, tmp_path: Path
) -> None:
    wanted = site.by_journal(folder, tmp_path / "whole", *WORDS)
    configure(folder, fake)
    site.prune(folder, T0 + 600)
    _, raw = split(fake)
    assert "version p1: 150 readings" in call(*WORDS)
    assert split(fake) == (wanted, raw)


def test_a_wrong_token_or_database_is_told(fake: FakeQuery3, folder: Path, call: Call) -> None:
    site.prune(folder, T0 + 600)
    configure(folder, fake, token="wrong")
    assert "does not accept our credentials to read: set influx.token" in call(*WORDS, code=2)
    configure(folder, fake, bucket="nothing")
    for file in folder.glob("*.past.sqlite*"):
        file.unlink()
    assert "set influx.bucket (now 'nothing')" in call(*WORDS, code=2)
