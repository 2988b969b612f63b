"""The flash page at a gateway that enrols: a one-time code becomes the node's credentials over the cable, and
the real broker lets the node in with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.options import NodeOptions
from tests.gateway.enrol.guarded import lets_in
from tests.gateway.enrol.test_join import Open
from tests.gateway.web.browser import expect
from tests.gateway.web.conftest import chromium  # noqa: F401 - a fixture
from tests.kit.cable import Cable
from tests.kit.rig import ConsoleEnd, in_setup, line

pytestmark = [pytest.mark.needs_chromium, pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]


def test_a_code_becomes_the_nodes_credentials(
    guarded_by: Any,
    run_gateway: Any,
    chromium: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    opened = Open(guarded_by("files"), run_gateway)
    with in_setup(tmp_path / "node", NodeOptions("fresh"), {}) as node, line(node) as port:
        context = chromium.new_context(locale="pl-PL")
        context.set_default_timeout(60_000)
        page = context.new_page()
        posted: list[str] = []
        page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
        cable = Cable(ConsoleEnd(port))
        cable.attach(page)
        page.goto(f"{opened.url}flash")
        page.get_by_role("button", name="Tylko skonfiguruj").click()
        page.locator("#once").fill("AAAA-BBBB-CCCC-DDDD")
        page.get_by_role("button", name="Przekaż czujnikowi").click()
        expect(page.locator("#note")).to_contain_text("Kod jest nieznany, już użyty albo za stary.")
        code = opened.code()
        page.locator("#once").fill(code)
        page.locator("#spot").fill("gdzieś")
        page.get_by_role("button", name="Przekaż czujnikowi").click()
        expect(page.locator("#note")).to_contain_text("dwie liczby w stopniach")
        page.locator("#spot").fill("52,2371 20,9583")
        page.locator("#label").fill("Szkoła")
        page.get_by_role("button", name="Przekaż czujnikowi").click()
        expect(page.locator("#networks")).to_contain_text("dustline")
        page.locator("#password").fill("particles")
        page.get_by_role("button", name="Połącz", exact=True).click()
        expect(page.locator("#step-done")).to_be_visible(timeout=120_000)
        expect(page.locator("#done-text")).to_contain_text("połączył się z siecią")
        config = json.loads((node.flash / "config.json").read_text())
        name = config["node"]
        expect(page.locator("#label-facts")).to_contain_text(f"Dustline-{name}")
        expect(page.locator("#label-facts")).to_contain_text(config["portal"]["password"])
        expect(page.locator("#to-node")).to_have_attribute("href", f"./#{name}")
        assert lets_in(opened.guarded.port, name, config["broker"]["password"])
        assert opened.nodes()[name]["label"] == "Szkoła"
        # Neither code nor credentials stand in an address.
        assert {url.partition("?")[2] for url in posted} == {""}
        assert code not in page.url
        context.close()
