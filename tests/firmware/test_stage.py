"""The first stage on MicroPython: which version it runs, and that it runs nothing that is not signed.

Each version's run.py here leaves a file of its own name, so that what was executed is seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dustline.node.bundle import Bundle
from tests.firmware import update_bench as bench

pytestmark = pytest.mark.needs_micropython
OLD = "0.1.0"
NOT_SIGNED = "it is not signed with a key that this board knows"
# What a board's modules are here: the watchdog is only told of, and waiting ends the test.
MACHINE = "def WDT(timeout):\n    print('watchdog', timeout)\ndef reset():\n    raise SystemExit(3)\n"
TIME = "def sleep(_seconds):\n    raise SystemExit(4)\n"


def mark(name: str) -> dict[str, bytes]:
    """A run.py that leaves a file when it is executed."""
    return {"run.mpy": bench.module(f"open('ran-{name}', 'w').close()\nprint('runs {name}')\n")}


@pytest.fixture(scope="module")
def old() -> Bundle:
    return bench.release(OLD, changes=mark("old"))


@pytest.fixture(scope="module")
def new() -> Bundle:
    return bench.release(changes=mark("new"))


def state(run: Bundle, **changes: Any) -> dict[str, Any]:
    known = [hashlib.sha256(run.body).hexdigest(), run.version, run.floor]
    update = [bench.NEW, "loading", None]
    return {"run": "a", "a": known, "b": None, "trial": None, "floor": "0.0.0", "update": update, **changes}


class Board:
    def __init__(self, folder: Path, micropython: str) -> None:
        self.folder, self.micropython = folder, micropython
        (folder / "chip").mkdir()
        (folder / "chip" / "machine.py").write_text(MACHINE)
        (folder / "chip" / "time.py").write_text(TIME)

    def put(self, files: dict[str, bytes], slots: dict[str, Any] | None = None) -> None:
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
        (self.folder / "slots.json").unlink(missing_ok=True)
        if slots is not None:
            (self.folder / "slots.json").write_text(json.dumps(slots))

    def start(self) -> tuple[str, list[str]]:
        """What a start printed, and which versions were executed."""
        for path in self.folder.glob("ran-*"):
            path.unlink()
        done = subprocess.run(
            [self.micropython, "-X", "heapsize=128k", "main.py"],
            cwd=self.folder,
            env={**os.environ, "MICROPYPATH": "chip:.frozen"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        print(done.stdout + done.stderr)
        return done.stdout, sorted(path.name.removeprefix("ran-") for path in self.folder.glob("ran-*"))

    @property
    def slots(self) -> dict[str, Any]:
        return json.loads((self.folder / "slots.json").read_text())


@pytest.fixture
def board(tmp_path: Path, micropython: str, old: Bundle) -> Board:
    one = Board(tmp_path, micropython)
    one.put({**bench.board(), "a.fw": old.whole, "b.fw": old.whole})
    return one


def test_a_new_board_starts_from_its_slot(board: Board, old: Bundle) -> None:
    said, ran = board.start()
    assert ran == ["old"]
    assert "RuntimeError: run.py has ended" in said, "a board does not stand still"
    slots = board.slots
    assert (slots["run"], slots["trial"], slots["floor"]) == ("a", None, "0.0.0")
    assert slots["a"] == slots["b"] == [hashlib.sha256(old.body).hexdigest(), OLD, "0.0.0"]
    before = (board.folder / "slots.json").stat().st_mtime_ns
    assert board.start()[1] == ["old"]
    assert (board.folder / "slots.json").stat().st_mtime_ns == before, "a start writes nothing"


def flip(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :]


FORGED: dict[str, tuple[Callable[[Bundle], bytes], str]] = {
    "unsigned": (lambda new: new.body, NOT_SIGNED),
    "zeros for a signature": (lambda new: new.body + bytes(384), NOT_SIGNED),
    "ones for a signature": (lambda new: new.body + b"\xff" * 384, NOT_SIGNED),
    "the number one for a signature": (lambda new: new.body + bytes(383) + b"\1", NOT_SIGNED),
    "another's signature": (lambda new: new.body + bench.second().signature, NOT_SIGNED),
    "signature plus the modulus": (lambda new: new.body + beyond(new.signature), NOT_SIGNED),
    "wrong key": (lambda new: bench.release(changes=mark("new"), by=1).whole, NOT_SIGNED),
    "truncated by one": (lambda new: new.whole[:-1], NOT_SIGNED),
    "truncated to half": (lambda new: new.whole[: len(new.whole) // 2], NOT_SIGNED),
    "a hundred bytes": (lambda new: new.whole[:100], NOT_SIGNED),
    "empty": (lambda new: b"", NOT_SIGNED),
    "a byte more": (lambda new: new.whole + b"\0", NOT_SIGNED),
    "another board's": (
        lambda new: bench.release(boards=("esp32c3", "esp32s3"), changes=mark("new")).whole,
        "it is not for this board, esp32",
    ),
    "older than the floor": (
        lambda new: bench.release("0.0.9", changes=mark("new")).whole,
        "it is older than 0.1.0, the oldest that may be installed",
    ),
    "another version": (lambda new: bench.release("9.8.6", changes=mark("new")).whole, "it is version 9.8.6"),
}


def beyond(signature: bytes) -> bytes:
    """The same number to the modulus, if it has room for it; else one that is too large anyway."""
    number = int.from_bytes(signature, "big") + bench.key().public_key().public_numbers().n
    return min(number, (1 << 3072) - 1).to_bytes(384, "big")


@pytest.mark.parametrize("kind", FORGED)
def test_what_is_not_signed_for_this_board_never_runs(
    board: Board, old: Bundle, new: Bundle, kind: str
) -> None:
    make, why = FORGED[kind]
    told = "0.0.9" if "floor" in kind else bench.NEW
    board.put({"b.fw": make(new)}, state(old, new="b", floor=OLD, update=[told, "loading", None]))
    for _ in range(2):
        _, ran = board.start()
        assert ran == ["old"]
        assert board.slots["update"] == [told, "refused", why]
        assert board.slots["run"] == "a"
        assert board.slots["b"] is None


def test_a_flipped_bit_anywhere(board: Board, old: Bundle, new: Bundle) -> None:
    """In the header, in the files, in the signature."""
    whole = new.whole
    places = [
        *range(0, 120, 4),
        *range(120, len(whole) - 400, 9973),
        *range(len(whole) - 400, len(whole), 16),
    ]
    for at in places:
        board.put({"b.fw": flip(whole, at)}, state(old, new="b"))
        _, ran = board.start()
        assert ran == ["old"], at
        assert board.slots["update"][1] == "refused", at


def test_a_good_one_is_tried_and_given_up_after_three_starts(board: Board, old: Bundle, new: Bundle) -> None:
    board.put({"b.fw": new.whole}, state(old, new="b"))
    for start in (1, 2, 3):
        said, ran = board.start()
        assert ran == ["new"]
        assert board.slots["trial"] == start
        assert board.slots["update"] == [bench.NEW, "trial", None]
        assert "watchdog 600000" in said, "it may hang before it opens its own"
    why = "it was started 3 times and did not prove good"
    for _ in range(2):
        said, ran = board.start()
        assert ran == ["old"]
        assert board.slots["update"] == [bench.NEW, "fell_back", why]
        assert board.slots["b"] is None, "it is not gone back to"
    assert "watchdog" not in said


@pytest.mark.parametrize("module", [b"M\x06\x00\x1f", b"\x7fELF", b"M\x05\x00\x1f" + bytes(99)])
def test_one_that_cannot_be_loaded_is_given_up(board: Board, old: Bundle, module: bytes) -> None:
    """As one for another runtime: main.py resets the board, and the stage counts."""
    broken = bench.release(changes={"run.mpy": module})
    board.put({"b.fw": broken.whole}, state(old, new="b"))
    for _ in range(3):
        said, ran = board.start()
        assert ran == []
        assert "node: cannot start, trying anew in 5 s" in said
    assert board.start()[1] == ["old"]
    assert board.slots["update"][1] == "fell_back"


def test_a_damaged_slot_is_left(board: Board, old: Bundle, new: Bundle) -> None:
    known = [hashlib.sha256(new.body).hexdigest(), new.version, new.floor]
    for damaged in (flip(old.whole, 50000), old.whole[:-1000], b""):
        board.put({"a.fw": damaged, "b.fw": new.whole}, state(old, b=known, update=None))
        for _ in range(2):
            assert board.start()[1] == ["new"]
        assert board.slots["update"] == [OLD, "fell_back", "a.fw is damaged"]
    (board.folder / "a.fw").unlink()
    board.put({}, state(old, b=known, update=None))
    assert board.start()[1] == ["new"]


@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b"[1]", b'{"run":"c"}', b'{"run":"a","a":7}', b"\xff\0"]
)
def test_without_slots_json_the_signatures_are_asked(board: Board, content: bytes | None) -> None:
    board.put({})
    if content is not None:
        (board.folder / "slots.json").write_bytes(content)
    assert board.start()[1] == ["old"]
    assert board.slots["run"] == "a"
    if content is None:
        board.put({"a.fw": bench.unsigned(changes=mark("new")).whole + bytes(384)})
        assert board.start()[1] == ["old"], "from the other slot"


def test_two_different_ones_and_no_word_on_them(board: Board, new: Bundle) -> None:
    """The newer is on trial: which of them worked is not known any more."""
    board.put({"b.fw": new.whole})
    assert [board.start()[1] for _ in range(4)] == [["new"], ["new"], ["new"], ["old"]]
    assert board.slots["update"][:2] == [bench.NEW, "fell_back"]


def test_nothing_to_run_is_said_and_flash_is_left_alone(board: Board, old: Bundle) -> None:
    files = {"a.fw": flip(old.whole, 999), "b.fw": bench.release(by=1, changes=mark("new")).whole}
    board.put(files, state(old))
    before = {path.name: path.stat().st_mtime_ns for path in board.folder.iterdir()}
    # Files beside the slots are not run either.
    (board.folder / "run.py").write_text("open('ran-loose', 'w').close()\n")
    said, ran = board.start()
    assert ran == []
    assert "DUSTLINE CANNOT START. Neither a.fw nor b.fw is a whole, signed version for this board." in said
    assert "a.fw: " + NOT_SIGNED in said
    after = {path.name: path.stat().st_mtime_ns for path in board.folder.iterdir()}
    assert {name: after[name] for name in before} == before


def test_loose_files_are_not_imported(board: Board) -> None:
    """Neither in place of a slot's nor where the slot has none: beside the slots nothing is looked for."""
    for name in ("run.py", "board.py", "node.py", "absent_module.py"):
        (board.folder / name).write_text("open('ran-loose', 'w').close()\n")
    asks = "try:\n    import absent_module\nexcept ImportError:\n    open('ran-none', 'w').close()\n"
    board.put({"a.fw": bench.release(OLD, changes={"run.mpy": bench.module(asks)}).whole})
    assert board.start()[1] == ["none"]


def test_the_next_key(board: Board, old: Bundle) -> None:
    """A board that knows two keys takes what either has signed."""
    later = bench.release(changes=mark("new"), by=1)
    board.put({**bench.board(0, 1), "a.fw": old.whole, "b.fw": later.whole}, state(old, new="b"))
    assert board.start()[1] == ["new"]


def test_a_developers_folder_runs_as_it_is(board: Board) -> None:
    (board.folder / "keys.json").unlink()
    (board.folder / "run.py").write_text("open('ran-loose', 'w').close()\n")
    assert board.start()[1] == ["loose"]
