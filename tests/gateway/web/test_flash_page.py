"""The page that flashes and sets up, in a real Chromium, with ESP Web Tools and the Improv SDK as they are.
Stubbed is navigator.serial: behind it are a loader that speaks the chip's protocol, and real firmware."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dustline import firmware_path
from dustline.kit import contents, flash_page, image
from dustline.kit.boards import BOARDS
from dustline.kit.words import EN, PL
from dustline.node import signing
from dustline.node.build import build
from gateway.web.server import WebServer
from simulator.options import NodeOptions, fit
from tests.firmware.node_bench import ScriptedGateway
from tests.gateway.web.browser import Opened, expect, overflow, save
from tests.kit import official
from tests.kit.cable import Cable, Silent
from tests.kit.rig import ConsoleEnd, flashed, in_setup, line
from tests.kit.rom_loader import Loader
from tests.support import REPO, Mosquitto, choose_port, require, wait_for

pytestmark = pytest.mark.needs_chromium

PASSWORD = "zażółć gęślą jaźń"
QUICK = {"warmup_s": 1, "window_s": 1, "health_s": 5, "ack_timeout_s": 5, "keepalive_s": 5}


class Tab:
    """A page of a browser with a cable, and what it complained of."""

    def __init__(self, chromium: Any, url: str, cable: Cable | None, **options: Any) -> None:
        self.context = chromium.new_context(
            **{"viewport": {"width": 900, "height": 800}, "locale": "en-GB", **options}
        )
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.texts: list[str] = []
        self.page.on("console", lambda message: self._hear(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._see(request.url))
        if cable is not None:
            cable.attach(self.page)
        self.page.goto(url)

    def _hear(self, message: Any) -> None:
        self.texts.append(message.text)
        # What is asked for and may be absent: an image, and enrolment.
        absent = message.location.get("url", "").endswith(("/firmware/manifest.json", "/api/enrol"))
        if message.type in ("error", "warning") and not absent:
            self.complaints.append(f"{message.text} {message.location}")

    def _see(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(url)


@pytest.fixture
def tab(chromium: Any) -> Any:
    opened: list[Tab] = []

    def open_tab(url: str, cable: Cable | None = None, **options: Any) -> Tab:
        opened.append(Tab(chromium, url, cable, **options))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.context.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An image with a signed version, and settings that let it run here: where its own page is, and quick."""
    folder = tmp_path_factory.mktemp("signed")
    key = signing.new_key(folder / "key")
    (folder / "it.fw").write_bytes(signing.sign(build(firmware_path.folder()), key).whole)
    files = contents.signed("esp32", folder / "it.fw", [folder / "key"])
    config = {**QUICK, "sensors": [fit("sds011").config()], "clock_wait_s": 0, "spread_s": 0}
    files["config.json"] = json.dumps(
        {**config, "portal": {"page": f"127.0.0.1:{choose_port()}", "dns": choose_port()}}
    ).encode()
    return image.build(BOARDS["esp32"], official.real().read_bytes(), files)


@pytest.fixture
def images(tmp_path: Path, built: bytes) -> Path:
    folder = tmp_path / "firmware"
    folder.mkdir()
    (folder / "esp32.bin").write_bytes(built)
    # Not by flash_page, which takes no image with a portal's settings in it.
    builds = [{"chipFamily": "ESP32", "parts": [{"path": "esp32.bin", "offset": 0}]}]
    (folder / "manifest.json").write_text(
        json.dumps({"name": "Dustline", "version": "0.1.0", "builds": builds})
    )
    return folder


def kit_code(port: int, **changes: Any) -> str:
    made = {"node": "kuchnia", "network": "warsaw", "secret": "s" * 40, "host": "127.0.0.1", "port": port}
    raw = json.dumps({**made, "tls": False, "portal": "sosna-9-wiatr", **changes}).encode()
    return f"DL1.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.{binascii.crc32(raw):08x}"


