"""Commands to nodes whose turn it is, and what they reply. Each gateway speaks with its own nodes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Container

from gateway.contract import NodeCommand, Reply
from gateway.releases.rollouts import Told
from gateway.releases.store import Store

# In one look; the rate is the roll-out's own.
_AT_ONCE = 200
# These say "not now"; all else is a no.
_LATER = ("too old", "ask again")
LATER_SECONDS = 600.0


def tell(
    store: Store, mine: Callable[[str], bool], offers: Container[str], now: float
) -> list[tuple[str, bytes]]:
    """(node, command) of those that are due and are this gateway's, for versions in `offers`: a node asks for
    the first piece at once. Written down before anything is sent: a command that was lost is given again, one
    that was sent twice harms nothing."""
    query = (
        "SELECT rollout, node, rollouts.version, length(data), releases.sha256,"
        " update_version, update_state, update_why, boot"
        " FROM members JOIN rollouts ON rollouts.id = rollout JOIN releases USING (version)"
        " JOIN nodes USING (node)"
        " WHERE members.state = 'due' AND rollouts.state IN ('running', 'done')"
    )
    if not store.db.execute(query + " LIMIT 1").fetchone():
        return []
    found: list[tuple[str, bytes]] = []
    with store.change() as db:
        due = [row for row in db.execute(query).fetchall() if mine(row[1]) and row[2] in offers]
        for rollout, node, version, size, sha256, *update, boot in due[:_AT_ONCE]:
            id = os.urandom(6).hex()
            db.execute(
                "UPDATE members SET state = 'told', why = '', since = ?, told = ?, command = ?,"
                " attempts = attempts + 1, before = ? WHERE rollout = ? AND node = ?",
                (now, now, id, json.dumps((Told(*update), boot)), rollout, node),
            )
            found.append((node, _command(id, now, version, size, sha256)))
    return found


def tell_again(store: Store, mine: Callable[[str], bool]) -> list[tuple[str, bytes]]:
    """The commands that nobody has answered yet, as they were, for another connection: they may have been
    lost on the last one. A node does none twice."""
    rows = store.db.execute(
        "SELECT node, command, told, rollouts.version, length(data), releases.sha256"
        " FROM members JOIN rollouts ON rollouts.id = rollout JOIN releases USING (version)"
        " WHERE members.state = 'told' AND rollouts.state IN ('running', 'paused', 'done')"
    )
    return [
        (node, _command(id, told, version, size, sha256))
        for node, id, told, version, size, sha256 in rows
        if mine(node)
    ]


def _command(id: str, told: float, version: str, size: int, sha256: str) -> bytes:
    command = NodeCommand(v=1, id=id, t=int(told), do="update", version=version, size=size, sha256=sha256)
    return command.model_dump_json(exclude_unset=True).encode()


def take_replies(store: Store, replies: list[tuple[str, Reply]], now: float) -> int:
    """What nodes say to their commands; how many of them were about a roll-out."""
    if not replies:
        return 0
    ours = 0
    with store.change() as db:
        for node, reply in replies:
            state, why, not_before = "loading", "", 0.0
            if not reply.ok:
                later = any(words in reply.text for words in _LATER)
                state = "waiting" if later else "refused"
                why = reply.text
                not_before = now + LATER_SECONDS if later else 0.0
            ours += db.execute(
                "UPDATE members SET state = ?, why = ?, since = ?, not_before = ?"
                " WHERE command = ? AND node = ? AND state = 'told'",
                (state, why, now, not_before, reply.id, node),
            ).rowcount
    return ours
