"""The journal's disk: may it be written, does SQLite's WAL work on it, is there room, is it fast enough?"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Settings
from gateway.journal import Batch, Journal, NewReading
from gateway.journal.integrity import glance
from gateway.journal.schema import (
    JournalBusyError,
    JournalError,
    is_present,
    lock_for_writing,
    open_reader,
    open_writer,
)
from gateway.keeper import bounds_of
from gateway.preflight.finding import Finding, fail, ok, toml, warn
from gateway.preflight.rate import Rate
from gateway.service import most_in_a_batch

# docs/journal.md: 130 to 250.
_READING_BYTES = 200
_LEAST_FREE = 200 * 1024 * 1024
_LEAST_DAYS, _LONG_DAYS = 30, 1100
_LEAST_INODES = 1000
# WAL needs memory shared by all processes, which no network file system offers (SQLite, "Write-Ahead
# Logging", section 1).
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs")
_GONE_WITH_POWER = ("tmpfs", "ramfs")
MOUNTS = Path("/proc/mounts")
# Bounds of the trial of speed.
_MOST_BATCHES, _MOST_SECONDS = 20, 2.0
TRIAL_PREFIX = ".dustline-check-"


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of a commit of `batch` readings."""

    batch: int
    seconds: float


def nearest_directory(path: Path) -> Path:
    directory = path.resolve().parent
    while not directory.exists():
        directory = directory.parent
    return directory


def check_file(path: Path) -> Finding:
    directory = nearest_directory(path)
    try:
        return ok("journal.file", _try_journal(path, directory))
    except JournalError as error:
        return fail("journal.file", str(error))


def _try_journal(path: Path, directory: Path) -> str:
    if not path.exists():
        if not os.access(directory, os.W_OK | os.X_OK):
            raise JournalError(
                f"journal {path}: {directory} cannot be written; give the gateway's user that right, "
                "or set journal.path elsewhere"
            )
        return f"{path}: does not exist yet and can be made"
    try:
        with lock_for_writing(path), closing(open_writer(path, "FULL", change=False)) as db:
            if is_present(db):
                glance(db, path)
    except JournalBusyError:
        with closing(open_reader(path)) as db:
            glance(db, path)
        return f"{path}: in use by a running gateway, and readable"
    return f"{path}: can be written"


def check_filesystem(path: Path) -> Finding:
    name = "journal.filesystem"
    directory = nearest_directory(path)
    change = toml("journal", 'path = "/var/lib/dustline/journal.sqlite"  # on a disk of this machine')
    about = os.statvfs(directory)
    if about.f_flag & os.ST_RDONLY:
        return fail(name, f"{directory} is mounted read-only", change)
    if about.f_files and about.f_favail < _LEAST_INODES:
        return fail(name, f"{directory}: only {about.f_favail} files can still be made (inodes)", change)
    kind = _kind_of(directory, MOUNTS)
    if kind is None:
        return warn(name, f"the kind of {directory}'s file system cannot be seen: it must be no network's")
    if kind in _NETWORK:
        return fail(
            name, f"{directory} is on {kind}: SQLite's WAL does not work on a network file system", change
        )
    if kind in _GONE_WITH_POWER:
        return fail(name, f"{directory} is in memory ({kind}): a power cut loses the journal", change)
    if kind == "overlay":
        return warn(
            name, f"{directory} belongs to a container's image and goes with it: mount a volume", change
        )
    if kind.startswith("fuse"):
        return warn(name, f"{directory} is on {kind}: whether SQLite's WAL works there is not known", change)
    return ok(name, f"{directory} is on {kind}")


