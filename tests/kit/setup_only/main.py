# A node in set-up mode with the serial line alone.
import asyncio
import sys

import board
from node.app import App
from setup.serial import Serial


async def go():
    print("set-up over the serial line")
    await Serial(App(board), lambda: print("set-up: done")).run()


try:
    asyncio.run(go())
except KeyboardInterrupt:
    print("stopped at the console")
    sys.exit(0)
