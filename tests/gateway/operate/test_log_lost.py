"""A log that cannot be written costs its lines, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from tests.gateway.operate.processes import ask, figures, write_config
from tests.gateway.talker import reading
from tests.support import REPO, choose_port, wait_for


def full() -> IO[bytes]:
    return Path("/dev/full").open("wb")


def unread() -> IO[bytes]:
    """A pipe whose reader has gone, as of `... 2>&1 | head`."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    return os.fdopen(write_end, "wb")


@pytest.mark.parametrize("make", [full, unread])
def test_gateway_whose_log_cannot_be_written_goes_on(
    make: Any, mosquitto: Any, talk: Any, tmp_path: Path
) -> None:
    broker, port = mosquitto(), choose_port()
    config = write_config(tmp_path, broker.port, monitor=f"host = '127.0.0.1'\nport = {port}")
    config.write_text(config.read_text().replace("port = 0\n", ""))
    command = [sys.executable, "-m", "dustline.cli", "gateway", "run", "--config", str(config)]
    with make() as nowhere:
        gateway = subprocess.Popen(command, cwd=REPO, stdout=nowhere, stderr=nowhere)
    url = f"http://127.0.0.1:{port}/"

    def ready() -> bool:
        assert gateway.poll() is None
        try:
            return ask(url, "readyz")[0] == 200
        except OSError:
            return False

    try:
        wait_for(ready, 20, "readiness")
        node = talk(broker.port)
        node.send(b"no json")  # which the pipeline logs
        node.readings(reading(1))
        wait_for(lambda: node.acked(1, 1), what="the ack")
        assert ask(url, "healthz")[0] == 200
        found = figures(url)
        assert found["dustline_log_lines_lost_total"] >= 1
        assert found['dustline_quarantined_total{reason="not_json"}'] == 1
        gateway.terminate()
        gateway.wait(10)
    finally:
        gateway.kill()
        gateway.wait()
