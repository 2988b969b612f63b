"""docs/web.md names every address and every setting."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Route

from gateway.bell import Bell
from gateway.web.app import make_app
from gateway.web.series import GAP_INTERVALS, MOST_POINTS, MOST_ROWS
from gateway.web.settings import WebSettings


def test_the_page_of_documentation_is_complete(repo: Path, tmp_path: Path) -> None:
    text = (repo / "docs" / "web.md").read_text()
    app = make_app(WebSettings(), tmp_path / "journal.sqlite", Bell(), {})
    paths = [route.path for route in app.routes if isinstance(route, Route) and route.path != "/"]
    assert len(paths) >= 6
    assert [path for path in paths if f"`{path}" not in text] == []
    settings = text.split("## Settings")[1]
    assert [key for key in WebSettings.model_fields if f"`{key}`" not in settings] == []
    for number in (GAP_INTERVALS, MOST_POINTS, MOST_ROWS):
        assert f" {number}" in text.replace("\n", " ")
