"""/join in a real Chromium, in both languages, at a gateway with a real Mosquitto."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.enrol.kit import decode
from tests.gateway.enrol.guarded import lets_in
from tests.gateway.enrol.test_join import Open
from tests.gateway.web.browser import PHONE, expect
from tests.gateway.web.conftest import chromium, visit  # noqa: F401 - fixtures

pytestmark = pytest.mark.needs_chromium


@pytest.fixture
def opened(guarded_by: Any, run_gateway: Any) -> Open:
    return Open(guarded_by("files"), run_gateway)


def test_a_volunteer_gets_a_kit_code(opened: Open, visit: Any) -> None:  # noqa: F811
    shown = visit(f"{opened.url}join", locale="pl-PL", viewport=PHONE)
    page = shown.page
    expect(page.locator("h1")).to_have_text("Dołącz z czujnikiem")
    page.locator("#code").fill("AAAA-BBBB-CCCC-DDDD")
    page.locator("#send").click()
    expect(page.locator("#wrong")).to_have_text(
        "Szerokość i długość to dwie liczby, na przykład 52,2297 i 21,0122."
    )
    page.get_by_label("Tylko dzielnicę").check()
    page.locator("#district").select_option("Żoliborz")
    expect(page.locator("#spot-fields")).to_be_hidden()
    page.locator("#send").click()
    expect(page.locator("#wrong")).to_contain_text("Kod jest nieznany, został już użyty albo wygasł.")
    page.get_by_role("button", name="EN").click()
    expect(page.locator("#wrong")).to_contain_text("This code is not known")

    page.locator("#code").fill(opened.code().lower())
    page.locator("#send").click()
    expect(page.locator("#kit-title")).to_be_focused()
    kit = decode(page.locator("#kit-code").input_value())
    assert lets_in(opened.guarded.port, str(kit["node"]), str(kit["secret"]))
    expect(page.locator("#kit-ssid")).to_have_text(f"Dustline-{kit['node']}")
    expect(page.locator("#kit-password")).to_have_text(str(kit["portal"]))
    assert page.locator("#ask").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.foreign == []
    # Chromium itself reports the answer 403 to the first code.
    assert [text for text in shown.complaints if "403" not in text] == []
    assert "DL1" not in page.url
    assert page.evaluate("Object.keys(localStorage)") in ([], ["dustline.language"])


def test_a_position_goes_out_as_it_was_typed(opened: Open, visit: Any) -> None:  # noqa: F811
    shown = visit(f"{opened.url}join", locale="en-GB")
    page = shown.page
    page.locator("#code").fill(opened.code())
    page.locator("#label").fill("Szkoła")
    page.locator("#lat").fill("52,2371")
    page.locator("#lon").fill("20.9583")
    with page.expect_request("**/api/enrol") as sent:
        page.locator("#send").click()
    expect(page.locator("#kit")).to_be_visible()
    asked = sent.value.post_data_json
    assert asked["precision"] == "grid"
    assert asked["place"] == {"label": "Szkoła", "lat": 52.2371, "lon": 20.9583}
    assert shown.complaints == []
