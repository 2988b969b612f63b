"""Whether to start in safe mode: after three crashes, panics or watchdog resets in a row, without ten minutes
of good work in between. Loaded at the start."""

from micropython import const

from node import use_once

_IN_A_ROW = const(3)


def begin(app):
    """Set app.crashes, how many came in a row, and app.safe: why the node starts in safe mode, else None.

    A power cut is no crash; but the count is also in a file, so that it outlives one. Safe mode is for one
    start: the next one tries again, and its first crash leads back.
    """
    board = app.board
    app.safe = None
    state = use_once("crash", "load", board)
    what = _unseen(board, app.reset)
    if what and not state["fresh"]:
        use_once("crash", "note", board, None, None, what)
        state = use_once("crash", "load", board)
    app.crashes = state["row"]
    if app.crashes >= _IN_A_ROW:
        app.safe = f"{app.crashes} crashes in a row"
        state["row"] = app.crashes = _IN_A_ROW - 1
        print("SAFE MODE:", app.safe)
    elif not state["fresh"]:
        return
    state["fresh"] = False
    use_once("crash", "save", board, state)


def _unseen(board, reset):
    """What ended the last run without a note of its own, in words, or None. Notes that the node runs."""
    # In NVS it is written only when an end by intent came between: a power cut or a deep sleep leaves it.
    ran = board.nvs_get("runs")
    if not ran:
        try:
            board.nvs_set("runs", 1)
        except OSError as error:
            print("nvs: cannot note the start:", error)
    if reset == "watchdog":
        return "the watchdog reset the board, nothing ran any more"
    if reset == "hard" and ran:
        return "the chip panicked, or what it runs could not be loaded"
    return None
