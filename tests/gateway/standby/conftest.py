from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.standby.site import Site


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start a site: `make_site(patience_s=3)`."""
    made: list[Site] = []

    def make(patience_s: float = 3.0, keepalive_s: int = 30) -> Site:
        home = tmp_path / f"site{len(made)}"
        home.mkdir()
        made.append(Site(home, patience_s, keepalive_s))
        return made[-1]

    yield make
    for site in made:
        site.close()
