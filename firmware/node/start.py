"""Put the node together. Loaded at the start only."""

import asyncio

from micropython import const

from node import VERSION, Seldom, use_once

_START_S = const(300)
_LOOK_S = const(60)


def start(app):
    """Give the App its parts.

    Sensors first: loading code takes large pieces of the heap, while it still has them.
    """
    board = app.board
    app.now = board.uptime_ms
    app.reset = board.reset_cause()
    app.beat = app.blink_until = app.health_due = 0
    app.crash = None  # the note of a crash that is on its way
    app.dozing = False  # the network is held back, see doze.py
    app.commands = 0  # under way
    app.deaths = {}  # task -> how often it died and since when
    app.lives = {}  # task -> (its sign of life, since when), see guard.py
    trial = use_once(".update.begin", "begin", app)
    use_once("safe", "begin", app)
    resume = use_once("doze", "resume", app)
    app.config = use_once("config_file", "load")
    for problem in app.config.problems:
        print("config:", problem)
    app.running = False
    app.counters = {"task_restarts": 0, "flash_errors": 0}
    use_once(".setup.wanted", "begin", app)
    use_once("config_start", "begin", app)
    if trial:
        app.config.watchdog_s = app.config.watchdog_s or _START_S  # the first stage has set it going
    _guard(app, board)
    app.sensors = []  # all of them
    app.measurements = []  # those that make readings
    app.climate = None  # the climate sensor
    app.agree = None  # Seldom of node.agree when there are several that make readings
    app.unfound = []  # entries of the settings whose sensor is still to be found
    app.buses = {}  # I2C number -> node.buses.Bus
    app.health_now = asyncio.Event()
    app.looked = asyncio.Event()  # the first search is over

    app.odometer = Seldom("odometer")
    if not app.safe:
        use_once("fit", "start", app)

    from node.outbox import Outbox

    app.outbox = Outbox("outbox", app.config.outbox_kb * 1024, board)
    _open(app, resume)

    from node.clock import Clock
    from node.link import Link

    app.clock = Clock(app.now)
    use_once("epochs", "begin", app)
    app.link = Link(app)

    from node.sender import Sender
    from node.timekeeper import Timekeeper

    app.timekeeper = Timekeeper(app)
    app.sender = Sender(app.config, app.outbox, app.clock, app.link)
    use_once("doze", "begin", app)
    if app.dog:
        app.dog = board.open_watchdog(app.config.watchdog_s)
    print("node", app.config.node, "version", VERSION, "boot", app.outbox.boot, "after", app.reset)


def _guard(app, board):
    """The watchdog, with time for a start with a full outbox, and the LED."""
    config = app.config
    app.safe_version = config.version
    app.dog = board.open_watchdog(max(_START_S, config.watchdog_s)) if config.watchdog_s else None
    app.look_ms = min(_LOOK_S, config.watchdog_s // 2 or _LOOK_S) * 1000
    app.led = None
    if config.led is not None:
        from node.led import light

        app.light = light
        try:
            app.led = board.open_led(config.led)
            app.led(config.led_on)
        except (ValueError, OSError) as error:
            # Not worth a start: safe mode comes by here, too.
            app.led = None
            config.problem(f"led: pin {config.led} cannot be opened: {error}")


def _open(app, resume):
    """Open the outbox. In safe mode the node goes on without one that cannot be read."""
    try:
        app.outbox.open(resume)
    except (OSError, MemoryError) as error:
        if not app.safe:
            raise
        print("outbox: cannot be read:", error)
        app.outbox.boot = app.outbox.boot or app.board.nvs_get("boot") or 1
