"""slots.json, which stage.py describes. Here two are added: `load`, [version, size, SHA-256] of the bundle
that is on its way, and `reads`, whether the version before had a reading acked. Loaded for a moment."""

# pyright: reportOptionalSubscript=false
# slots.json is there when an update is.

import json

from node import files, use_once

_FILE = "slots.json"


def load():
    """As a dict; None where no slots are, as in a developer's folder."""
    try:
        return json.loads(files.read(_FILE) or b"null")
    except ValueError:
        return None  # the stage has read it at this start: flash fails


def save(state):
    """Raises OSError."""
    files.write(_FILE, json.dumps(state).encode())


def spare(state):
    """The slot that does not run."""
    return "a" if state["run"] == "b" else "b"


def key(version):
    """What versions are compared by. Raises ValueError."""
    return [int(part) for part in version.split(".")]


def report():
    """What `health` tells of the last update, or None."""
    state = load()
    if not state or not state.get("update"):
        return None
    version, what, why = state["update"]
    told = {"version": version, "state": what}
    if why:
        told["why"] = why
    return told


def end(app, what, why=None, changes=()):
    """An update is over, without a restart. All of it in one step: a power cut leaves no half."""
    state = load()
    state.update(changes)
    state.pop("load", None)
    state["update"] = [state["update"][0], what, why]
    print("update:", state["update"][0], what, why or "")
    save(state)
    app.health_now.set()


def restart(app):
    """Into another version, or the same. Somebody asked for it, and so it is no crash."""
    if app.config.trial:
        use_once("config_remote", "asked", app)
    app.link.drop()
    app.board.restart()
