"""A simulated node's process: MicroPython, started so that it does not outlive us, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from simulator import launcher
from simulator.home import MAIN, MODULES, Home

TERM_S = 3.0

Process = subprocess.Popen[bytes]


def spawn(
    micropython: Path, heap: str, home: Home, talk: int, handles: tuple[int, ...], console: int | None = None
) -> Process:
    """`talk` is the node's end of the line to its chip, `handles` are those of its UARTs, `console` is its
    end of a console; None: node.log. To be called in the thread that shall not be outlived (launcher.py).
    Raises OSError when there is nothing to run."""
    command = [
        sys.executable,
        *("-I", "-S", str(Path(launcher.__file__).resolve()), str(os.getpid())),
        *(str(micropython), "-X", f"heapsize={heap}", MAIN),
    ]
    environment = {**os.environ, "MICROPYPATH": MODULES, "DUSTLINE_CHIP": str(talk)}
    with home.log.open("ab") as log:
        # A session of its own: Ctrl-C in the terminal is the simulator's to act on, not the node's.
        return subprocess.Popen(
            command,
            cwd=home.flash,
            env=environment,
            stdin=subprocess.DEVNULL if console is None else console,
            stdout=log if console is None else console,
            stderr=log if console is None else console,
            pass_fds=(talk, *handles),
            start_new_session=True,
        )


def send(process: Process, how: signal.Signals) -> None:
    """To all of its session."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return  # ended between the two lines


def end(process: Process, how: signal.Signals) -> None:
    """Send `how`, and SIGKILL if that does not help within TERM_S."""
    send(process, how)
    try:
        process.wait(TERM_S)
    except subprocess.TimeoutExpired:
        send(process, signal.SIGKILL)
