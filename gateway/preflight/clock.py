"""Is this machine's clock right? Readings are judged by it. Over the network only the database is asked."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import urllib3

from gateway.config import Settings
from gateway.destinations.pool import pool
from gateway.destinations.settings import InfluxSettings
from gateway.journal import JournalError, JournalReader
from gateway.preflight.finding import Finding, fail, ok, warn
from gateway.service import ClockError, check_clock

# A Date header has whole seconds; an answer may take a moment.
_TOLERATED_SECONDS = 5
_MOST_SECONDS = 60
_LAST_READINGS = 200
_DAY_MS = 86_400_000
_NTP = "timedatectl set-ntp true"


def check_clocks(settings: Settings) -> Iterator[Finding]:
    now = time.time()
    try:
        check_clock(now)
    except ClockError as error:
        yield fail("clock.date", str(error), _NTP)
    else:
        yield ok("clock.date", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))
    yield _ntp()
    yield from _nodes(settings)
    if settings.influx.enabled:
        yield _database(settings.influx)


def _ntp() -> Finding:
    """adjtimex(2) with nothing to set: TIME_ERROR (5) means that nothing keeps the clock."""
    try:
        libc = ctypes.CDLL(None)
        state = int(libc.adjtimex(ctypes.create_string_buffer(1024)))
    except (OSError, AttributeError):
        state = -1
    if state == -1:
        return warn("clock.ntp", "cannot be asked here; look with: timedatectl")
    if state == 5:
        return warn(
            "clock.ntp", "nothing keeps this machine's clock right (NTP is off or not yet in step)", _NTP
        )
    return ok("clock.ntp", "kept right by NTP, as the kernel says")


def _nodes(settings: Settings) -> Iterator[Finding]:
    """By the last readings in the journal whose node had its time by NTP: none can come before it was
    measured. What comes late proves nothing."""
    now_ms = time.time_ns() // 1_000_000
    try:
        with JournalReader(settings.journal.path) as reader:
            newest = reader.id_since(now_ms + _DAY_MS) - 1
            last = reader.after(max(0, newest - _LAST_READINGS), _LAST_READINGS)
    except JournalError:
        return  # the journal's own check tells
    late = [
        each.received_ms / 1000 - each.t
        for each in last
        if each.tq == "ntp" and each.t is not None and each.received_ms > now_ms - _DAY_MS
    ]
    if not late:
        return
    behind = -statistics.median(late)
    if behind <= _TOLERATED_SECONDS:
        yield ok("clock.nodes", f"the last {len(late)} readings with NTP's time did not come before it")
        return
    text = f"the last {len(late)} readings came {behind:.0f} s before their time by NTP: this clock is behind"
    yield (warn if behind <= _MOST_SECONDS else fail)("clock.nodes", text, _NTP)


def _database(influx: InfluxSettings) -> Finding:
    """By the header Date of its answer to /ping."""
    http = pool(influx)
    try:
        before = time.time()
        answer = http.request("GET", f"{influx.url}/ping", redirect=False)
        after = time.time()
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (urllib3.exceptions.HTTPError, KeyError, ValueError) as error:
        return warn("clock.database", f"cannot be compared with this one ({type(error).__name__})")
    finally:
        http.clear()
    # Its second is cut off, so it lies half a second earlier than it should.
    ahead = there + 0.5 - (before + after) / 2
    if abs(ahead) <= _TOLERATED_SECONDS:
        return ok("clock.database", f"agrees with the database's within {_TOLERATED_SECONDS} s")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"the database's clock is {abs(ahead):.0f} s {side} this one; one of them is wrong"
    if abs(ahead) <= _MOST_SECONDS:
        return warn("clock.database", text, _NTP)
    return fail("clock.database", f"{text}: times are judged wrongly, and retention with them", _NTP)
