"""Fetching the official MicroPython: a local HTTP server plays its place, nothing else is asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dustline.kit import official
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from tests.kit import official as images
from tests.support import choose_port

DATA = b"micropython" * 1000
BOARD = replace(BOARDS["esp32"], sha256=hashlib.sha256(DATA).hexdigest())


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        length = {"/cut": len(DATA) + 5, "/huge": None}.get(self.path, len(DATA))
        if length is not None:
            self.send_header("content-length", str(length))
        self.end_headers()
        if self.path == "/huge":
            for _ in range(9):
                self.wfile.write(bytes(1024 * 1024))
            return
        self.wfile.write(b"x" + DATA[1:] if self.path == "/other" else DATA)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(("127.0.0.1", 0), _Handler)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def url(server: HTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_it_is_fetched_once(server: HTTPServer, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    found = official.fetch(BOARD, folder, url(server, "/it"))
    assert found.read_bytes() == DATA
    assert official.fetch(BOARD, folder, url(server, "/it")) == found
    assert server.asked == ["/it"]  # type: ignore[attr-defined]
    found.write_bytes(b"half of it")
    assert official.fetch(BOARD, folder, url(server, "/it")).read_bytes() == DATA
    assert [path.name for path in folder.iterdir()] == [BOARD.file]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/other", "is not the ESP32_GENERIC"),
        ("/absent", "HTTP Error 404|Not Found"),
        ("/cut", "broke off|cannot be fetched"),
        ("/huge", "is larger than"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_nothing(
    server: HTTPServer, tmp_path: Path, path: str, said: str
) -> None:
    with pytest.raises(KitError, match=said):
        official.fetch(BOARD, tmp_path, url(server, path))
    assert not list(tmp_path.iterdir())


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"cannot be fetched: .*refused.* --micropython"):
        official.fetch(BOARD, tmp_path, f"http://127.0.0.1:{choose_port()}/it")


def test_no_pinned_checksum_no_download(server: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(KitError, match="no checksum is pinned for esp32s3"):
        official.fetch(BOARDS["esp32s3"], tmp_path, url(server, "/it"))
    assert not server.asked  # type: ignore[attr-defined]


def test_the_pinned_checksum_is_that_of_the_file_in_the_wheel() -> None:
    official.check(images.real().read_bytes(), BOARDS["esp32"], "the wheel's file")
