"""Dustline node. MicroPython runs this at power-on."""

import asyncio

import board
from node.app import App

asyncio.run(App(board).run())
