"""Coarser lines in a .mpy file, as MicroPython itself reads them: a traceback tells the function's first."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from simulator.bytecode import find_mpy_cross
from simulator.line_info import LineInfoError, coarser

pytestmark = pytest.mark.needs_micropython
RUN = """
import sys
import text
for call in text.CALLS:
    try:
        call(0)
        print("nothing")
    except ZeroDivisionError as error:
        sys.print_exception(error)
"""


def made(seed: int) -> str:
    """Functions of all sorts that fail at a line somewhere in them."""
    draw = random.Random(seed)
    lines: list[str] = []
    calls: list[str] = []
    for number in range(30):
        lines += [""] * draw.choice((0, 1, 5, 8, 200, 3000))
        parameters = draw.choice(("x", "x, y=1", "x, *y", "x, *, z=1", "x, y=1, *y2, z=1, **k"))
        lines.append(f"def f{number}({parameters}):")
        if draw.random() < 0.3:
            lines.append("    g = lambda: x / x")
        size = draw.randrange(1, 40)
        for at in range(size):
            lines += [""] * draw.choice((0, 0, 0, 1, 4, 7, 2100))
            lines.append(f"    a{at} = x" + f" + {draw.randrange(10**6)} * x" * draw.choice((0, 1, 12)))
            if at == size // 2:
                lines.append(draw.choice(("    1 / x", "    [1 / x for _ in (1,)]", "    (lambda: 1 / x)()")))
        calls.append(f"f{number}")
    return "\n".join([*lines, f"CALLS = [{', '.join(calls)}]", ""])


def frames(micropython: str, folder: Path, content: bytes) -> list[tuple[int, str]]:
    """(line, function) of each frame that the module's calls leave."""
    (folder / "text.mpy").write_bytes(content)
    (folder / "run.py").write_text(RUN)
    done = subprocess.run([micropython, "run.py"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = re.findall(r'File "text", line (\d+), in (\S+)', done.stdout)
    assert "nothing" not in done.stdout
    return [(int(line), function) for line, function in found]


@pytest.fixture
def compiled(tmp_path: Path) -> bytes:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    (tmp_path / "text.py").write_text(made(seed))
    command = [str(find_mpy_cross()), "-s", "text", "text.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    (tmp_path / "text.py").unlink()
    return (tmp_path / "text.mpy").read_bytes()


def test_lines_are_those_of_before_or_the_last_that_was_kept(
    micropython: str, tmp_path: Path, compiled: bytes
) -> None:
    exact = frames(micropython, tmp_path, compiled)
    assert len(exact) >= 30
    assert frames(micropython, tmp_path, coarser(compiled, 1)) == exact
    ten = frames(micropython, tmp_path, coarser(compiled, 10))
    assert [function for _, function in ten] == [function for _, function in exact]
    assert all(line - 10 < found <= line for (found, _), (line, _) in zip(ten, exact, strict=True))
    assert ten != exact


def test_a_function_has_one_line(micropython: str, tmp_path: Path, compiled: bytes) -> None:
    exact = frames(micropython, tmp_path, compiled)
    rough = frames(micropython, tmp_path, coarser(compiled, 1 << 30))
    assert [function for _, function in rough] == [function for _, function in exact]
    assert all(found <= line for (found, _), (line, _) in zip(rough, exact, strict=True))
    named = [line for line, function in rough if function.startswith("f")]
    assert len(set(named)) == len(named) == 30
    assert len(coarser(compiled, 1 << 30)) < len(coarser(compiled, 10)) < len(compiled)


def test_what_another_compiler_writes_is_refused(compiled: bytes) -> None:
    with pytest.raises(LineInfoError, match=r"no \.mpy file of version 6"):
        coarser(b"M\x07" + compiled[2:], 1)
    with pytest.raises(LineInfoError, match="goes on behind its end"):
        coarser(compiled + b"\0", 1)
