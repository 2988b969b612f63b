"""docs/quality.md: its commands run, and it names every entry and every number of the tables."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from click.testing import CliRunner

from dustline.cli import main
from gateway.quality.corrections import CORRECTIONS
from gateway.quality.indices import INDICES, Bands, UsAqi


def test_the_commands_of_the_page_run(repo: Path) -> None:
    lines = [line.strip() for line in (repo / "docs" / "quality.md").read_text().splitlines()]
    commands = [
        shlex.split(line)[1:] for line in lines if line.startswith(("dustline index ", "dustline correct "))
    ]
    assert len(commands) == 8
    for words in commands:
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, (words, done.output)
        json.loads(done.stdout)


def test_the_page_names_every_entry_and_number(repo: Path) -> None:
    text = (repo / "docs" / "quality.md").read_text().replace("**", "")
    for entry in CORRECTIONS.entries():
        assert f"`{entry.name}`" in text
    for index in INDICES.entries():
        assert index.name in text
        if isinstance(index, UsAqi):
            assert f"`{index.version}`" in text
            for low, high, *_ in index.tables["pm25"]:
                assert f"{low / 10}-{high / 10}" in text
            for low, high, *_ in index.tables["pm10"]:
                assert f"{low}-{high}" in text
        if isinstance(index, Bands):
            section = text.split(f"\n## {'gios' if index.name == 'gios' else 'eu-2024, eu-old'}\n")[1].split(
                "\n## "
            )[0]
            for ends in index.ends.values():
                assert [
                    end for end in ends if f"-{end} " not in section and f"above {end} " not in section
                ] == []