@pytest.mark.needs_mosquitto
@pytest.mark.needs_micropython
def test_a_board_is_flashed_and_set_up(
    serve: Callable[..., WebServer],
    tab: Callable[..., Tab],
    mosquitto: Callable[..., Mosquitto],
    images: Path,
    built: bytes,
    tmp_path: Path,
    repo: Path,
) -> None:
    """What the page has written is what starts; and the first reading arrives."""
    broker = mosquitto()
    gateway = ScriptedGateway(broker.port)
    loader = Loader()
    options = NodeOptions("kuchnia", ssid="Café ☕ 5", wifi_password=PASSWORD)
    with ExitStack() as stack:
        stack.callback(gateway.close)

        def power_on() -> ConsoleEnd:
            node = stack.enter_context(flashed(tmp_path / "node", bytes(loader.flash), options))
            return ConsoleEnd(stack.enter_context(line(node)))

        cable = Cable(loader, power_on)
        opened = tab(serve(firmware=str(images)).url + "flash", cable)
        page = opened.page
        save(page, repo, "flash-1-cable")
        page.get_by_role("button", name="Install and set up").click()
        expect(page.locator("#install-state")).to_contain_text("Writing")
        save(page, repo, "flash-2-install")
        expect(page.locator("#step-code")).to_be_visible(timeout=120_000)
        assert bytes(loader.flash) == built
        expect(page.locator("#found")).to_contain_text("Dustline")
        page.locator("#kit").fill(kit_code(broker.port))
        save(page, repo, "flash-3-code")
        page.get_by_role("button", name="Hand it to the node").click()
        expect(page.locator("#networks")).to_contain_text("Café ☕ 5")
        page.locator("#password").fill("wrong password")
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.locator("#note")).to_contain_text("the password is wrong", timeout=120_000)
        page.locator("#password").fill(PASSWORD)
        save(page, repo, "flash-4-wifi")
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.locator("#done-text")).to_contain_text(
            "The node kuchnia has reached the network", timeout=120_000
        )
        save(page, repo, "flash-5-done")
        wait_for(lambda: gateway.readings, 60, f"a reading, see {tmp_path}/node/node.log")
        assert not gateway.broken
    assert opened.complaints == []
    assert opened.foreign == []
    assert not [text for text in opened.texts if "gęślą" in text or "ssss" in text]


