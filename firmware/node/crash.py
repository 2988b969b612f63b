"""What a crash leaves behind: a note that `health` carries once, and how many came in a row. Loaded when it
is needed, and dropped again.

Both stand in a small file, and in the memory of the chip's clock for when the file system is broken. A note
is removed once the broker has it. Before that its checksum goes into NVS: should the removal fail, or power
be cut just then, the note is still not sent again.
"""

import binascii
import gc
import io
import json
import sys

from micropython import const

from node import files, use_once

_FILE = "crash.json"
_LONGEST = const(600)
_MOST = const(4)  # the oldest stay: what came first is nearest to the cause
_FRAMES = const(6)
_IN_A_ROW = const(3)
_PAUSE_S = const(5)
_LONG_PAUSE_S = const(60)


def load(board):
    """{"row": crashes in a row, "notes": [text, ...]} of what file and clock's memory hold; "fresh" when the
    last crash wrote it and no start has seen it."""
    state = {"row": 0, "notes": [], "fresh": False}
    kept = use_once("rtcstate", "load", board).get("crash") or {}
    try:
        found = json.loads(files.read(_FILE) or b"{}")
        if isinstance(found["row"], int) and all(isinstance(note, str) for note in found["notes"]):
            state["row"] = found["row"]
            state["notes"] = found["notes"]
    except (ValueError, KeyError, TypeError):
        pass  # no file, or one that a broken flash has damaged
    state["row"] = max(state["row"], kept.get("row", 0))
    state["fresh"] = bool(kept.get("fresh"))
    note = kept.get("note")
    if note and note not in state["notes"]:
        state["notes"].append(note)
    return state


def save(board, state, note=None):
    """Keep it. `note` also goes into the clock's memory when the file cannot be written."""
    row, notes = state["row"], state["notes"]
    kept = {"row": row, "fresh": state["fresh"]}
    try:
        if row or notes:
            files.write(_FILE, json.dumps({"row": row, "notes": notes}).encode())
        else:
            files.remove(_FILE)
    except OSError as error:
        print(_FILE, "cannot be written:", error)
        kept["note"] = note or (notes[0] if notes else None)
    use_once("rtcstate", "put", board, "crash", kept if row or len(kept) > 2 else None)


def note(board, error, boot=None, what=None):
    """Leave a note of an exception, or of `what` in words, and count it. Returns how many seconds to wait
    before the restart."""
    gc.collect()
    state = load(board)
    state["row"] += 1
    state["fresh"] = True
    head = f"boot {boot or _boot()}, {board.uptime_ms() // 1000} s: "
    if state["row"] >= _IN_A_ROW:
        head = f"crash {state['row']} in a row, safe mode follows; " + head
    text = _clean(head + (what or _words(error)))[:_LONGEST]
    print("crash:", text)
    if len(state["notes"]) < _MOST:
        state["notes"].append(text)
    if _checksum(text) == board.nvs_get("told"):
        board.nvs_set("told", 0)  # the same again, word for word
    save(board, state, text)
    return _PAUSE_S if state["row"] <= _IN_A_ROW else _LONG_PAUSE_S


def restart(app, error, what):
    """Note that the node cannot go on, and start anew. `what`: which task, in words."""
    if error is not None:
        what += " " + _words(error)
    note(app.board, None, app.outbox.boot, what)
    app.board.restart()


def _boot():
    return files.whole_number("outbox/boot") or "?"


def _words(error):
    """Type, text and last frames of an exception, the innermost first."""
    file = io.StringIO()
    if hasattr(sys, "print_exception"):  # CPython has none
        sys.print_exception(error, file)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    frames = []
    for line in file.getvalue().split("\n"):  # pyright: ignore[reportAttributeAccessIssue]
        if line.startswith('  File "'):
            name, _, rest = line[8:].partition('"')
            number = rest[7:].split(",")[0]
            frames.insert(0, f"{name.split('/')[-1]}:{number}")
    text = f"{type(error).__name__}: {error}"[:300]
    return f"{text} at {' < '.join(frames[:_FRAMES])}" if frames else text


def _clean(text):
    """Without passwords and without what JSON would have to write in six letters."""
    try:
        secrets = []
        _collect(json.loads(files.read("config.json") or b"{}"), secrets)
    except ValueError:
        secrets = []  # no JSON: then nobody has read a password from it either
    for secret in secrets:
        text = text.replace(secret, "***")
    return "".join([letter if letter >= " " else " " for letter in text])


def _collect(value, secrets):
    if isinstance(value, dict):
        for name in value:
            if name == "password" and isinstance(value[name], str) and value[name]:
                secrets.append(value[name])
            _collect(value[name], secrets)
    elif isinstance(value, list):
        for one in value:
            _collect(one, secrets)


def pending(board):
    """The oldest note that was not sent yet, or None."""
    for text in load(board)["notes"]:
        if _checksum(text) != board.nvs_get("told"):
            return text
    return None


def told(app):
    """The broker has the note: forget it, and send the next one, if any."""
    board = app.board
    try:
        board.nvs_set("told", _checksum(app.crash))
    except OSError as error:
        print("crash: cannot keep what was sent:", error)
    state = load(board)
    state["notes"] = [other for other in state["notes"] if other != app.crash]
    save(board, state)
    app.crash = None
    if state["notes"]:
        app.health_now.set()


def _checksum(text):
    return binascii.crc32(text.encode()) & 0x7FFFFFFF


def forgive(app):
    """After good work the next crash is a first one."""
    state = load(app.board)
    state["row"] = app.crashes = 0
    save(app.board, state)
