"""`dustline gateway run` as a process of its own: its configuration, its log and what its monitoring says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import REPO, wait_for


def ask(url: str, path: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def figures(url: str) -> dict[str, float]:
    """Every sample of /metrics by its name with its labels."""
    _, text = ask(url, "metrics")
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


class GatewayProcess:
    """Started when made; `url` is its monitoring's address, at a free port."""

    def __init__(self, config: Path, *options: str, **environment: str) -> None:
        self.config = config
        self.log = config.with_name(f"{config.stem}{len(list(config.parent.glob('*.log')))}.log")
        self.out = self.log.with_suffix(".out")
        command = [sys.executable, "-m", "dustline.cli", "gateway", "run", "--config", str(config), *options]
        with self.log.open("wb") as log, self.out.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=REPO, env={**os.environ, **environment}, stdout=out, stderr=log
            )
        self.url = str(wait_for(lambda: self.told("monitoring"), 20, "the monitoring's address")[0]["url"])

    def told(self, event: str) -> list[dict[str, Any]]:
        """What its log says of an event."""
        assert self.process.poll() is None, self.log.read_text()
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [each for each in map(json.loads, lines) if each["event"] == event]

    def ready(self) -> GatewayProcess:
        wait_for(lambda: ask(self.url, "readyz")[0] == 200, 20, "readiness")
        return self

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


def write_config(directory: Path, port: int, **sections: str) -> Path:
    """`sections` add keys: influx='enabled = true\\n...'. Page off, monitoring at a free port, JSON log."""
    tables = {
        "broker": f"port = {port}\n",
        "journal": "path = 'journal.sqlite'\n",
        "web": "enabled = false\n",
        "monitor": "port = 0\n",
        "log": "format = 'json'\n",
    }
    for name, keys in sections.items():
        tables[name] = tables.get(name, "") + keys + "\n"
    path = directory / "gateway.toml"
    path.write_text("\n".join(f"[{name}]\n{keys}" for name, keys in tables.items()))
    return path
