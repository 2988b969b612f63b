"""`dustline gateway check --json` against real brokers; its findings by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.preflight import broker, disk, line, load

# What the machine that runs the tests decides, not the configuration.
OF_THE_MACHINE = {"clock.ntp"}


@dataclass
class Checked:
    exit_code: int
    findings: list[dict[str, Any]]

    def names(self, level: str) -> set[str]:
        return {each["name"] for each in self.findings if each["level"] == level} - OF_THE_MACHINE

    @property
    def failed(self) -> set[str]:
        return self.names("fail")

    @property
    def warned(self) -> set[str]:
        return self.names("warn")

    def __getitem__(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.findings if each["name"] == name]
        return found

    def change(self, name: str) -> str:
        return "\n".join(self[name]["change"])


@pytest.fixture(autouse=True)
def plain_and_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary directories are in memory on some machines, which a check calls a loss. And most tests need
    not wait for what does not come."""
    monkeypatch.setattr(broker, "LISTEN_SECONDS", 0.2)
    monkeypatch.setattr(load, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(line, "ANSWER_SECONDS", 5.0)
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\n")
    monkeypatch.setattr(disk, "MOUNTS", mounts)


@pytest.fixture
def toml(tmp_path: Path) -> Callable[..., Path]:
    """Write the gateway's configuration."""

    def write(port: int, broker: str = "", journal: str = "", more: str = "") -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(
            f"[broker]\nport = {port}\n{broker}\n"
            f"[journal]\npath = 'journal.sqlite'\nkeep_days = 10\n{journal}\n{more}"
        )
        return path

    return write


@pytest.fixture
def check() -> Callable[..., Checked]:
    def run(config: Path, *words: str) -> Checked:
        result = CliRunner().invoke(main, ["gateway", "check", "--config", str(config), "--json", *words])
        assert result.exit_code in (0, 1), result.output
        return Checked(result.exit_code, json.loads(result.output)["findings"])

    return run
