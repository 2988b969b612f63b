"""From the firmware's sources to a bundle. Needs mpy-cross, as `make firmware` does."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dustline.node.bundle import BOARDS, Bundle, BundleError, make
from simulator.bytecode import MAIN, STAGE, compile_tree

FIRST_STAGE = (
    MAIN,
    *(name.replace(".py", ".mpy") for name in STAGE),
)  # lie beside the slots, and in no bundle
ROOMS = ("node", "setup", "update")


def version_of(firmware: Path) -> str:
    """VERSION of the firmware in this folder. Raises BundleError."""
    path = firmware / "node" / "__init__.py"
    if not path.is_file():
        raise BundleError(f"{firmware} holds no firmware: there is no {path}")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == ["VERSION"]:
            return str(ast.literal_eval(node.value))
    raise BundleError(f"{path} says no VERSION")


def room_of(path: str) -> str:
    """Which of the firmware's rooms a compiled file is counted in."""
    if path in FIRST_STAGE:
        return "stage"
    first = path.split("/")[0]
    return first if first in ROOMS else "node"


def files_of(tree: Path) -> dict[str, bytes]:
    """All files of a compiled tree, by path."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


def bundle_of(tree: Path, version: str, floor: str, boards: Iterable[str] = BOARDS) -> Bundle:
    """The bundle of a compiled tree, without a signature."""
    files = {path: data for path, data in files_of(tree).items() if path not in FIRST_STAGE}
    return make(files, version, floor, boards)


def board_files(firmware: Path, signed: Bundle, keys: str) -> dict[str, bytes]:
    """What goes into a new board's file system, by path, but for its settings. `keys`: the text of keys.json.
    Both slots hold the version: docs/node/update.md says why. Raises SimulatorError and BundleError."""
    if not signed.signature:
        raise BundleError("a board runs signed versions only: sign the bundle first")
    with tempfile.TemporaryDirectory(prefix="dustline-stage-") as scratch:
        tree = compile_tree(firmware, Path(scratch) / "firmware", link=True)
        files = {name: (tree / name).read_bytes() for name in FIRST_STAGE}
    return {**files, "keys.json": keys.encode(), "a.fw": signed.whole, "b.fw": signed.whole}


def build(firmware: Path, floor: str = "0.0.0", boards: Iterable[str] = BOARDS) -> Bundle:
    """Compile the firmware in a folder into a bundle. Raises SimulatorError and BundleError."""
    version = version_of(firmware)
    with tempfile.TemporaryDirectory(prefix="dustline-bundle-") as scratch:
        tree = compile_tree(firmware, Path(scratch) / "firmware", link=True)
        return bundle_of(tree, version, floor, boards)
