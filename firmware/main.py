"""Dustline node. MicroPython runs this at power-on."""

import asyncio
import sys
import time

import board
from node import use_once
from node.app import App

pause = 5
try:
    asyncio.run(App(board).run())
except Exception as error:  # noqa: BLE001 - a board that stops is a board that somebody must visit
    sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        pause = use_once("crash", "note", board, error)
    finally:
        print("node: cannot go on, starting anew in", pause, "s")
        time.sleep(pause)
        board.restart()
