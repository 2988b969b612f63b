"""What a roll-out does next: pure functions over what is known. docs/updates.md has the rules in words."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from gateway.releases.bundle import order_of
from gateway.releases.rollouts import FAILED, OPEN, Member, Rollout, Seen

# A stage of fewer nodes tolerates no failure.
SMALL_STAGE = 10
LEAST_REFUSALS = 5
REFUSED_PERCENT = 10.0
REPLY_SECONDS = 300.0
# A node loads a version in minutes, and gives up by itself after some hours without pieces.
LOAD_SECONDS = 6 * 3600.0
AGAIN_SECONDS = 600.0
MOST_ATTEMPTS = 5
# What a node said before it was told counts as new after that time, or after a restart.
STALE_SECONDS = 900.0


@lru_cache(65536)
def rank(version: str, node: str) -> bytes:
    """The order in which nodes get a version: the same each time, and another one for each version."""
    return hashlib.sha256(f"{version} {node}".encode()).digest()


def move(rollout: Rollout, member: Member, seen: Seen | None, now: float) -> None:
    """Bring a member's state in line with what is seen of its node."""
    if member.state in ("fell_back", "refused") or seen is None:
        return
    base = "loaded" if member.state == "silent" else member.state
    state, why = _heard(rollout.version, member, base, seen, now)
    if seen.silent and (
        state in ("loaded", "trial")
        or (state == "good" and member.told and now - _good_since(member, state, now) <= _watched(rollout))
    ):
        state, why = "silent", f"nothing was heard of it for {rollout.silent_s:.0f} s after the update"
    if member.state == "silent" and state == "silent":
        return
    if state in ("told", "loading"):
        state, why = _waited(member, state, seen, now)
    if state == "due" and not seen.online:
        state = "waiting"
    member.go(state, now, why)


def _good_since(member: Member, state: str, now: float) -> float:
    return member.since if member.state == state else now


def _watched(rollout: Rollout) -> float:
    """How long after a node was good its silence still counts, s."""
    return rollout.settle_s + rollout.silent_s


def _heard(version: str, member: Member, base: str, seen: Seen, now: float) -> tuple[str, str]:
    """(state, why) by what the node itself says."""
    update = seen.update
    says = update.state if update.version == version else ""
    told = member.state not in ("waiting", "due")
    if seen.fw == version:
        if says in ("", "good", "refused") or not told:
            return ("trial", "") if says in ("loading", "trial") else ("good", "")
        return ("trial", "") if says != "fell_back" else (base, member.why)
    if not told or not says:
        return base, member.why
    before, boot = member.before
    if update == before and seen.boot <= boot and now - member.told < STALE_SECONDS:
        return base, member.why
    if says in ("fell_back", "refused"):
        return says, update.why
    if says == "trial":
        return "trial", ""
    if says == "loading" and base == "told":
        return "loading", ""
    return base, member.why


def _waited(member: Member, state: str, seen: Seen, now: float) -> tuple[str, str]:
    """Tell it again when nothing comes of it; give it up after some times."""
    since = member.since if member.state == state else now
    limit = REPLY_SECONDS if state == "told" else LOAD_SECONDS
    gone = state == "told" and not seen.online
    if now - since <= limit and not gone:
        return state, member.why
    if gone:
        return "waiting", ""
    if member.attempts >= MOST_ATTEMPTS:
        what = "does not answer the command" if state == "told" else "does not get on with loading"
        return "refused", f"it {what}, told {member.attempts} times"
    member.not_before = now + AGAIN_SECONDS
    return "waiting", ""


def forbidden(rollout: Rollout, seen: Seen, floors: Mapping[str, str]) -> str:
    """Why this node may not be told; "" when it may."""
    floor = floors.get(seen.fw, "")
    if order_of(rollout.version) < order_of(floor):
        return f"it runs {seen.fw}, after which nothing older than {floor} may be installed"
    return ""


class Cause(NamedTuple):
    """Why a roll-out must stop: of `of` nodes of a stage (from 0) those `members` have failed or refused, as
    `what` says; `allowed` may."""

    stage: int
    what: str
    members: list[Member]
    of: int
    allowed: int


def stop_cause(rollout: Rollout) -> Cause | None:
    """None while it need not stop."""
    for stage in range(len(rollout.stages)):
        of_it = [each for each in rollout.members.values() if each.stage == stage]
        failed = [each for each in of_it if each.state in FAILED]
        told = [each for each in of_it if each.told]
        refused = [each for each in told if each.state == "refused"]
        tried = len(told) - len(refused)
        allowed = 0 if len(of_it) < SMALL_STAGE else max(1, math.floor(tried * rollout.tolerate / 100))
        if len(failed) > allowed:
            return Cause(stage, "failed", failed, tried, allowed)
        most = max(LEAST_REFUSALS, math.floor(len(told) * REFUSED_PERCENT / 100))
        if len(refused) > most:
            return Cause(stage, "refused", refused, len(told), most)
    return None


