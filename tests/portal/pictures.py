"""Take the guide's screenshots from a real run: python -m tests.portal.pictures [--into FOLDER]

The real firmware on MicroPython, a real Mosquitto, a real gateway, Chromium as the phone. Writes
docs/images/kit/*.png and prints when each was taken, in seconds from power-on; needs chromium and mosquitto.
A person reads, chooses and types between them, which this does at once.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.config import Settings
from gateway.service import Gateway
from simulator.ntp import NtpServer
from tests.portal.bench import GATEWAY, LONG, NODE, SECRET, Fresh, fill_in, kit_code
from tests.support import REPO, Mosquitto, choose_port, require

TARGET = REPO / "docs" / "images" / "kit"
HOME, PASSWORD = "Dom Kowalskich", "zielone-drzwi-7"
LANGUAGES = {"pl": "pl-PL", "en": "en-GB"}
AROUND = (("UPC 4711", -63), ("Kawiarnia Żubr", -71), ('sąsiad "za płotem"', -84))


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Take the guide's screenshots.")
    parser.add_argument("--into", type=Path, default=TARGET, metavar="FOLDER")
    target: Path = parser.parse_args().into
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=require("chromium"), args=flags)
        for lang, locale in LANGUAGES.items():
            with tempfile.TemporaryDirectory() as directory:
                take(browser, lang, locale, Path(directory), target)
        browser.close()


def take(browser: Any, lang: str, locale: str, directory: Path, target: Path) -> None:
    """One whole set-up, in one language."""
    passwords = directory / "passwords"
    passwords.touch(0o600)
    for user in (NODE, GATEWAY):
        subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, SECRET], check=True)
    (directory / "mosquitto").mkdir()
    broker = Mosquitto(
        directory / "mosquitto", choose_port(), [f"password_file {passwords}", "allow_anonymous false"]
    ).start()
    nodes = directory / "nodes.toml"
    nodes.write_text(f'[nodes.{NODE}]\nlabel = "Praga, Targowa"\nlat = 52.2540\nlon = 21.0348\n')
    gateway = Gateway(
        Settings.model_validate(
            {
                "broker": {"port": broker.port, "username": GATEWAY, "password": SECRET},
                "journal": {"path": directory / "journal.sqlite"},
                "web": {"port": choose_port()},
                "monitor": {"enabled": False},
                "nodes_file": nodes,
            }
        )
    )
    gateway.start()
    ntp = NtpServer().start()
    begun = time.monotonic()

    def picture(page: Any, name: str, height: int = 640) -> None:
        """`height`: of the part that is shown."""
        path = target / f"{lang}-{name}.png"
        clip = {"x": 0, "y": 0, "width": 360, "height": height}
        page.screenshot(path=path, full_page=True, clip=clip)
        print(f"{time.monotonic() - begun:6.1f} s  {path}")

    one = Fresh(directory, ntp, {}, "192k", (HOME, PASSWORD), AROUND)
    try:
        one.wait("setup: page")
        context = browser.new_context(viewport={"width": 360, "height": 640}, locale=locale)
        context.set_default_timeout(LONG * 1000)
        page = context.new_page()
        page.goto(one.url)
        picture(page, "1-form")
        fill_in(page, "zielone-drzwi-8", kit_code(broker.port, portal="kod-z-etykiety"), ssid=HOME)
        page.get_by_role("status").wait_for()
        picture(page, "2-trying")
        page.get_by_role("alert").wait_for()
        picture(page, "3-wrong-password", 420)
        fill_in(page, PASSWORD, ssid=HOME)
        page.get_by_text({"pl": "Udało się", "en": "It works"}[lang]).first.wait_for()
        picture(page, "4-kept")
        one.wait("setup: ok settings")
        page.goto(one.url)
        page.get_by_role("table").wait_for()
        picture(page, "5-self-test", 700)
        page.goto(gateway.web.url if gateway.web else "")
        page.wait_for_timeout(2500)  # for the map to be drawn
        picture(page, "6-map")
        context.close()
    finally:
        one.node.stop()
        ntp.stop()
        gateway.stop()
        broker.stop()


if __name__ == "__main__":
    main()
