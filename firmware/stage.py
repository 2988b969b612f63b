"""The first stage: which version runs. It lies beside the slots and no update changes it, so it does little.

Two slots, a.fw and b.fw, hold a whole signed version each, in one file (docs/node/update.md has the format).
slots.json says which one runs:

    run      "a" or "b"
    a, b     [SHA-256 of all but the signature, version, floor] of what was verified, or null
    new      the slot that an update has filled: it is verified here, and tried
    trial    how often what is on trial was started; null when nothing is
    floor    nothing older is taken
    update   [version, state, why], what `health` tells
    changed  whether another version runs than at the start before

A slot is run only when its signature was verified, and its SHA-256 is still that of then. The node imports
straight from the slot's file, and from nowhere else.
"""

import array
import binascii
import gc
import hashlib
import json
import os
import sys
import time

import machine
from micropython import const

_FILE = "slots.json"
_STARTS = const(3)  # of a version on trial
_SIGNATURE = const(384)  # bytes
_WATCH_MS = const(600000)
_HEAD = b"\0\1" + b"\xff" * 330 + b"\0" + binascii.unhexlify("3031300d060960864801650304020105000420")


def begin():
    """Lead `import` to the version that is to run. Returns when there is one."""
    del sys.modules["stage"]  # nothing of it is needed afterwards
    try:
        os.stat("keys.json")
    except OSError:
        return  # a developer's folder
    slot = pick()
    while not slot:
        print("DUSTLINE CANNOT START. Neither a.fw nor b.fw is a whole, signed version for this board.")
        print("Nothing is lost: readings wait in flash. Flash the board again, without erasing it.")
        time.sleep(60)
        slot = pick()
    with open(slot + ".fw", "rb") as file:
        line = file.readline()
    key, index = places(line)
    line = None
    gc.collect()  # what stays is made behind it, and copied: or holes of the first moment stay for years
    from slot import Slot

    Slot.file = slot + ".fw"
    Slot.key = key[:4] + key[4:]
    Slot.index = array.array("I", index)  # pyright: ignore[reportAttributeAccessIssue]
    __import__("vfs").mount(Slot, "/s")
    sys.path[0] = "/s"
    if "/lib" in sys.path:
        sys.path.remove("/lib")
    del sys.modules["slot"]


def places(line):
    """What Slot keeps, of a header."""
    names = []
    index = []
    for path, at, size in json.loads(line)["files"]:
        names.append("/" + path)
        index += [len(line) + at, len(line) + at + size]
    index = array.array("I", index[::2] + index[-1:])
    for path in names[:]:
        while path.rfind("/"):
            path = path[: path.rfind("/")]
            if path not in names:
                names.append(path)
    return b"".join([binascii.crc32(path.encode()).to_bytes(4, "little") for path in names]), index


def pick():
    """The slot to run, None when there is none. It keeps what it changes."""
    try:
        with open(_FILE) as file:
            state = json.load(file)
        run = state["run"]
        other = {"a": "b", "b": "a"}[run]
        if "new" in state and take(state):
            run, other = other, run
        trial = state["trial"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return recover()
    why = None
    if trial is not None:
        state["trial"] = trial + 1
        if trial >= _STARTS:
            why = "it was started %d times and did not prove good" % _STARTS
        elif not save(state):
            why = "flash does not keep how often it was started"
        machine.WDT(timeout=_WATCH_MS)  # it may hang before it opens its own
    if not why and not whole(state, run):
        why = run + ".fw is damaged"
    if not why:
        return run
    print("stage:", run, "is left:", why)
    if not whole(state, other):
        return run if whole(state, run) else recover()
    version = state["update"][0] if trial is not None and state.get("update") else state[run][1]
    state["update"] = [version, "fell_back", why]
    state["run"] = other
    state[run] = state["trial"] = None
    state["changed"] = True
    save(state)
    return other


def take(state):
    """Verify what an update has loaded, and put it on trial. False, with the reason kept, when it is not to
    be run."""
    slot = state.pop("new")
    version = state["update"][0]
    try:
        found = signed(slot)
        if found[1] != version:
            raise ValueError("it is version " + found[1])
        if key(version) < key(state["floor"]):
            raise ValueError("it is older than " + state["floor"] + ", the oldest that may be installed")
        kept = dict(state)
        kept.update({"run": slot, slot: found, "trial": 0, "changed": True})
        kept["update"] = [version, "trial", None]
        if save(kept):
            state.update(kept)
            return True
        why = "flash does not keep that it is to be run"
    except (OSError, ValueError) as error:
        why = str(error)
    print("stage:", version, "is refused:", why)
    state["update"] = [version, "refused", why[:200]]
    save(state)
    return False


def recover():
    """Without a word on what was verified, or when both slots have changed since: verify both anew. The newer
    one runs, on trial when there is another. None when neither is signed."""
    state = {"run": None, "trial": None, "floor": "0.0.0", "update": None}
    for slot in ("a", "b"):
        try:
            state[slot] = signed(slot)
        except (OSError, ValueError) as error:
            print("stage:", slot + ".fw:", error)
            state[slot] = None
    one, two = state["a"], state["b"]
    if one and two and one[1] != two[1]:
        state["run"] = "a" if key(one[1]) > key(two[1]) else "b"
        state["trial"] = 1
        state["update"] = [state[state["run"]][1], "trial", None]
    else:
        state["run"] = "a" if one else "b" if two else None
    if state["run"]:
        save(state)
    return state["run"]


def key(version):
    """What versions are compared by."""
    return [int(part) for part in version.split(".")]


def whole(state, slot):
    """Whether a slot holds what was verified."""
    try:
        return bool(state.get(slot)) and digest(slot) == state[slot][0]
    except OSError:
        return False


def signed(slot):
    """[SHA-256, version, floor] of a slot that one of the keys has signed for this board. Raises ValueError
    with the reason, or OSError.

    RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) with 3072 bits, SHA-256, e = 65537: 17 multiplications, and the whole
    block is compared with the only right one."""
    with open("keys.json") as file:
        known = json.load(file)
    found = digest(slot)
    with open(slot + ".fw", "rb") as file:
        file.seek(max(0, os.stat(slot + ".fw")[6] - _SIGNATURE))
        sign = int.from_bytes(file.read(_SIGNATURE), "big")
        want = int.from_bytes(_HEAD + binascii.unhexlify(found), "big")
        for text in known["keys"]:
            number = int(text, 16)
            block = sign
            for _ in range(16):
                block = block * block % number
            if sign < number and block * sign % number == want:
                break
        else:
            raise ValueError("it is not signed with a key that this board knows")
        file.seek(0)
        head = json.loads(file.readline())
    if head["magic"] != "DLFW1":
        raise ValueError("it has another form than DLFW1")
    if known["board"] not in head["boards"]:
        raise ValueError("it is not for this board, " + known["board"])
    return [found, head["version"], head["floor"]]


def digest(slot):
    """SHA-256 of a slot's file without its signature, in hex."""
    left = os.stat(slot + ".fw")[6] - _SIGNATURE
    done = hashlib.sha256()
    with open(slot + ".fw", "rb") as file:
        while left > 0:
            piece = file.read(min(left, 1024))
            if not piece:
                break
            done.update(piece)
            left -= len(piece)
    return binascii.hexlify(done.digest()).decode()


def save(state):
    """Whether it could be kept."""
    try:
        with open(_FILE + ".new", "w") as file:
            json.dump(state, file)
        os.rename(_FILE + ".new", _FILE)
        return True
    except OSError as error:
        print("stage:", _FILE, "cannot be written:", error)
        return False