def why_stop(rollout: Rollout) -> str:
    """Why the roll-out must stop, as a sentence; "" while it need not."""
    cause = stop_cause(rollout)
    if cause is None:
        return ""
    what = "failed" if cause.what == "failed" else "refused it"
    return (
        f"stage {cause.stage + 1} ({rollout.stages[cause.stage]:g} %): {len(cause.members)} of {cause.of} "
        f"nodes {what}, {cause.allowed} may: {_named(cause.members)}"
    )


def _named(members: list[Member], most: int = 3) -> str:
    members = sorted(members, key=lambda each: each.since)
    named = [f"{each.node} {each.state.replace('_', ' ')} ({each.why})" for each in members[:most]]
    return "; ".join(named) + (f"; and {len(members) - most} more" if len(members) > most else "")


def fill(rollout: Rollout, nodes: Mapping[str, Seen], now: float) -> list[Member]:
    """New members of the present stage, chosen by their rank. `nodes`: those of the channel.

    Before the last stage only nodes that are online and have another version; a node that refuses, or that
    goes away before it has the new version, is replaced by another.
    """
    members = rollout.members
    if rollout.last:
        others = [each for each in nodes.values() if each.node not in members]
    else:
        pool = _candidates(rollout, nodes)
        taken = sum(_counts(each, nodes) for each in members.values())
        wanted = _wanted(rollout, len(members) + len(pool)) - taken
        others = sorted(pool, key=lambda each: rank(rollout.version, each.node))[: max(0, wanted)]
    new = [Member(each.node, rollout.stage, since=now) for each in others]
    members.update({each.node: each for each in new})
    return new


def _candidates(rollout: Rollout, nodes: Mapping[str, Seen]) -> list[Seen]:
    """Of whom a stage before the last takes some. Percents are of these and the members."""
    return [
        each
        for each in nodes.values()
        if each.online and not each.silent and each.fw != rollout.version and each.node not in rollout.members
    ]


def _counts(member: Member, nodes: Mapping[str, Seen]) -> bool:
    """Whether it counts towards the stage's number."""
    if member.state in ("waiting", "told", "loading"):
        return _online(member, nodes)
    return member.state != "refused"


def _online(member: Member, nodes: Mapping[str, Seen]) -> bool:
    seen = nodes.get(member.node)
    return seen is not None and seen.online and not seen.silent


def _wanted(rollout: Rollout, known: int) -> int:
    """How many of so many nodes are to have the version by the end of the present stage."""
    return min(known, math.ceil(known * rollout.stages[rollout.stage] / 100))


def is_open(member: Member, nodes: Mapping[str, Seen]) -> bool:
    """Whether the stage waits for it. What is offline before it has all pieces is not waited for."""
    if member.state in ("waiting", "told", "loading"):
        return _online(member, nodes)
    return member.state in OPEN


def passed(rollout: Rollout, nodes: Mapping[str, Seen], now: float) -> bool:
    """Whether the present stage, which is not the last, has stood its test."""
    members = rollout.members
    if any(is_open(each, nodes) for each in members.values()):
        return False
    done = [each for each in members.values() if each.state == "good" or each.state in FAILED]
    here = [each for each in done if each.stage == rollout.stage]
    wanted = _wanted(rollout, len(members) + len(_candidates(rollout, nodes)))
    if len(done) < wanted or not any(each.state == "good" for each in done):
        return False
    return now - max((each.since for each in here), default=0.0) >= rollout.settle_s


def due(
    rollout: Rollout, nodes: Mapping[str, Seen], now: float, per_min: float, look_s: float
) -> list[Member]:
    """Members to be told now, at most so many a minute; counts them."""
    waiting = [
        each
        for each in rollout.members.values()
        if each.state == "waiting" and each.not_before <= now and _online(each, nodes)
    ]
    waiting.sort(key=lambda each: (each.stage, rank(rollout.version, each.node)))
    told: list[Member] = []
    for each in waiting:
        if rollout.next_due > now:
            break
        rollout.next_due = max(rollout.next_due, now - look_s) + 60.0 / per_min
        told.append(each)
    return told


def snapshot(members: Iterable[Member]) -> dict[str, Member]:
    """Copies, to find out afterwards what has changed."""
    return {each.node: replace(each) for each in members}
