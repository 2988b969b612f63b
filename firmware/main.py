"""Dustline node. MicroPython runs this at power-on."""

import asyncio
import sys
import time

import board
from node.app import App

try:
    asyncio.run(App(board).run())
except Exception as error:  # noqa: BLE001 - a board that stops is a board that somebody must visit
    sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
    print("node: cannot go on, starting anew in 5 s")
    time.sleep(5)
    board.restart()
