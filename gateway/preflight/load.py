"""What the broker keeps for a gateway that is away, tried: a session like the gateway's is left at the
broker, as many messages are sent as come in a 10-minute outage, and those that arrive afterwards are counted.

Mosquitto drops what is beyond its limits without a word to anybody, so there is no gentler way to see them.
The messages go to the settings' topic of a node that does not exist: nothing else that the gateway may both
write and read. Bounds: see MOST_*; `--no-load` leaves it out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from gateway import topics
from gateway.broker_settings import CHECK_ENDING, BrokerSettings
from gateway.config import Settings
from gateway.preflight.broker import acl_line, probe_node
from gateway.preflight.disk import Speed
from gateway.preflight.finding import Finding, fail, ok, toml, warn
from gateway.preflight.line import ANSWER_SECONDS, Line, LineError
from gateway.preflight.rate import Rate
from gateway.service import most_in_a_batch

# Of that size a reading is on the wire, with its topic.
MESSAGE_BYTES = 300
MOST_MESSAGES = 20_000  # 15 MB in Mosquitto 2.0.11
MOST_SECONDS = 20.0
# The gateway's own id, another ending: always the same, so that a later check ends what a killed one left.
QUEUE_ENDING = "-queue"
# A check that is killed leaves the session; with MQTT 5 the broker ends it by itself.
_EXPIRY_SECONDS = 300
QUIET_SECONDS = 1.0
_DRAIN_SECONDS = 30.0
_MARK_BYTES = 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """Messages sent and confirmed by the broker, those that came, and how many came without any ack.
    `forgotten`: there was no session any more."""

    sent: int
    kept: int
    window: int
    forgotten: bool = False


def check_load(
    settings: Settings, rate: Rate, speed: Speed | None, proved_by_file: bool
) -> Iterator[Finding]:
    """`proved_by_file`: the broker's configuration shows that a 10-minute outage fits."""
    broker = settings.broker
    rule = acl_line(settings, "readwrite", "config")
    # One more than the window, so that the window shows.
    wanted = max(rate.outage, broker.window + 1)
    try:
        tried = try_queue(broker, settings.network, min(wanted, MOST_MESSAGES))
    except LineError as error:
        yield warn("broker.queue", f"cannot be tried: the broker {error}", *([rule] if error.closed else []))
        return
    if tried.forgotten:
        yield fail(
            "broker.queue",
            "the broker forgets the session of a client that leaves: what comes meanwhile is lost. Switch on "
            "its persistent sessions, or use another",
        )
        return
    if not tried.kept:
        yield warn(
            "broker.queue",
            "cannot be tried: what is published to a node's settings does not come back to this user",
            rule,
        )
        return
    yield _queue(tried, rate, proved_by_file)
    yield window_finding(settings, tried.window, tried.kept, rate, speed)


def _queue(tried: Outcome, rate: Rate, proved_by_file: bool) -> Finding:
    seconds = tried.kept / rate.per_s
    if tried.kept < min(rate.outage, tried.sent):
        return fail(
            "broker.queue",
            f"of {tried.sent:,} messages for a gateway that is away the broker kept {tried.kept:,} and "
            f"dropped the rest without a word: full after {seconds:,.0f} s; an outage has {rate.outage:,}",
            "mosquitto.conf: max_queued_messages 0",
            f"mosquitto.conf: max_queued_bytes {max(500_000_000, 2 * rate.outage * MESSAGE_BYTES)}",
        )
    if tried.sent < rate.outage and not proved_by_file:
        return warn(
            "broker.queue",
            f"all of {tried.sent:,} messages for a gateway that is away came, the most that is tried: "
            f"{seconds:,.0f} s. Whether {rate.outage:,}, 10 minutes, fit was not seen; give --broker-config",
        )
    return ok("broker.queue", f"all of {tried.sent:,} messages for a gateway that is away came")


