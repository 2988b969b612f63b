"""The command from outside: text, JSON, exit codes, names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.preflight.finding import NAMES


def test_text_is_in_groups_and_a_finding_ends_with_1(toml: Any, free_port: Any) -> None:
    config = toml(free_port(), journal="batch = 5000")
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config), "--rate", "2"])
    assert result.exit_code == 1
    at = [
        result.output.index(words)
        for words in (
            "ok    config: ",
            "\nwarnings:\nwarn  ",
            "\nwould lose data or stall:\nFAIL  window.batch: ",
            "\n       change: gateway.toml, [broker]: receive_maximum = 10000\n",
            "FAIL  broker.connect: ",
            "2 would lose data or stall, ",
        )
    ]
    assert at == sorted(at)


def test_json_has_the_same_in_one_document(toml: Any, free_port: Any) -> None:
    config = toml(free_port())
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config), "--rate", "2", "--json"])
    document = json.loads(result.output)
    assert document["fail"] == 1
    assert {"name", "level", "text", "change"} == set(document["findings"][0])
    assert {each["name"] for each in document["findings"]} <= NAMES.keys()


@pytest.mark.parametrize("words", [["--rate", "0"], ["--rate", "many"], ["--unknown"]])
def test_wrong_command_line_ends_with_2(words: list[str], toml: Any) -> None:
    result = CliRunner().invoke(main, ["gateway", "check", "--config", str(toml(1)), *words])
    assert result.exit_code == 2


def test_every_name_is_documented(repo: Path) -> None:
    table = (repo / "docs/city-it.md").read_text().split("## Before it runs")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [row.strip().strip("`") for row in rows] == list(NAMES)
