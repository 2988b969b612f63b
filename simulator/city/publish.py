"""Light nodes to a broker: one connection for all, QoS 1, at a multiple of real time or as fast as it goes.

The broker must let this user publish for every node; a broker with the contract's rules for nodes does not.
Acks are not waited for: what the gateway refuses is not sent again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulator.city.light import Message

WINDOW = 200  # messages that wait for the broker's PUBACK
PATIENCE_S = 30.0


class PublishError(Exception):
    """The broker is not there, or has stopped answering; the text says which."""


def publish(
    messages: Iterable[Message],
    host: str,
    port: int,
    *,
    speed: float | None = 1.0,
    user: str | None = None,
    password: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
    since: float | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Returns how many messages the broker has taken: all, or PublishError is raised.

    `speed`: times real time; None is as fast as it goes. `since`: the `at` that is now; None is the first
    message's. What is older goes at once, the others as far behind it as their `at` says. `stop`: once it is
    set no further message is sent.
    """
    stop = stop or threading.Event()
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id="dustline-light-fleet", protocol=mqtt.MQTTv311
    )
    if user is not None:
        client.username_pw_set(user, password)
    room = threading.Semaphore(WINDOW)
    ready = threading.Event()
    refused: list[str] = []

    def connected(
        _: mqtt.Client, __: object, ___: mqtt.ConnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        if code.is_failure:
            refused.append(str(code))
        ready.set()

    def taken(_: mqtt.Client, __: object, ___: int, ____: ReasonCode, _____: Properties) -> None:
        room.release()

    client.on_connect = connected
    client.on_publish = taken
    client.max_inflight_messages_set(WINDOW)
    where = f"broker {host}:{port}"
    try:
        client.connect(host, port)
    except OSError as error:
        raise PublishError(f"{where}: no connection ({error}); is it running?") from error
    client.loop_start()
    try:
        if not ready.wait(PATIENCE_S):
            raise PublishError(f"{where}: does not answer CONNECT")
        if refused:
            raise PublishError(f"{where}: refuses the connection: {refused[0]}; check user and password")
        count = 0
        started = time.monotonic()
        for message in messages:
            since = message.at if since is None else since
            if speed is not None:
                early = started + (message.at - since) / speed - time.monotonic()
                if early > 0:
                    stop.wait(early)
            if stop.is_set():
                break
            _wait(room, where, count)
            client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            count += 1
            if count % 1000 == 0:
                progress(count)
        for _ in range(WINDOW):
            _wait(room, where, count)
        progress(count)
        return count
    finally:
        client.disconnect()
        client.loop_stop()


def _wait(room: threading.Semaphore, where: str, count: int) -> None:
    if not room.acquire(timeout=PATIENCE_S):
        raise PublishError(
            f"{where}: no PUBACK for {PATIENCE_S:.0f} s after {count} messages; they may be lost"
        )
