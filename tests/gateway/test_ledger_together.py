"""The ledger of several journals: what two hold counts once. Through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.journal import Claim, Journal
from gateway.journal.bounds import Bounds, Pruner
from tests.gateway.batches import bad, batch, new


def write(path: Path, *items: Any) -> Path:
    with Journal(path, synchronous="NORMAL") as journal:
        journal.commit(batch(*items))
    return path


def rows(*words: object) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["ledger", "--json", *map(str, words)])
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["rows"]
    return found


def row(node: str, boot: int, *counts: int, missing: list[list[int]] | None = None) -> dict[str, Any]:
    names = ("born", "stored", "quarantined", "missing")
    return {
        "node": node,
        "boot": boot,
        **dict(zip(names, counts, strict=True)),
        "missing_ranges": missing or [],
    }


def test_what_two_journals_hold_counts_once(tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.sqlite", *(new(seq) for seq in range(1, 8)), bad(8), bad(9), new(1, node="n2")
    )
    second = write(
        tmp_path / "b.sqlite", *(new(seq) for seq in (6, 7, 8, 12)), Claim(1, "n1", 1, 14), new(5, boot=2)
    )
    # Seq 8 was quarantined here and stored there.
    assert rows(first, second) == [
        row("n1", 1, 14, 9, 1, 4, missing=[[10, 11], [13, 14]]),
        row("n1", 2, 5, 1, 0, 4, missing=[[1, 4]]),
        row("n2", 1, 1, 1, 0, 0),
    ]
    assert rows(second, first) == rows(first, second)
    assert rows(first, first) == rows(first)
    assert rows(first, second, "--node", "n2") == [row("n2", 1, 1, 1, 0, 0)]


def test_since_counts_from_the_last_older_reading_of_any_journal(tmp_path: Path) -> None:
    first = write(tmp_path / "a.sqlite", *(new(seq) for seq in range(1, 11)))
    second = write(tmp_path / "b.sqlite", *(new(seq) for seq in range(9, 13)), new(20, node="old", t=5))
    since = new(8).t
    assert rows(first, second, "--since", since) == [row("n1", 1, 5, 5, 0, 0)]


def test_what_was_pruned_counts_as_stored(tmp_path: Path) -> None:
    first = write(tmp_path / "a.sqlite", *(new(seq) for seq in range(1, 5)))
    with Journal(first, synchronous="NORMAL") as journal:
        pruner = Pruner(journal)
        pruner.begin(Bounds(1, 0), [])
        while pruner.step():
            pass
    second = write(tmp_path / "b.sqlite", *(new(seq) for seq in range(3, 8)))
    assert rows(first, second) == [row("n1", 1, 7, 7, 0, 0)]


def test_shard_names_its_journal(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[journal]\npath = 'j.sqlite'\n")
    write(tmp_path / "j-2of4.sqlite", new(1))
    assert rows("--config", config, "--shard", "2/4") == [row("n1", 1, 1, 1, 0, 0)]
    for command in (
        ["ledger"],
        ["gateway", "journal", "check"],
        ["gateway", "quarantine", "list"],
        ["gateway", "quarantine"],
    ):
        words = [*command, "--config", str(config)]
        assert CliRunner().invoke(main, [*words, "--shard", "2/4"]).exit_code == 0, command
        for shard, said in (("3/4", "j-3of4.sqlite: there is no such file"), ("5/4", "must look like 2/4")):
            result = CliRunner().invoke(main, [*words, "--shard", shard])
            assert (result.exit_code, said in result.output) == (1, True), result.output


@pytest.mark.parametrize("words", [["--shard", "1/2"], []])
def test_what_cannot_be_is_told(tmp_path: Path, words: list[str]) -> None:
    absent = str(tmp_path / "no.sqlite")
    result = CliRunner().invoke(main, ["ledger", *words, absent])
    wanted = (2, "name journals, or a shard, not both") if words else (1, f"{absent}: there is no such file")
    assert (result.exit_code, wanted[1] in result.output) == (wanted[0], True), result.output