@pytest.mark.needs_mosquitto
@pytest.mark.needs_micropython
def test_a_code_that_the_server_refuses_is_exchanged_for_another(
    idle: str, tab: Callable[..., Tab], mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """The way back from Wi-Fi to the code; and what the second code gave is what is shown to be kept."""
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    subprocess.run([require("mosquitto_passwd"), "-b", passwords, "kuchnia", "s" * 40], check=True)
    broker = mosquitto([f"password_file {passwords}", "allow_anonymous false"])
    kits = {
        "FIRST": kit_code(broker.port, secret="old", portal="stara-etykieta"),
        "SECOND": kit_code(broker.port),
    }
    labels = {"FIRST": "stara-etykieta", "SECOND": "sosna-9-wiatr"}
    asked: list[str] = []

    def enrol(route: Any) -> None:
        if route.request.method == "GET":
            route.fulfill(json={"network": "warsaw", "districts": []})
            return
        once = route.request.post_data_json["code"]
        asked.append(once)
        label = {"ssid": "Dustline-kuchnia", "password": labels[once]}
        route.fulfill(json={"kit_code": kits[once], "node": "kuchnia", "portal": label})

    options = NodeOptions("kuchnia", ssid="Dom", wifi_password=PASSWORD)
    with in_setup(tmp_path / "node", options, QUICK) as node, line(node) as port:
        opened = tab("about:blank", Cable(ConsoleEnd(port)))
        page, note = opened.page, opened.page.locator("#note")
        page.route("**/api/enrol", enrol)
        page.goto(idle + "flash")
        page.get_by_role("button", name="Only set up").click()
        page.get_by_role("button", name="The node has its code already").click()
        expect(page.locator("#networks")).to_contain_text("Dom")
        page.locator("#password").fill(PASSWORD)
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(note).to_contain_text("Press “Another code”")
        for once, outcome in (("FIRST", "press “Another code”"), ("SECOND", None)):
            page.get_by_role("button", name="Another code").click()
            page.locator("#once").fill(once)
            page.get_by_role("button", name="Hand it to the node").click()
            expect(page.locator("#step-wifi")).to_be_visible()
            page.locator("#password").fill(PASSWORD)
            page.get_by_role("button", name="Connect", exact=True).click()
            if outcome:
                expect(note).to_contain_text(outcome)
        expect(page.locator("#label-facts")).to_contain_text("sosna-9-wiatr")
        expect(page.locator("#label-note")).to_contain_text("Write these two down")
        expect(page.locator("#step-done")).to_contain_text("http://192.168.4.1/")
        assert asked == ["FIRST", "SECOND"]
    assert opened.complaints == []


def test_every_reason_of_a_node_has_words(idle: str, visit: Callable[..., Opened]) -> None:
    """As docs/node/flash.md lists them; a word alone helps nobody."""
    listed = (REPO / "docs" / "node" / "flash.md").read_text(encoding="utf-8")
    words = re.findall(r"`(\w+)`", listed.partition("Words of 0xD2:")[2].partition("Hostname")[0])
    assert {"no_code", "memory", "busy"} < set(words)
    page = visit(idle + "flash").page
    told = page.evaluate("async () => (await import('./static/js/i18n.js')).TEXTS")
    for word in words:
        for lang, own in (("en", EN), ("pl", PL)):
            assert told[lang].get(f"join_{word}"), (lang, word)
            assert own.get(f"join_{word}"), (lang, word)


def test_polish_and_a_phones_width(idle: str, tab: Callable[..., Tab], repo: Path) -> None:
    opened = tab(idle + "flash", Cable(Silent()), locale="pl-PL", viewport={"width": 360, "height": 740})
    expect(opened.page.locator("#step-cable h2")).to_have_text("1. Podłącz płytkę")
    expect(opened.page.locator("#no-image")).to_be_visible()
    expect(opened.page.locator("#install")).to_be_hidden()
    assert overflow(opened.page) <= 0
    save(opened.page, repo, "flash-pl-phone")
    opened.page.get_by_role("button", name="EN").click()
    expect(opened.page.locator("#step-cable h2")).to_have_text("1. Connect the board")
    assert opened.complaints == []


def test_a_browser_without_web_serial(idle: str, chromium: Any, tab: Callable[..., Tab]) -> None:
    opened = tab("about:blank")
    opened.page.add_init_script("delete Navigator.prototype.serial")
    opened.page.goto(idle + "flash")
    expect(opened.page.locator("#unfit")).to_contain_text("Chrome or Edge")
    expect(opened.page.locator("#step-cable")).to_be_hidden()
    assert opened.complaints == []


def test_what_can_go_wrong_at_the_port(
    serve: Callable[..., WebServer], tab: Callable[..., Tab], images: Path
) -> None:
    loader = Loader()
    cable = Cable(loader)
    opened = tab(serve(firmware=str(images)).url + "flash", cable)
    note, install = opened.page.locator("#note"), opened.page.get_by_role("button", name="Install and set up")
    cable.refuse = "NotFoundError"
    install.click()
    expect(note).to_contain_text("No port was chosen")
    cable.refuse = None
    cable.busy = "Failed to open serial port."
    opened.page.get_by_role("button", name="Only set up").click()
    expect(note).to_contain_text("another program or tab uses it")
    cable.busy = None
    loader.break_off_after = 3
    install.click()
    expect(note).to_contain_text("Writing broke off", timeout=200_000)
    expect(opened.page.locator("#step-cable")).to_be_visible()
    assert opened.foreign == []


def test_another_chip_is_told(
    serve: Callable[..., WebServer], tab: Callable[..., Tab], tmp_path: Path
) -> None:
    board = BOARDS["esp32c3"]
    path = tmp_path / "c3.bin"
    path.write_bytes(image.build(board, official.made_up(board), {"main.py": b""}))
    flash_page.make(tmp_path / "page", [path])
    opened = tab(serve(firmware=str(tmp_path / "page" / "firmware")).url + "flash", Cable(Loader()))
    opened.page.get_by_role("button", name="Install and set up").click()
    expect(opened.page.locator("#note")).to_contain_text("no image here for this chip (ESP32)")
