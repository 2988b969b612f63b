"""The demo as a user runs it: `dustline demo` as a process, with real firmware, broker, gateway and page."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.timeout(240)]


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that live in the demo's folder or name it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            home = os.readlink(entry / "cwd")
        except OSError:
            continue  # ended meanwhile, or not ours to look into
        if str(directory) in command or home.startswith(str(directory)):
            found.append(f"{entry.name} {command}")
    return found


class Demo:
    """The running command; its output grows in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.directory = folder / "demo"
        self.ledger = folder / "ledger.json"
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dustline.cli", "demo", "--directory", str(self.directory)),
                    *("--ledger", str(self.ledger), *arguments),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for log in sorted(tmp_path.glob("demo/nodes/*/node.log")):
        print(log, log.read_text(errors="replace")[-1500:], sep="\n")


def test_it_ends_by_itself_with_nothing_missing(folder: Path) -> None:
    with ExitStack() as stack:
        taken = []
        for wished in (1883, 1884, 8080):
            holder = stack.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                holder.bind(("127.0.0.1", wished))
                holder.listen()
            except OSError:
                pass  # somebody else holds it: as good
            taken.append(wished)
        demo = Demo(folder, "--seconds", "30")
        stack.callback(demo.end)
        code = demo.process.wait(200)
    assert code == 0, demo.text
    for wished in taken[:2]:
        assert f"port {wished} is in use" in demo.text
    assert "pulling the plug: the broker" in demo.text
    assert re.search(r"pulling the plug: [a-z-]+ loses its power", demo.text)
    nodes = json.loads(demo.ledger.read_text())["nodes"]
    assert len(nodes) == 6
    for node in nodes:
        assert set(node) == {"node", "born", "stored", "quarantined", "missing"}
        assert node["stored"] >= 1
        assert node["missing"] == node["quarantined"] == 0
        assert node["born"] == node["stored"]
    assert processes_of(folder) == []


def test_ctrl_c_ends_it_and_the_page_was_there(folder: Path) -> None:
    demo = Demo(folder, "--web-port", "0")
    try:
        address = wait_for(
            lambda: re.search(r"page: (http://127\.0\.0\.1:\d+/)", demo.text), 30, "the page's address"
        )
        with urllib.request.urlopen(address[1] + "api/nodes", timeout=10) as answer:
            assert len(json.load(answer)["nodes"]) == 6
        wait_for(lambda: re.search(r"stored [1-9]", demo.text), 60, "a stored reading")
        os.killpg(demo.process.pid, signal.SIGINT)
        demo.process.wait(100)
    finally:
        demo.end()
    assert "Traceback" not in demo.text
    assert "ledger:" in demo.text
    assert processes_of(folder) == []


def test_a_folder_with_other_files_is_left_alone(folder: Path) -> None:
    mine = folder / "demo" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("important")
    demo = Demo(folder, "--seconds", "5")
    assert demo.process.wait(30) == 2
    assert "--directory" in demo.text
    assert mine.read_text() == "important"


def test_without_micropython_it_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", "/nowhere/micropython")
    demo = Demo(folder, "--seconds", "5")
    assert demo.process.wait(60) == 1
    assert "DUSTLINE_MICROPYTHON" in demo.text
    assert "Traceback" not in demo.text
    assert processes_of(folder) == []
