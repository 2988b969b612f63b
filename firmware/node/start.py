"""Put the node together. Loaded at the start only."""

import asyncio

from node import VERSION, Seldom, use_once


def start(app):
    """Give the App its parts.

    Sensors first: loading code takes large pieces of the heap, while it still has them.
    """
    board = app.board
    app.now = board.uptime_ms
    app.config = use_once("config_file", "load")
    for problem in app.config.problems:
        print("config:", problem)
    app.reset = board.reset_cause()
    app.running = False
    app.counters = {"task_restarts": 0, "flash_errors": 0}
    use_once("config_remote", "begin", app)
    app.sensors = []  # all of them
    app.measurements = []  # those that make readings
    app.climate = None  # the climate sensor
    app.agree = None  # Seldom of node.agree when there are several that make readings
    app.unfound = []  # entries of the settings whose sensor is still to be found
    app.buses = {}  # I2C number -> node.buses.Bus
    app.health_now = asyncio.Event()
    app.looked = asyncio.Event()  # the first search is over

    app.odometer = Seldom("odometer")
    use_once("fit", "start", app)

    from node.outbox import Outbox

    app.outbox = Outbox("outbox", app.config.outbox_kb * 1024)
    app.outbox.open()

    from node.clock import Clock
    from node.link import Link

    app.clock = Clock(app.now)
    use_once("epochs", "begin", app)
    app.link = Link(app)

    from node.sender import Sender
    from node.timekeeper import Timekeeper

    app.timekeeper = Timekeeper(app)
    app.sender = Sender(app.config, app.outbox, app.clock, app.link)
    print("node", app.config.node, "version", VERSION, "boot", app.outbox.boot, "after", app.reset)
