"""One step of the roll-outs: states, stages, who is next, whether to stop. Everything in one transaction."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from gateway.releases import rules
from gateway.releases.rollouts import Rollout, Seen, all_seen, floors, newest, save
from gateway.releases.store import IN_FORCE, STABLE, Store

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.releases")


class Baton:
    """Held by the one process of a machine that conducts; the others watch their own nodes."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(store.name + ".lock")
        self._file: int | None = None

    def take(self) -> bool:
        """Whether this process has it. Raises OSError."""
        if self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._file = file
        return True

    def drop(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def conduct(store: Store, now: float, per_min: float, look_s: float) -> None:
    """Raises sqlite3.Error, and then nothing has happened."""
    told: list[Rollout] = []
    with store.change() as db:
        channels, seen = store.channels(), all_seen(db)
        known_floors = floors(db)
        for rollout in newest(db):
            if rollout.state not in IN_FORCE:
                continue
            nodes = {
                name: each for name, each in seen.items() if channels.get(name, STABLE) == rollout.channel
            }
            before, state = rules.snapshot(rollout.members.values()), (rollout.state, rollout.stage)
            _step(rollout, nodes, seen, known_floors, now, per_min, look_s)
            after = rollout.members
            changed = [each for name, each in after.items() if each != before.get(name)]
            save(db, rollout, changed, before.keys() - after.keys())
            if (rollout.state, rollout.stage) != state:
                told.append(rollout)
    for rollout in told:
        _tell(rollout)


def _step(
    rollout: Rollout,
    nodes: Mapping[str, Seen],
    seen: Mapping[str, Seen],
    known_floors: Mapping[str, str],
    now: float,
    per_min: float,
    look_s: float,
) -> None:
    members = rollout.members
    for name in [
        each.node for each in members.values() if each.state == "waiting" and each.node not in nodes
    ]:
        del members[name]  # it has changed its channel
    for member in members.values():
        rules.move(rollout, member, seen.get(member.node), now)
    why = rules.why_stop(rollout)
    if why:
        rollout.go("stopped", now, why, by_itself=True)
        return
    if rollout.state == "paused":
        return
    while True:
        for member in rules.fill(rollout, nodes, now):
            rules.move(rollout, member, seen.get(member.node), now)
        _forbid(rollout, nodes, known_floors, now)
        if rollout.last or not rules.passed(rollout, nodes, now):
            break
        rollout.stage += 1
        rollout.changed = now
    for member in rules.due(rollout, nodes, now, per_min, look_s):
        member.go("due", now)
    if rollout.last:
        under_way = any(rules.is_open(each, nodes) for each in members.values())
        state = "running" if under_way or not members else "done"
        if state != rollout.state:
            rollout.go(state, now)


def _forbid(rollout: Rollout, nodes: Mapping[str, Seen], known_floors: Mapping[str, str], now: float) -> None:
    """Take out those that run what nothing older may follow."""
    for member in rollout.members.values():
        if member.state == "waiting":
            why = rules.forbidden(rollout, nodes[member.node], known_floors)
            if why:
                member.go("refused", now, why)


def _tell(rollout: Rollout) -> None:
    stage = f"{rollout.stage + 1} of {len(rollout.stages)}"
    what = {"version": rollout.version, "channel": rollout.channel, "stage": stage}
    if rollout.state == "stopped":
        log.error("a roll-out has stopped by itself", why=rollout.why, **what)
    elif rollout.state == "done":
        log.info("a roll-out is done; nodes that return get it", **what)
    else:
        log.info("a roll-out goes on", percent=rollout.stages[rollout.stage], **what)
