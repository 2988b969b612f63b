"""Light nodes, or a recording of any nodes: to a broker, to files, or both; at a pace or at full speed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from simulator.city.light import LightFleet, Message
from simulator.city.publish import publish
from simulator.city.record import Recorder
from simulator.depths.target import Target


def told(
    lights: LightFleet, to: Recorder, stop: threading.Event, progress: Callable[[float], None]
) -> Iterator[Message]:
    """The fleet's messages, each recorded once the next is asked for."""
    begin, length = lights.scenario.begin, lights.scenario.end - lights.scenario.begin
    for message, behind in lights.messages():
        if stop.is_set():
            return
        yield message
        to.put(message, behind)  # it has gone out
        progress((message.at - begin) / length)


def send(
    messages: Iterator[Message],
    target: Target | None,
    pace: float | None,
    stop: threading.Event,
    since: float | None = None,
) -> int:
    """How many went; without a target they only pass. Raises PublishError."""
    if target is None:
        return sum(1 for _ in messages)
    return publish(
        messages,
        target.host,
        target.port,
        speed=pace,
        user=target.user,
        password=target.password,
        since=since,
        stop=stop,
    )
