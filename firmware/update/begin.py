"""At each start: what became of an update, and go on with one. Loaded at the start only."""

import asyncio

from node import use_once


def begin(app):
    """Before the crashes are counted: those of another version are not this one's. Sets app.update, what
    takes a `chunk`, and app.awake: above 0 the board does not go into deep sleep. Returns whether this
    version is on trial."""
    app.update = None
    app.awake = 0
    state = use_once(".update.state", "load")
    if not state:
        return False
    if state.pop("changed", None):
        use_once("crash", "forgive", app)
        try:
            use_once(".update.state", "save", state)
        except OSError as error:
            print("update: slots.json cannot be written:", error)
    if state["update"]:
        print("update:", *state["update"])
    if state["trial"] is not None:
        asyncio.create_task(app.keep("trial of the version", use_once(".update.trial", "watcher", app)))
        return True
    if state.get("load"):
        use_once(".update.take", "start", app)
    return False
