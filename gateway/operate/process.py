"""The gateway as a process: signals, systemd, reload, an end within seconds."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import click
import structlog

from gateway import logs
from gateway.config import ConfigError, Settings
from gateway.operate.health import not_alive
from gateway.operate.monitor import MonitorError
from gateway.operate.systemd import notify, watchdog_seconds
from gateway.service import ClockError, Gateway
from gateway.web.server import WebError

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.process")

# A wait without a timeout blocks signals on some systems.
LONGEST_WAIT = 1.0
# Python looks for cycles of objects whenever so many new ones have been made. Readings make none, and a batch
# has 20,000 objects: at Python's own 700 the search takes a tenth of the gateway's time.
NEW_OBJECTS = 50_000


def run(read: Callable[[], Settings]) -> None:
    """Run until SIGTERM or Ctrl-C; SIGHUP reads the configuration again. Raises what `read` raises."""
    settings = read()
    logs.set_up(settings.log)
    called, ending, reloading = threading.Event(), threading.Event(), threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        (reloading if number == signal.SIGHUP else ending).set()
        called.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        gateway = Gateway(settings)
        gateway.start()
    except (ClockError, WebError, MonitorError) as error:
        raise click.ClickException(str(error)) from error
    gc.freeze()  # what is there now stays
    gc.set_threshold(NEW_OBJECTS, 10, 10)
    _greet(gateway)
    notify("READY=1", f"STATUS=network {settings.network}")
    watchdog = _Watchdog(gateway)
    while not ending.is_set():
        called.wait(watchdog.wait_s)
        called.clear()
        if reloading.is_set():
            reloading.clear()
            _reload(gateway, read)
        watchdog.beat()
    notify("STOPPING=1")
    ended = gateway.stop()
    main = threading.main_thread()
    if not ended or any(not each.daemon for each in threading.enumerate() if each is not main):
        # At its end Python would wait for a thread that is busy, such as a long query of the page.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(0)


def _greet(gateway: Gateway) -> None:
    try:
        _tell(gateway)
    except OSError as error:  # a full disk, or nobody reads it
        log.warning("standard output cannot be written", problem=str(error))


def _tell(gateway: Gateway) -> None:
    settings = gateway.settings
    click.echo(f"gateway of network {settings.network}: broker {settings.broker.host}:{settings.broker.port}")
    click.echo(f"journal: {settings.journal.path}")
    for name, address in (("page", gateway.web_url), ("monitoring", gateway.monitor_url)):
        if address is not None:
            click.echo(f"{name}: {address}")
    sys.stdout.flush()


def _reload(gateway: Gateway, read: Callable[[], Settings]) -> None:
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        changed = gateway.reload(read)
    except ConfigError as error:
        log.error("the configuration cannot be used; nothing is changed", problem=str(error))
    else:
        log.info("configuration read again", changed=changed)
    notify("READY=1")


class _Watchdog:
    """Tells systemd that all is well, as often as it wants to hear it, and while that is true."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._every_s = watchdog_seconds()
        self._told = False
        self.wait_s = LONGEST_WAIT if self._every_s is None else min(LONGEST_WAIT, self._every_s)

    def beat(self) -> None:
        problems = not_alive(self._gateway)
        if not problems:
            self._told = False
            if self._every_s is not None:
                notify("WATCHDOG=1")
        elif not self._told:
            self._told = True
            log.error(
                "the gateway is not healthy", problems=[f"{each.part}: {each.why}" for each in problems]
            )
