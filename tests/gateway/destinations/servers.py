"""Real servers for these tests: InfluxDB 1 and VictoriaMetrics, on free ports, data in tmp_path."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import urllib3

from tests.support import START_SECONDS, choose_port, require, wait_for

http = urllib3.PoolManager(retries=False, timeout=20)


class Server:
    """A process that can be stopped and started again on the same port and data."""

    def __init__(self, directory: Path, command: list[str], port: int) -> None:
        self.directory = directory
        self.command = command
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for(self.answers, START_SECONDS, f"{self.command[0]}, see {self.directory}/server.log")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.command[0]} ended, see {self.directory}/server.log"
        try:
            return http.request("GET", f"{self.url}/ping", timeout=1).status == 204
        except urllib3.exceptions.HTTPError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(15)
            self.process = None


class Influx1(Server):
    def __init__(self, directory: Path, http_lines: list[str]) -> None:
        port, other = choose_port(), choose_port()
        directory.mkdir()
        config = directory / "influxdb.conf"
        # Both addresses: the top-level one (backups) listens on 8088 of its own accord.
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{other}"\n'
            f'[meta]\ndir = "{directory}/meta"\n'
            f'[data]\ndir = "{directory}/data"\nwal-dir = "{directory}/wal"\n'
            "[monitor]\nstore-enabled = false\n"
            f'[http]\nbind-address = "127.0.0.1:{port}"\n' + "\n".join(http_lines) + "\n"
        )
        super().__init__(directory, [require("influxd"), "run", "-config", str(config)], port)

    def query(self, text: str, db: str = "", auth: str | None = None) -> list[dict[str, Any]]:
        """Rows of an InfluxQL query as dicts; `time` in seconds."""
        answer = http.request(
            "POST",
            f"{self.url}/query",
            fields={"q": text, "db": db, "epoch": "s"},
            encode_multipart=False,
            headers={"Authorization": "Basic " + base64.b64encode(auth.encode()).decode()} if auth else {},
        )
        body = json.loads(answer.data)
        assert answer.status == 200, body
        assert "error" not in body["results"][0], body
        return [
            dict(zip(series["columns"], row, strict=True))
            for series in body["results"][0].get("series", [])
            for row in series["values"]
        ]

    def write(self, db: str, lines: str) -> None:
        answer = http.request("POST", f"{self.url}/write?db={db}&precision=s", body=lines.encode())
        assert answer.status == 204, answer.data


class Victoria(Server):
    def __init__(self, directory: Path) -> None:
        port = choose_port()
        directory.mkdir()
        command = [
            require("victoria-metrics"),
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-storageDataPath={directory}/data",
            "-retentionPeriod=100y",
        ]
        super().__init__(directory, command, port)

    def export(self, name: str) -> list[tuple[dict[str, str], int, float]]:
        """Every sample of a metric: labels, UTC seconds, value."""
        assert http.request("GET", f"{self.url}/internal/force_flush").status == 200
        answer = http.request("GET", f"{self.url}/api/v1/export", fields={"match[]": name})
        assert answer.status == 200, answer.data
        return [
            (series["metric"], at // 1000, value)
            for series in map(json.loads, answer.data.decode().splitlines())
            for at, value in zip(series["timestamps"], series["values"], strict=True)
        ]
