"""What systemd hears, through a real datagram socket, and what its own checker says of the units."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.operate.process import _Watchdog
from gateway.operate.systemd import notify, watchdog_seconds
from tests.gateway.operate.processes import ask, write_config


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        yield listener


def test_process_tells_ready_alive_reloading_and_stopping(
    systemd: socket.socket, mosquitto: Any, spawn: Any, tmp_path: Path
) -> None:
    config = write_config(tmp_path, mosquitto().port)
    gateway = spawn(config, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
    first = systemd.recv(1000).decode().splitlines()
    assert first[0] == "READY=1"
    assert (tmp_path / "journal.sqlite").exists()
    assert ask(gateway.url, "healthz")[0] == 200, "it runs when it says so"
    assert [systemd.recv(1000) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    gateway.process.send_signal(signal.SIGHUP)
    told = until(systemd, "READY=1")
    assert any(each.startswith("RELOADING=1\nMONOTONIC_USEC=") for each in told)
    gateway.process.terminate()
    until(systemd, "STOPPING=1")
    assert gateway.process.wait(10) == 0


def until(systemd: socket.socket, word: str) -> list[str]:
    told: list[str] = []
    while word not in told:
        told.append(systemd.recv(1000).decode())
    return told


def test_watchdog_is_silent_while_a_thread_hangs(
    systemd: socket.socket, mosquitto: Any, run_gateway: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = run_gateway(mosquitto().port)  # Mosquitto would tell systemd as well
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    watchdog = _Watchdog(gateway)
    watchdog.beat()
    assert systemd.recv(100) == b"WATCHDOG=1"
    gateway.pipeline.stop()
    watchdog.beat()
    notify("STATUS=behind it")
    assert systemd.recv(100) == b"STATUS=behind it"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("READY=1"), "and a socket that is gone harms nothing"
    for usec, pid, wanted in (("", "", None), ("2000000", "1", None), ("2000000", str(os.getpid()), 1.0)):
        monkeypatch.setenv("WATCHDOG_USEC", usec)
        monkeypatch.setenv("WATCHDOG_PID", pid)
        assert watchdog_seconds() == wanted


def test_abstract_socket_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"dustline-test-{os.getpid()}"
        listener.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert notify("READY=1", "STATUS=x")
        assert listener.recv(100) == b"READY=1\nSTATUS=x"


@pytest.mark.parametrize("shard", ["", "@1-2"])
def test_unit_is_what_systemd_takes(shard: str, repo: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    # As docs/operation.md says: the unit once more as a template, with a drop-in. The program lies elsewhere.
    template = f"dustline-gateway{'@' if shard else ''}.service"
    text = (repo / "deploy" / "dustline-gateway.service").read_text()
    (tmp_path / template).write_text(text.replace("/opt/dustline/bin/dustline", "/bin/true"))
    if shard:
        drop_in = (repo / "deploy" / "shard.conf").read_text()
        (tmp_path / f"{template}.d").mkdir()
        (tmp_path / f"{template}.d" / "shard.conf").write_text(
            drop_in.replace("/opt/dustline/bin/dustline", "/bin/true")
        )
    path = tmp_path / f"dustline-gateway{shard}.service"
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=30
    )
    ours = [line for line in done.stderr.splitlines() if "dustline" in line or "shard" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
