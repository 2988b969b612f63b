"""What the tests ask of a simulated node's console and process."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.node import SimNode
from tests.support import wait_for


def logged(node: SimNode, text: str) -> str:
    """Wait until the node's console shows the text."""
    return wait_for(
        lambda: node.log.exists() and text in node.log.read_text() and text, what=f"{text!r} in log"
    )


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie that nobody reaps here has ended all the same.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
