"""Make the firmware importable, as it is on a board, and what the tests in both/ share."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

from dustline import firmware_path
from tests.firmware.node_bench import broker, gateway, node, ntp  # noqa: F401 - fixtures

firmware_path.importable()
sys.path.append(str(Path(__file__).parent / "both"))
# use_once collects what it leaves: on CPython, in a heap full of tests, that takes longer than a test.
__import__("node").gc = SimpleNamespace(collect=lambda: 0)
# MicroPython alone has it.
vars(os)["ilistdir"] = lambda folder: ((name,) for name in os.listdir(folder))
