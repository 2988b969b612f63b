"""Roll-outs, their members and what is seen of nodes, as rows of the store. Times in UTC s."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from gateway.releases.bundle import order_of
from gateway.releases.store import IN_FORCE, STABLE, Store, StoreError

# A member's way: told at the conductor's word; the rest by what the node says. "loaded": it has asked for the
# last piece, and starts into the new version.
OPEN = ("due", "told", "loading", "loaded", "trial")
FAILED = ("fell_back", "silent")
STATES = ("waiting", *OPEN, "good", *FAILED, "refused")


class Told(NamedTuple):
    """What a node says of its last update; empty texts when nothing."""

    version: str = ""
    state: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a gateway sees of a node. `silent`: longer than its roll-out allows."""

    node: str
    fw: str
    online: bool
    silent: bool
    boot: int
    update: Told


@dataclass(slots=True)
class Member:
    """A node in a roll-out. `before`: what it said, and its boot, when it was told."""

    node: str
    stage: int
    state: str = "waiting"
    why: str = ""
    since: float = 0.0
    command: str = ""
    told: float = 0.0
    attempts: int = 0
    not_before: float = 0.0
    before: tuple[Told, int] = (Told(), 0)

    def go(self, state: str, now: float, why: str = "") -> None:
        """Into that state, if it is another."""
        if (state, why) != (self.state, self.why):
            self.state, self.why, self.since = state, why, now


@dataclass(slots=True)
class Rollout:
    """A version for the nodes of a channel. `stages` and `tolerate` in percent; `stage` counts from 0."""

    id: int
    version: str
    floor: str
    channel: str
    stages: tuple[float, ...]
    settle_s: float
    silent_s: float
    tolerate: float
    state: str
    by_itself: bool
    why: str
    stage: int
    started: float
    changed: float
    next_due: float
    members: dict[str, Member] = field(default_factory=dict[str, Member])

    @property
    def last(self) -> bool:
        """Whether the stage is the last one."""
        return self.stage + 1 >= len(self.stages)

    def go(self, state: str, now: float, why: str = "", by_itself: bool = False) -> None:
        self.state, self.changed, self.why, self.by_itself = state, now, why, by_itself


_MEMBER = [each.name for each in fields(Member)]
_ROLLOUT = [each.name for each in fields(Rollout) if each.name != "members"]
_NEWEST = (
    f"SELECT {', '.join(_ROLLOUT)} FROM rollouts"  # noqa: S608 - names from this file only
    " WHERE id IN (SELECT max(id) FROM rollouts GROUP BY channel) ORDER BY id"
)
_MEMBERS = f"SELECT {', '.join(_MEMBER)} FROM members WHERE rollout = ?"  # noqa: S608 - as above
_PUT_MEMBER = (
    f"INSERT OR REPLACE INTO members (rollout, {', '.join(_MEMBER)})"  # noqa: S608 - as above
    f" VALUES (?{', ?' * len(_MEMBER)})"
)


def begin(
    store: Store,
    version: str,
    now: float,
    *,
    channel: str = STABLE,
    stages: tuple[float, ...] = (1.0, 10.0, 100.0),
    settle_s: float = 3600.0,
    silent_s: float = 1800.0,
    tolerate: float = 2.0,
) -> int:
    """Begin a roll-out in place of the channel's present one; its id. Raises StoreError."""
    with store.change() as db:
        row = db.execute("SELECT floor, sha256 FROM releases WHERE version = ?", (version,)).fetchone()
        if row is None:
            raise StoreError(f"no release {version}; `dustline gateway release list` has those there are")
        present = _in_force(db, channel)
        if present is not None and present[1] == version:
            raise StoreError(
                f"{version} is being rolled out to channel {channel} already; see `rollout status`"
            )
        floor = highest_floor(db, channel)
        if order_of(version) < order_of(floor):
            raise StoreError(
                f"{version} is older than {floor}, the oldest version that nodes of channel {channel} take: "
                "a release that runs on some of them says so"
            )
        if present is not None:
            _end(db, present[0], now, f"{version} took its place")
        done = db.execute(
            "INSERT INTO rollouts (version, floor, sha256, channel, stages, settle_s, silent_s, tolerate,"
            " state, started, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)",
            (version, *row, channel, json.dumps(stages), settle_s, silent_s, tolerate, now, now),
        )
        return int(done.lastrowid or 0)


