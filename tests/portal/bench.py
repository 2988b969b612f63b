"""What the tests of set-up share."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulator.board.network import AccessPoint
from simulator.node import NodeOptions, SimNode
from simulator.ntp import NtpServer
from simulator.options import fit
from tests.support import Mosquitto, choose_port, require, wait_for

LONG = 60.0
QUICK = {"warmup_s": 1, "window_s": 1, "health_s": 1, "ack_timeout_s": 2, "keepalive_s": 5, "spread_s": 0}
NODE, SECRET, GATEWAY = "praga-1", "canary-Secret", "dustline-gateway"
SSID = "<b>\"Żółw\" & 'x'😀</b>"  # 32 bytes at most
PASSWORD = "canary<\"&'> +%41 ęß😀"
LABEL = "canary-label"


def kit_code(port: int, **changes: Any) -> str:
    """A kit code as enrolment makes it, for the broker at a port."""
    kit = {"node": NODE, "network": "warsaw", "secret": SECRET, "host": "127.0.0.1", "port": port}
    raw = json.dumps({**kit, "tls": False, **changes}).encode()
    body = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return f"DL1.{body}.{zlib.crc32(raw):08x}"


class Fresh:
    """A node that nobody has set up yet, switched on; and the page of its own network."""

    def __init__(
        self,
        directory: Path,
        ntp: NtpServer,
        config: dict[str, Any],
        heap: str,
        home: tuple[str, str] = (SSID, PASSWORD),
        around: Sequence[tuple[str, int]] = (),
        board: Mapping[str, bytes] | None = None,
    ) -> None:
        """`home`: name and password of the Wi-Fi; `around`: names and strengths, in dBm, of others. `board`:
        files of a flashed board, for a node that runs from its slots."""
        self.at = f"127.0.0.1:{choose_port()}"
        self.dns = choose_port()
        portal = {"page": self.at, "dns": self.dns, "try_s": 3}
        whole = {"ntp": [ntp.address], "sensors": [fit("sds011").config()], **QUICK, **config}
        whole["portal"] = {**portal, **config.get("portal", {})}
        # What config.json says is the test's alone.
        options = NodeOptions("fresh", ssid=home[0], wifi_password=home[1], heap=heap)
        self.node = SimNode(directory / "node", options, lambda _at: (8.0, 12.0, 20.0), board=board)
        self.node.access_point.rssi = -55
        self.node.access_points += [AccessPoint(name, "12345678", rssi) for name, rssi in around]
        self.config_file = self.node.flash / "config.json"
        self.node.flash.mkdir(parents=True)
        self.config_file.write_text(json.dumps(whole, ensure_ascii=False))  # as MicroPython needs it
        self.node.start()

    @property
    def url(self) -> str:
        return f"http://{self.at}/"

    @property
    def log(self) -> str:
        return self.node.log.read_text()

    @property
    def config(self) -> dict[str, Any]:
        return json.loads(self.config_file.read_text())

    def get(self, path: str = "/", **headers: str) -> str:
        with urllib.request.urlopen(urllib.request.Request(self.url[:-1] + path, headers=headers)) as answer:
            return answer.read().decode()

    def wait(self, text: str, seconds: float = LONG) -> None:
        wait_for(lambda: text in self.log, seconds, f"the console's {text!r}")

    def token(self) -> str:
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.get())
        assert found is not None
        return found[1]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., Fresh]]:
    made: list[Fresh] = []
    ntp = NtpServer().start()

    def start(
        config: dict[str, Any] | None = None,
        heap: str = "160k",
        board: Mapping[str, bytes] | None = None,
    ) -> Fresh:
        one = Fresh(tmp_path, ntp, config or {}, heap, board=board)
        made.append(one)
        one.wait("setup: page" if not (config or {}).get("wifi") else "node ")
        return one

    yield start
    for one in made:
        one.node.stop()
        print(one.log)
        assert "cannot answer" not in one.log
        assert "died" not in one.log
    ntp.stop()


@pytest.fixture
def guarded(tmp_path: Path, mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A broker that takes the node and the gateway with their passwords, and nobody else."""
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    for user in (NODE, GATEWAY):
        subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, SECRET], check=True)
    return mosquitto([f"password_file {passwords}", "allow_anonymous false"])


class Phone:
    """A browser on a phone; it keeps each answer that it got, and whatever was wrong with a page."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.answers: list[str] = []
        self.complaints: list[str] = []
        self.page.on("response", self._keep)
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append("a script has run: " + dialog.message)
        dialog.dismiss()

    def _keep(self, answer: Any) -> None:
        self.answers.append(json.dumps(answer.headers))
        if answer.status == 200:
            try:
                self.answers.append(answer.text())
            except Exception as error:  # noqa: BLE001 - the browser's own, for a page that it has left already
                self.answers.append(repr(error))


@pytest.fixture
def phone(chromium: Any) -> Iterator[Callable[..., Phone]]:
    contexts: list[Any] = []

    def pick_up(locale: str = "en-GB") -> Phone:
        context = chromium.new_context(
            viewport={"width": 360, "height": 740}, locale=locale, java_script_enabled=False
        )
        context.set_default_timeout(LONG * 1000)
        contexts.append(context)
        return Phone(context)

    yield pick_up
    for context in contexts:
        context.close()


def fill_in(page: Any, password: str | None = None, code: str | None = None, ssid: str | None = SSID) -> None:
    """Choose a network, type, and press the button."""
    if ssid is not None:
        page.locator(f'input[value="{ssid.encode().hex()}"]').check()
    if password is not None:
        page.locator("input[name=password]").fill(password)
    if code is not None:
        page.locator("textarea[name=code]").fill(code)
    page.locator("button.main").click()


def ask(
    one: Fresh, method: str = "GET", path: str = "/", form: dict[str, str] | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    host, _, port = one.at.partition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=30)
    body = None if form is None else urllib.parse.urlencode(form)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    try:
        line.request(method, path, body, {"Host": one.at, **kind, **headers})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        line.close()
