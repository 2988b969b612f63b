"""What `make firmware` puts into build/ is what a board needs, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from simulator.bytecode import compile_tree

LARGEST = 100 * 1024  # bytes; a board's file system has 2 MiB, an update is loaded over the air


def test_bytecode_of_every_module_and_main_as_it_is(repo: Path, tmp_path: Path) -> None:
    target = compile_tree(repo / "firmware", tmp_path / "firmware")
    sources = {path.relative_to(repo / "firmware") for path in (repo / "firmware").rglob("*.py")}
    built = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    main = Path("main.py")
    assert built == {main} | {path.with_suffix(".mpy") for path in sources - {main}}
    assert (target / main).read_text() == (repo / "firmware" / main).read_text()
    assert sum((target / path).stat().st_size for path in built) < LARGEST


@pytest.mark.needs_micropython
def test_each_module_of_it_loads(repo: Path, tmp_path: Path, micropython: str) -> None:
    target = compile_tree(repo / "firmware", tmp_path / "firmware")
    names = [
        str(path.relative_to(target).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in sorted(target.rglob("*.mpy"))
        if path.name != "board.mpy"  # asks for a chip
    ]
    script = (
        "import sys\nfor name in sys.argv[1:]:\n    __import__(name)\nprint(len(sys.argv) - 1, 'loaded')\n"
    )
    (tmp_path / "load.py").write_text(script)
    done = subprocess.run(
        [micropython, "-X", "heapsize=1m", "load.py", *names],
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": f"{target}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == f"{len(names)} loaded", done.stdout + done.stderr