def change_state(store: Store, channel: str, to: str, now: float) -> str:
    """`to`: running, paused or stopped, by a person; the version. Raises StoreError."""
    allowed = {"paused": ("running", "done"), "running": ("paused",), "stopped": IN_FORCE}[to]
    with store.change() as db:
        row = db.execute(
            "SELECT id, version, state FROM rollouts WHERE channel = ? ORDER BY id DESC LIMIT 1", (channel,)
        ).fetchone()
        if row is None:
            raise StoreError(f"there is no roll-out to channel {channel}")
        if row[2] not in allowed:
            hint = "; begin it anew with `rollout start`" if row[2] == "stopped" else ""
            raise StoreError(f"the roll-out of {row[1]} to channel {channel} is {row[2]}{hint}")
        if to == "stopped":
            _end(db, row[0], now, "by command")
        else:
            db.execute("UPDATE rollouts SET state = ?, changed = ? WHERE id = ?", (to, now, row[0]))
        return str(row[1])


def _in_force(db: sqlite3.Connection, channel: str) -> tuple[int, str] | None:
    return db.execute(
        "SELECT id, version FROM rollouts WHERE channel = ? AND state IN ('running', 'paused', 'done')",
        (channel,),
    ).fetchone()


def _end(db: sqlite3.Connection, id: int, now: float, why: str) -> None:
    db.execute(
        "UPDATE rollouts SET state = 'stopped', by_itself = 0, why = ?, changed = ? WHERE id = ?",
        (why, now, id),
    )


def highest_floor(db: sqlite3.Connection, channel: str) -> str:
    """Of the versions that nodes of the channel run or have run as good; "" when none is known."""
    rows = db.execute(
        "SELECT floor FROM releases WHERE version IN (SELECT fw FROM nodes LEFT JOIN channels USING (node)"
        " WHERE coalesce(channel, 'stable') = ?)"
        " UNION SELECT floor FROM rollouts WHERE channel = ?"
        " AND id IN (SELECT rollout FROM members WHERE state = 'good')",
        (channel, channel),
    )
    return max((str(row[0]) for row in rows), key=order_of, default="")


def floors(db: sqlite3.Connection) -> dict[str, str]:
    """Version -> floor, of all that were ever known or rolled out."""
    return dict(
        db.execute("SELECT version, floor FROM rollouts UNION SELECT version, floor FROM releases").fetchall()
    )


def newest(db: sqlite3.Connection) -> list[Rollout]:
    """The newest roll-out of each channel, with its members."""
    return [_rollout(db, row) for row in db.execute(_NEWEST).fetchall()]


def _rollout(db: sqlite3.Connection, row: tuple[Any, ...]) -> Rollout:
    found = Rollout(*row)
    found.stages, found.by_itself = tuple(json.loads(row[4])), bool(row[9])
    for *values, before in db.execute(_MEMBERS, (found.id,)):
        told, boot = json.loads(before) if before else ((), 0)
        found.members[values[0]] = Member(*values, before=(Told(*told), boot))
    return found


def save(
    db: sqlite3.Connection, rollout: Rollout, members: Iterable[Member], gone: Iterable[str] = ()
) -> None:
    """The roll-out itself, those members, and that others are members no more."""
    db.execute(
        "UPDATE rollouts SET state = ?, by_itself = ?, why = ?, stage = ?, changed = ?, next_due = ?"
        " WHERE id = ?",
        (
            *(rollout.state, rollout.by_itself, rollout.why, rollout.stage),
            *(rollout.changed, rollout.next_due, rollout.id),
        ),
    )
    db.executemany(
        "DELETE FROM members WHERE rollout = ? AND node = ?", [(rollout.id, node) for node in gone]
    )
    db.executemany(
        _PUT_MEMBER,
        [
            (rollout.id, *(getattr(each, name) for name in _MEMBER[:-1]), json.dumps(each.before))
            for each in members
        ],
    )


def loaded(store: Store, node: str, version: str, now: float) -> None:
    """A node has asked for the last piece: if it is not heard of again, the new version may be why."""
    with store.change() as db:
        db.execute(
            "UPDATE members SET state = 'loaded', why = '', since = ?"
            " WHERE node = ? AND state IN ('told', 'loading') AND rollout IN"
            " (SELECT id FROM rollouts WHERE version = ? AND state IN ('running', 'paused', 'done'))",
            (now, node, version),
        )


def all_seen(db: sqlite3.Connection) -> dict[str, Seen]:
    """What the gateways see, by node."""
    rows = db.execute(
        "SELECT node, fw, online, silent, boot, update_version, update_state, update_why FROM nodes"
    )
    return {
        node: Seen(node, fw, bool(online), bool(silent), boot, Told(*told))
        for node, fw, online, silent, boot, *told in rows
    }


def save_seen(db: sqlite3.Connection, seen: Iterable[Seen]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(each.node, each.fw, each.online, each.silent, each.boot, *each.update) for each in seen],
    )
