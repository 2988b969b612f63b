"""`dustline gateway check`: would this configuration work, and would anything lose data?"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from gateway import topics
from gateway.broker_client import advice, connect, make_client, subscribe
from gateway.broker_settings import CHECK_ENDING
from gateway.config import Settings
from gateway.destinations.sink import Finding, make_sink
from gateway.journal import JournalReader
from gateway.journal.schema import JournalBusyError, JournalError, lock_for_writing, open_writer
from gateway.service import ClockError, check_clock

BROKER_SECONDS = 10.0
# A node's reading takes about 300 bytes in the journal.
LEAST_DISK = 200 * 1024 * 1024


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding at a time, so that a slow server does not hold back what is known."""
    yield Finding(True, f"configuration loads: network {settings.network}, {len(settings.places)} places")
    yield from _clock()
    yield from _journal(settings.journal.path)
    yield from _broker(settings)
    if settings.influx.enabled:
        sink = make_sink(settings.influx)
        try:
            yield from sink.check()
        finally:
            sink.close()


def _clock() -> Iterator[Finding]:
    try:
        check_clock(time.time())
    except ClockError as error:
        yield Finding(False, f"clock: {error}")
    else:
        yield Finding(True, f"clock: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}")


def _journal(path: Path) -> Iterator[Finding]:
    directory = path.resolve().parent
    while not directory.exists():
        directory = directory.parent
    try:
        yield Finding(True, _try_journal(path, directory))
    except JournalError as error:
        yield Finding(False, str(error))
    free = shutil.disk_usage(directory).free
    told = f"disk of {directory}: {free // 1024 // 1024} MiB free"
    if free < LEAST_DISK:
        told += "; free some, or set journal.path to a larger disk: a full disk stops the gateway"
    yield Finding(free >= LEAST_DISK, told)


def _try_journal(path: Path, directory: Path) -> str:
    if not path.exists():
        if not os.access(directory, os.W_OK | os.X_OK):
            raise JournalError(
                f"journal {path}: {directory} cannot be written; give the gateway's user that right, "
                "or set journal.path elsewhere"
            )
        return f"journal {path}: does not exist yet and can be made"
    try:
        with lock_for_writing(path):
            open_writer(path, "FULL", change=False).close()
    except JournalBusyError:
        JournalReader(path).close()
        return f"journal {path}: in use by a running gateway, and readable"
    return f"journal {path}: can be written"


def _broker(settings: Settings) -> Iterator[Finding]:
    """Connect and subscribe as the gateway will, under another client id: a running one stays connected."""
    broker = settings.broker
    where = f"broker {broker.host}:{broker.port}"
    filters = topics.filters(settings.network, broker.shard_digits)
    connected, answered = threading.Event(), threading.Event()
    refusals: list[str] = []
    told: dict[str, int] = {}

    def on_connect(
        client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            refusals.append(f"refuses the connection: {reason}; {advice(str(reason))}")
            answered.set()
            return
        for name in ("SessionExpiryInterval", "MaximumQoS"):
            if hasattr(properties, name):
                told[name] = int(getattr(properties, name))
        connected.set()
        subscribe(client, broker, filters)

    def on_subscribe(
        _client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        for topic, reason in zip(filters, reasons, strict=False):
            if reason.is_failure:
                refusals.append(
                    f"refuses the subscription to {topic}: {reason}; give this user the right to read it"
                )
        answered.set()

    client = make_client(broker, broker.id_for(settings.network) + CHECK_ENDING, clean=True)
    client.on_connect = on_connect
    client.on_connect_fail = lambda _client, _userdata: answered.set()
    client.on_subscribe = on_subscribe
    try:
        connect(client, broker, clean=True)
        client.loop_start()
        answered.wait(BROKER_SECONDS)
    finally:
        client.disconnect()
        client.loop_stop()
    if refusals:
        yield from (Finding(False, f"{where} {each}") for each in refusals)
    elif not (answered.is_set() and connected.is_set()):
        what = "does not answer the subscription" if connected.is_set() else "cannot be reached"
        yield Finding(False, f"{where} {what}; is it running there, and are host, port and tls right?")
    else:
        yield Finding(True, f"{where}: connects, {len(filters)} subscriptions granted")
    if told.get("MaximumQoS", 2) < 1:
        yield Finding(False, f"{where} grants QoS 0 only: messages are lost on every fault; allow QoS 1")
    if broker.protocol == 5 and broker.session_expiry_s == 0:
        yield Finding(
            False,
            "broker.session_expiry_s is 0: the broker forgets what nodes of other makes send while the "
            "gateway is away; set it to days",
        )
