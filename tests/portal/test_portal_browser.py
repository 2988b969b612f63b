"""A node set up with a real browser: the real firmware on MicroPython, real Mosquitto, a real gateway."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.portal.bench import (
    GATEWAY,
    LABEL,
    LONG,
    NODE,
    PASSWORD,
    SECRET,
    SSID,
    Fresh,
    Phone,
    fill_in,
    kit_code,
)
from tests.support import Mosquitto, choose_port, wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]


def stored(journal: Path) -> int:
    with sqlite3.connect(journal) as opened:
        return opened.execute("SELECT count(*) FROM readings").fetchone()[0]


def shows(phone: Phone, text: str) -> None:
    phone.page.get_by_text(text).first.wait_for()


def test_from_nothing_to_a_reading_that_the_gateway_has(
    fresh: Callable[..., Fresh],
    guarded: Mosquitto,
    run_gateway: Callable[..., Any],
    phone: Callable[..., Phone],
    tmp_path: Path,
) -> None:
    run_gateway(guarded.port, broker={"port": guarded.port, "username": GATEWAY, "password": SECRET})
    one = fresh()
    name, password, wpa2 = one.node.soft_ap.heard() or ("", "", False)
    assert name.startswith("Dustline-")
    assert wpa2
    assert f"the password of this node's network is {password}" in one.log
    assert one.config["portal"]["password"] == password
    hers = phone("pl-PL")
    page = hers.page
    page.goto(one.url)
    shows(hers, "Konfiguracja czujnika")
    assert page.locator("html").get_attribute("lang") == "pl"
    page.get_by_role("link", name="English").click()
    shows(hers, "Set up the node")
    page.get_by_role("link", name="Polski").click()
    assert page.get_by_text(SSID, exact=True).is_visible(), "the name as it is, not as HTML"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fill_in(page, PASSWORD, kit_code(guarded.port, portal=LABEL))
    shows(hers, "Ustawienia są zapisane")
    shows(hers, "Dustline-praga-1")
    wait_for(lambda: stored(tmp_path / "journal.sqlite"), LONG, "a reading in the gateway's journal")
    page.goto(one.url)
    shows(hers, "Wszystko w porządku")
    for part in ("czujnik a", "przewody", "zasilanie", "Wi-Fi", "serwer", "zegar", "pamięć", "ustawienia"):
        assert page.get_by_role("rowheader", name=part, exact=True).is_visible(), part
    shows(hers, "Połączono z brokerem 127.0.0.1, bez szyfrowania.")
    assert one.node.soft_ap.heard() == (name, password, True), "a phone finds the same network again"
    kept = one.config
    assert kept["wifi"] == [{"ssid": SSID, "password": PASSWORD}]
    assert (kept["node"], kept["broker"]["password"]) == (NODE, SECRET)
    assert (kept["portal"]["password"], kept["window_s"]) == (LABEL, 1), "all else is as it was"
    page.get_by_role("link", name="English").click()
    shows(hers, "Nothing is at fault.")
    assert len(hers.answers) > 10
    for secret in (PASSWORD, SECRET, LABEL, "canary"):
        assert not [answer for answer in hers.answers if secret in answer]
        assert secret not in one.log
    assert hers.complaints == []


def tells(phone: Phone, english: str, polish: str) -> None:
    """The outcome, in both languages."""
    shows(phone, english)
    phone.page.get_by_role("link", name="Polski").click()
    shows(phone, polish)
    phone.page.get_by_role("link", name="English").click()
    shows(phone, english)
    assert phone.page.get_by_role("alert").is_visible()


def test_what_went_wrong_is_told_in_plain_words(
    fresh: Callable[..., Fresh], guarded: Mosquitto, phone: Callable[..., Phone]
) -> None:
    one = fresh()
    hers = phone()
    page = hers.page
    page.goto(one.url)
    fill_in(page, PASSWORD)
    tells(hers, "The kit code is still missing", "Brakuje jeszcze kodu zestawu")
    good = kit_code(guarded.port)
    fill_in(page, code=good[:40] + good[41:])
    tells(hers, "The kit code is damaged", "Kod zestawu jest uszkodzony")
    page.locator("input[value=other]").check()
    page.locator("input[name=other]").fill("Nowhere & <i>'\"")
    fill_in(page, "canary-any", good, ssid=None)
    tells(hers, "was not found", "Nie znaleziono sieci")
    assert page.locator("input[name=other]").input_value() == "Nowhere & <i>'\""
    fill_in(page, "canary-wrong")
    tells(hers, "seems to be wrong", "wygląda na błędne")
    one.node.access_point.dhcp = False
    fill_in(page, PASSWORD)
    tells(hers, "gives the node no address", "nie daje urządzeniu adresu")
    one.node.access_point.dhcp = True
    fill_in(page, code=kit_code(choose_port()))  # the password is the one that was typed before
    tells(hers, "does not answer", "nie odpowiada")
    fill_in(page, code=kit_code(guarded.port, secret="canary-other"))
    tells(hers, "does not accept", "nie przyjmuje")
    assert "wifi" not in one.config
    assert not [answer for answer in hers.answers if "canary" in answer]
    assert hers.complaints == []
    fill_in(page, code=good)
    wait_for(lambda: one.config.get("wifi"), LONG, "settings that are kept")