def window_finding(settings: Settings, window: int, kept: int, rate: Rate, speed: Speed | None) -> Finding:
    """`window` messages came without an ack of any. What the broker has not got to send proves nothing."""
    most = most_in_a_batch(settings)
    told = f"{window:,} messages come without an ack"
    if window >= kept:
        told = f"at least {told}"
    elif window < most:
        # A batch never fills, so each one waits for its time to pass.
        per_s = window / (settings.journal.wait_ms / 1000 + (speed.seconds if speed else 0))
        judge = fail if per_s < 2 * rate.per_s else warn
        return judge(
            "broker.window",
            f"{told}, fewer than the {most:,} of a batch: each commit waits {settings.journal.wait_ms} ms, "
            f"at most {per_s:,.0f} messages/s",
            f"mosquitto.conf: max_inflight_messages {max(20, 2 * most)}",
        )
    return ok("broker.window", f"{told}, a batch has up to {most:,}")


def check_window(settings: Settings) -> Finding:
    """The configuration alone: MQTT 5's Receive Maximum against journal.batch."""
    name, batch, window = "window.batch", settings.journal.batch, settings.broker.window
    text = f"a window of {window:,} messages"
    if window >= 2 * batch or settings.broker.protocol != 5:
        return ok(name, f"{text}, commits of up to {most_in_a_batch(settings):,}")
    change = toml("broker", f"receive_maximum = {min(65535, 2 * batch)}")
    text += (
        f" and journal.batch {batch:,}: commits hold {most_in_a_batch(settings):,} at most, half the window"
    )
    if window >= batch:
        return warn(name, text, change)
    return fail(name, f"{text}; catching up after an outage is slower for it", change)


def try_queue(broker: BrokerSettings, network: str, count: int) -> Outcome:
    """Raises LineError. Leaves no session behind, also when it is interrupted."""
    topic = topics.build(network, probe_node(), "config")
    client_id = broker.id_for(network) + QUEUE_ENDING
    payload = b" " * (MESSAGE_BYTES - len(topic))
    try:
        _end_session(broker, client_id)  # what a killed check has left
        # As the gateway begins its own.
        with Line(broker, client_id, clean=False, expiry_s=_EXPIRY_SECONDS) as line:
            line.subscribe([topic])
            line.park()
        with Line(broker, broker.id_for(network) + CHECK_ENDING, clean=True) as sender:
            sent = sender.publish_many(topic, [payload] * count, MOST_SECONDS)
            return _fetch(broker, client_id, sender, topic, sent)
    finally:
        try:
            _end_session(broker, client_id)
        except LineError as error:
            raise LineError(
                f"{error}; a session {client_id} may be left there: run the check again"
            ) from error


def _end_session(broker: BrokerSettings, client_id: str) -> None:
    """A clean connection under its id ends a session."""
    with Line(broker, client_id, clean=True):
        return


def _fetch(broker: BrokerSettings, client_id: str, sender: Line, topic: str, sent: int) -> Outcome:
    line = Line(broker, client_id, clean=False, expiry_s=_EXPIRY_SECONDS)
    line.holding = True
    with line:
        if not line.session_present:
            return Outcome(sent, 0, 0, forgotten=True)
        window = _settled(line, min(sent, broker.receive_maximum))
        line.release()
        deadline = time.monotonic() + _DRAIN_SECONDS
        # It comes behind all others; a queue that is still full drops it.
        while time.monotonic() < deadline:
            sender.publish(topic, b"." * _MARK_BYTES)
            if line.wait(lambda: line.heard and len(line.heard[-1][1]) == _MARK_BYTES, "", 0.5):
                break
        kept = sum(len(each) != _MARK_BYTES for _, each in line.heard)
    return Outcome(sent, min(kept, sent), window)


def _settled(line: Line, most: int) -> int:
    """How many have come when no more do; the first one may take its time."""
    line.wait(lambda: line.heard, "", ANSWER_SECONDS)
    count = -1
    while count < len(line.heard) < most:
        count = len(line.heard)
        line.wait(lambda: len(line.heard) >= most, "", QUIET_SECONDS)
    return len(line.heard)
