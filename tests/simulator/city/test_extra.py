"""numpy is the city's alone: a node's or a gateway's install does without it."""

from __future__ import annotations

import subprocess
import sys

from tests.support import REPO


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)


def test_the_rest_of_dustline_does_not_import_numpy() -> None:
    parts = "dustline.cli, simulator.cli, simulator.fleet, gateway.pipeline, gateway.service"
    done = run(f"import sys; import {parts}; sys.exit('numpy' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_without_numpy_the_city_says_what_to_install() -> None:
    done = run("import sys; sys.modules['numpy'] = None; import simulator.city")
    assert "the simulated city needs numpy: pip install 'dustline[city]'" in done.stderr
    assert done.returncode == 1