def _kind_of(directory: Path, mounts: Path) -> str | None:
    """By the longest mount point above it; of two at the same place the later one counts."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best, kind = -1, None
    for fields in (line.split() for line in lines):
        if len(fields) < 3:
            continue
        # Blanks and the like are written as \040.
        point = Path(fields[1].encode("latin-1", "replace").decode("unicode_escape"))
        if directory.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def check_space(settings: Settings, rate: Rate) -> Finding:
    """Against the journal's bounds, or the network's rate where they leave it free to grow."""
    name = "journal.space"
    path = settings.journal.path
    directory = nearest_directory(path)
    about = os.statvfs(directory)
    free = about.f_bavail * about.f_frsize
    held = sum(each.stat().st_size for each in (path, path.with_name(path.name + "-wal")) if each.is_file())
    told = f"{directory}: {_size(free)} free"
    if free < _LEAST_FREE:
        return fail(
            name,
            f"{told}: a full disk stops the gateway; free some",
            toml("journal", 'path = "/a/larger/disk/journal.sqlite"'),
        )
    bounds = bounds_of(settings.journal, ["influx"] if settings.influx.enabled else [])
    per_day = rate.per_s * 86400 * _READING_BYTES
    wanted = [bounds.max_bytes] if bounds.max_bytes else []
    wanted += [int(per_day * bounds.keep_days)] if bounds.keep_days else []
    days = free / per_day if per_day else float("inf")
    pace = f"{_size(per_day)} a day at this rate"
    if wanted and min(wanted) - held <= free:
        return ok(name, f"{told}; the journal may grow to {_size(min(wanted))}, {pace}")
    if not wanted and days >= _LONG_DAYS:
        return ok(name, f"{told}; nothing bounds the journal, {pace}: full in {_days(days)}")
    # A fifth stays free for the WAL and for what else is on the disk.
    fitting = max(1, int((free + held) * 0.8 / 1_000_000))
    change = toml("journal", f"max_mb = {fitting}")
    limit = f"it may grow to {_size(min(wanted))}" if wanted else "nothing bounds it"
    text = f"{told}; {limit}, {pace}: full in {_days(days)}"
    if not settings.influx.enabled:
        text += "; with max_mb the oldest readings are deleted then, and there is no other store"
    return (fail if days < _LEAST_DAYS else warn)(name, text, change)


def check_speed(settings: Settings, rate: Rate) -> tuple[Finding, Speed | None]:
    """Commit batches as the gateway does, in a journal of its own beside the real one, for 2 s at most."""
    name = "journal.speed"
    directory = nearest_directory(settings.journal.path)
    batch = most_in_a_batch(settings)
    try:
        with tempfile.TemporaryDirectory(prefix=TRIAL_PREFIX, dir=directory) as trial:
            took = _commit_some(Path(trial), settings, batch)
    except OSError as error:
        return warn(name, f"cannot be tried in {directory}: {error.strerror}"), None
    except (JournalError, sqlite3.Error) as error:
        change = toml("journal", 'path = "/another/disk/journal.sqlite"')
        return fail(name, f"SQLite cannot work in {directory}: {error}", change), None
    speed = Speed(batch, statistics.median(took))
    per_s = batch / speed.seconds
    text = (
        f"a commit of {batch} readings takes {speed.seconds * 1000:.1f} ms with "
        f"{settings.journal.synchronous} (median of {len(took)}): {per_s:,.0f} readings/s"
    )
    # After an outage as much again has to be taken in beside what is new.
    if per_s < 2 * rate.per_s:
        return fail(
            name,
            f"{text}; twice the network's rate, {2 * rate.per_s:,.3g}/s, is needed to catch up",
            toml("journal", 'path = "/a/faster/disk/journal.sqlite"'),
        ), speed
    return ok(name, text), speed


def _commit_some(directory: Path, settings: Settings, batch: int) -> list[float]:
    took: list[float] = []
    began = time.monotonic()
    with Journal(directory / "trial.sqlite", synchronous=settings.journal.synchronous) as journal:
        while len(took) < _MOST_BATCHES and (not took or time.monotonic() - began < _MOST_SECONDS):
            first = len(took) * batch
            readings = [_reading(first + at) for at in range(batch)]
            start = time.perf_counter()
            journal.commit(Batch("check", readings=readings))
            took.append(time.perf_counter() - start)
    return took


def _reading(number: int) -> NewReading:
    """Distinct ones, of 100 nodes."""
    seq, t = 1 + number // 100, 1_790_000_000 + 60 * number
    values = {"pm25": number % 997 / 10, "pm10": 20.5, "temp": 21.5, "rh": 40.25, "press": 1013.0}
    node = f"node-{number % 100}"
    return NewReading(t * 1000, node, 1, seq, t, "ntp", 60 * seq, 60, 58, "a", "sds011", (), values)


def _size(count: float) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count / 1000:,.0f} kB"


def _days(days: float) -> str:
    return f"{days:,.0f} days" if days < 3650 else "more than ten years"
