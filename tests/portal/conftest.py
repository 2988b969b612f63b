"""A node that is to be set up, a broker with users, and what a phone does."""

from __future__ import annotations

import os
from types import SimpleNamespace

from dustline import firmware_path
from tests.gateway.conftest import run_gateway  # noqa: F401 - a fixture
from tests.gateway.web.conftest import chromium  # noqa: F401 - a fixture
from tests.portal.bench import fresh, guarded, phone  # noqa: F401 - fixtures

firmware_path.importable()
__import__("node").gc = SimpleNamespace(collect=lambda: 0)
vars(os)["ilistdir"] = lambda folder: ((name,) for name in os.listdir(folder))
