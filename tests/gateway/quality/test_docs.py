"""docs/quality-checks.md has every check with its bit, its trust, and its settings with their defaults."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from gateway.quality.checks import BAD, QC_BITS, SUSPECT, QualitySettings


def rows(repo: Path) -> dict[str, list[str]]:
    text = (repo / "docs" / "quality-checks.md").read_text()
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in table}


def test_bits_and_trust(repo: Path) -> None:
    said = {name: (int(cells[0]), cells[1]) for name, cells in rows(repo).items()}
    trust = {
        name: "bad" if bit & BAD else "suspect" if bit & SUSPECT else "" for name, bit in QC_BITS.items()
    }
    assert said == {name: (bit, trust[name]) for name, bit in QC_BITS.items()}
    assert f"bad {BAD}, suspect {SUSPECT}." in (repo / "docs" / "quality-checks.md").read_text()


def test_settings_with_their_defaults(repo: Path) -> None:
    for name, cells in rows(repo).items():
        told = {key: float(value) for key, value in re.findall(r"`(\w+)` ([\d.]+)", cells[3])}
        section = QualitySettings.model_fields.get(name)
        wanted: dict[str, float] = {}
        if section is not None:
            assert isinstance(section.annotation, type)
            assert issubclass(section.annotation, BaseModel)
            wanted = {
                key: info.default for key, info in section.annotation.model_fields.items() if key != "enabled"
            }
        assert told == wanted, name
        # And the sentence before names each of them.
        assert set(wanted) - {key for key in wanted if key.startswith("km_")} <= set(
            re.findall(r"`(\w+)`", cells[2])
        ), name
