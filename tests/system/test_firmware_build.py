"""What `make firmware` puts into build/ is what a board needs, and nothing else."""

import ast
import os
import subprocess
from pathlib import Path

import pytest

from dustline.node.build import room_of
from simulator.bytecode import compile_tree, map_of

LARGEST, LARGEST_WHOLE = 100 * 1024, 125 * 1024  # of what measures, and of all; docs/node/build.md


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def names(target: Path) -> list[str]:
    """Of all compiled modules but those that ask for a chip."""
    found = [str(path.with_suffix("")).replace("/", ".") for path in files(target) if path.suffix == ".mpy"]
    return sorted(name.removesuffix(".__init__") for name in found if name not in ("board", "run", "stage"))


def load(micropython: str, folder: Path, target: Path, wanted: list[str]) -> None:
    script = (
        "import sys\nfor name in sys.argv[1:]:\n    __import__(name)\nprint(len(sys.argv) - 1, 'loaded')\n"
    )
    (folder / "load.py").write_text(script)
    done = subprocess.run(
        [micropython, "-X", "heapsize=1m", "load.py", *wanted],
        cwd=folder,
        env={**os.environ, "MICROPYPATH": f"{target}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == f"{len(wanted)} loaded", done.stdout + done.stderr


@pytest.mark.needs_micropython
def test_bytecode_joined_and_main_as_it_is_but_for_its_imports(
    repo: Path, tmp_path: Path, micropython: str
) -> None:
    target = compile_tree(repo / "firmware", tmp_path / "firmware", link=True)
    sources = {path for path in files(repo / "firmware") if path.suffix == ".py"}
    main = Path("main.py")
    built = files(target)
    assert built < {main} | {path.with_suffix(".mpy") for path in sources - {main}}
    assert Path("node/__init__.mpy") in built
    assert Path("node/app.mpy") not in built, "it is part of node/__init__.mpy"
    node = [path for path in built if room_of(path.as_posix()) == "node"]
    assert sum((target / path).stat().st_size for path in node) < LARGEST
    assert sum((target / path).stat().st_size for path in built) < LARGEST_WHOLE
    assert map_of(target).exists()
    assert not map_of(target).is_relative_to(target)
    ours, theirs = (ast.parse((folder / main).read_text()) for folder in (repo / "firmware", target))
    assert ast.dump(ours) == ast.dump(theirs), "no update changes it: it must know nothing of a version"
    # What is packed beside the package is loaded through it (use_once).
    load(micropython, tmp_path, target, [name for name in names(target) if not name.startswith("update.")])


@pytest.mark.needs_micropython
def test_each_module_of_it_loads_alone_when_it_is_not_linked(
    repo: Path, tmp_path: Path, micropython: str
) -> None:
    target = compile_tree(repo / "firmware", tmp_path / "firmware")
    sources = {path for path in files(repo / "firmware") if path.suffix == ".py"}
    main = Path("main.py")
    assert files(target) == {main} | {path.with_suffix(".mpy") for path in sources - {main}}
    assert (target / main).read_text() == (repo / "firmware" / main).read_text()
    load(micropython, tmp_path, target, names(target))
