"""What the browser tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.gateway.web.pages import PLACES

PHONE = {"width": 360, "height": 740}


class Opened:
    """A page, and what it did that a good page does not: console messages, requests to elsewhere."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)


def expect(target: Any) -> Any:
    from playwright.sync_api import expect as expectation

    expectation.set_options(timeout=60_000)  # many tests may share two cores
    return expectation(target)


def sign(page: Any, node: str) -> Any:
    return page.locator(f'.sign-box[data-node="{node}"] .disc')


def row(page: Any, node: str) -> Any:
    return page.locator(f'.row[data-node="{node}"]')


def fill(locator: Any) -> str:
    return locator.evaluate("element => getComputedStyle(element).backgroundColor")


def overflow(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def columns_drawn(page: Any, colour: str = "--pm25") -> list[float]:
    """Where a line has pixels, PM2.5's if not told, as parts of the plot's width from its left edge (0-1)."""
    return sorted({x for x, _ in drawn(page, colour)})


def drawn(page: Any, colour: str) -> list[tuple[float, float]]:
    """Pixels of the chart that have a colour of style.css, as parts of the plot's width and height from its
    upper left corner."""
    return page.evaluate(
        """name => {
          const canvas = document.querySelector('.plot canvas');
          const over = document.querySelector('.plot .u-over');
          if (!canvas || !over) return [];
          const scale = canvas.width / canvas.clientWidth;
          const [left, width] = [over.offsetLeft * scale, over.clientWidth * scale];
          const [top, height] = [over.offsetTop * scale, over.clientHeight * scale];
          const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
          const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const found = [];
          for (let at = 0; at < data.length; at += 4) {
            const near = wanted.every((part, index) => Math.abs(data[at + index] - part) < 12);
            if (!near || data[at + 3] <= 200) continue;
            const [x, y] = [(at / 4) % canvas.width, Math.floor(at / 4 / canvas.width)];
            found.push([(x - left) / width, (y - top) / height]);
          }
          return found;
        }""",
        colour,
    )


def save(page: Any, repo: Path, name: str) -> None:
    """Leave a screenshot for people in build/screenshots."""
    page.screenshot(path=repo / "build" / "screenshots" / f"{name}.png")


def all_on_the_map(page: Any) -> bool:
    room, panel = page.locator("#map").bounding_box(), page.locator("#panel").bounding_box()
    right = min(room["x"] + room["width"], panel["x"] or 10_000)
    bottom = min(room["y"] + room["height"], panel["y"] if panel["x"] == 0 else 10_000)
    boxes = [sign(page, name).bounding_box() for name in PLACES]
    return all(
        box["x"] >= 0 and box["y"] >= room["y"] and box["x"] + box["width"] <= right
        and box["y"] + box["height"] <= bottom
        for box in boxes
    )  # fmt: skip
