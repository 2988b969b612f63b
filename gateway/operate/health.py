"""Is the gateway alive, is it ready? Judged from outside its threads, without waiting for any of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from gateway.operate.heartbeat import Heartbeat
from gateway.standby.rules import Role

if TYPE_CHECKING:
    from gateway.service import Gateway

# The session is started anew after its patience; it counts as dead when that has not helped twice.
PATIENCES = 3


@dataclass(slots=True, frozen=True)
class Problem:
    """One part that is not as it should be, and why. No secrets."""

    part: str
    why: str


def not_alive(gateway: Gateway) -> list[Problem]:
    """Threads that have ended or hang: only a new process helps. A broker or database that is away does not
    count: a new process would not bring it back."""
    found = _thread("pipeline", gateway.pipeline, gateway.pipeline.heart)
    found += _thread("watch", gateway.watch, gateway.watch.heart)
    found += _thread("keeper", gateway.keeper, gateway.keeper.heart)
    if gateway.duty is not None:
        found += _thread("lease", gateway.duty, gateway.duty.heart)
    for delivery in gateway.deliveries:
        found += _thread(f"delivery to {delivery.destination}", delivery, delivery.heart)
    session = gateway.session
    if session.silent_s > PATIENCES * session.patience_s and not gateway.inbox.full:
        found.append(Problem("session", f"the MQTT thread gave no sign of life for {session.silent_s:.0f} s"))
    if gateway.web is not None and not gateway.web.alive:
        found.append(Problem("page", "its thread has ended"))
    return found


def not_judging(gateway: Gateway) -> list[Problem]:
    """Threads of the checks that have ended or hang. It makes nobody start the gateway anew: receiving and
    delivering readings goes on without them."""
    found: list[Problem] = []
    if gateway.quality is not None:
        found += _thread("quality", gateway.quality, gateway.quality.heart)
    for carrier in gateway.quality_deliveries:
        found += _thread(f"quality to {carrier.destination}", carrier, carrier.heart)
    return found


def not_updating(gateway: Gateway) -> list[Problem]:
    """Threads of updates that have ended or hang, which makes nobody start the gateway anew either."""
    updates = gateway.updates
    if updates is None:
        return []
    found = _thread("updates", updates, updates.heart)
    return found + _thread("updates server", updates.server, updates.server.heart)


def not_ready(gateway: Gateway) -> list[Problem]:
    """What keeps readings from being received and stored now, or a standby from taking over at any time."""
    found: list[Problem] = []
    session, trouble, duty = gateway.session, gateway.counters.journal_trouble, gateway.duty
    if duty is not None and duty.trouble is not None:
        found.append(Problem("lease", duty.trouble))
    at_work = duty is None or duty.role is Role.OWNER
    if at_work and not session.subscribed.is_set():
        found.append(Problem("subscription" if session.connected else "broker", session.trouble))
    if trouble is not None:
        found.append(Problem("journal", f"the last commit to {gateway.journal.path} failed: {trouble}"))
    if gateway.clock_behind.why is not None:
        found.append(Problem("clock", gateway.clock_behind.why))
    if gateway.inbox.full:
        found.append(Problem("inbox", "is full: messages come faster than the journal takes them"))
    return found


def _thread(part: str, thread: Thread, heart: Heartbeat) -> list[Problem]:
    if not thread.is_alive():
        return [Problem(part, "its thread has ended")]
    if heart.late_s:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - heart.late_s))
        return [Problem(part, f"makes no progress; it was to be back at {since}")]
    return []
