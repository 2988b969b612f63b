"""Run the node, and what follows when it ends. main.py imports this; an update may change it."""

# pyright: reportPossiblyUnboundVariable=false
# After an import that failed, the note of it may fail for a missing name, but not the reset behind it.

import sys
import time

import machine

pause = 5
try:
    import asyncio

    import board
    from node import use_once
    from node.app import App

    asyncio.run(App(board).run())
except KeyboardInterrupt:
    board.note_end()  # somebody at the console takes over, and what they reset is no panic
    raise
except Exception as error:  # noqa: BLE001 - a board that stops is a board that somebody must visit
    sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        pause = use_once("crash", "note", board, error)
    finally:
        print("node: cannot go on, starting anew in", pause, "s")
        time.sleep(pause)
        machine.reset()
