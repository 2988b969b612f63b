"""Topics of the wire contract: dl/1/{network}/{shard}/{node}/{kind}."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

SHARDS = "0123456789abcdef"
# What nodes send and the gateway subscribes to.
KINDS_UP = ("readings", "status", "health")
# Those that a connection of its own takes: gateway/releases/line.py.
KINDS_OF_UPDATES = ("fetch", "reply")
# Remembered topics and nodes: a network's own, and some that a stranger makes up.
_KNOWN = 65536
_NAME = re.compile(r"[a-z0-9-]{1,32}\Z")


class TopicError(ValueError):
    """The topic breaks the contract; the message says how."""


@dataclass(slots=True, frozen=True)
class Address:
    network: str
    shard: str
    node: str
    kind: str


def valid_name(name: str) -> bool:
    """Whether it can be the name of a node or a network."""
    return _NAME.match(name) is not None


@lru_cache(_KNOWN)
def shard_of(node: str) -> str:
    """One lower-case hex digit: CRC-32 of the node's name mod 16."""
    return SHARDS[zlib.crc32(node.encode()) & 15]


def build(network: str, node: str, kind: str) -> str:
    return f"dl/1/{network}/{shard_of(node)}/{node}/{kind}"


def lease(network: str, shards: str) -> str:
    """Where the gateways of `broker.shards` agree who works. No node's rules reach it: a name has no _."""
    part = shards.replace("/", "_of_") if "/" in shards else f"digits_{shards}"
    return f"dl/1/{network}/gateway/{part}"


@lru_cache(_KNOWN)
def parse(topic: str, network: str, kinds: tuple[str, ...] = KINDS_UP) -> Address:
    """Take a topic apart; TopicError unless a node of that network may send one of the kinds there."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[:2] != ["dl", "1"]:
        raise TopicError(f"topic {topic[:120]!r} is not of the form dl/1/network/shard/node/kind")
    found, shard, node, kind = parts[2:]
    if found != network:
        raise TopicError(f"topic is of network {found[:40]!r}, this gateway serves {network!r}")
    if not valid_name(node):
        raise TopicError(f"node {node[:40]!r} in the topic is no valid name: 1 to 32 of a-z, 0-9 and -")
    if shard != shard_of(node):
        raise TopicError(f"topic has shard {shard[:8]!r}, node {node} belongs to shard {shard_of(node)!r}")
    if kind not in kinds:
        raise TopicError(f"kind {kind[:40]!r} in the topic is none that a node sends")
    return Address(found, shard, node, kind)


def filters(network: str, shards: Iterable[str], kinds: tuple[str, ...] = KINDS_UP) -> list[str]:
    """The subscriptions of a gateway that takes these shards."""
    taken = sorted(set(shards))
    # A wildcard when it takes all, so that a message under a wrong shard is seen and quarantined.
    levels = ["+"] if len(taken) == len(SHARDS) else taken
    return [f"dl/1/{network}/{level}/+/{kind}" for kind in kinds for level in levels]
