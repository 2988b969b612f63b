"""Stage 3, identify: which node, which kind, which boot; the message's envelope without its readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from gateway.contract import MAX_SEQ, Health, Offline, Online, ReadingsEnvelope, explain
from gateway.decode import UnreadableError
from gateway.topics import Address, TopicError, parse

Envelope = ReadingsEnvelope | Online | Offline | Health


@dataclass(slots=True, frozen=True)
class Identified:
    address: Address
    message: Envelope


def locate(topic: str, network: str) -> Address:
    """Take the topic apart, or raise UnreadableError: then nobody can be answered either."""
    try:
        return parse(topic, network)
    except TopicError as error:
        raise UnreadableError("topic", str(error)) from error


def identify(address: Address, document: dict[str, Any]) -> Identified:
    """Read the envelope by the kind its topic names."""
    version = document.get("v")
    if type(version) is not int or version != 1:
        told = "has no version" if version is None else f"has version {version!r:.20}"
        raise UnreadableError("version", f"the message {told}; this gateway reads version 1")
    try:
        return Identified(address, _envelope(address.kind, document))
    except ValidationError as error:
        raise UnreadableError("shape", explain(error)) from error


def _envelope(kind: str, document: dict[str, Any]) -> Envelope:
    if kind == "readings":
        return ReadingsEnvelope.model_validate(document)
    if kind == "health":
        return Health.model_validate(document)
    if document.get("online") is False:
        return Offline.model_validate(document)
    return Online.model_validate(document)


def seq_of(item: Any) -> int | None:
    """The seq of a reading that may be wrong in everything else; None when it has none to go by."""
    if not isinstance(item, dict):
        return None
    seq = cast("dict[str, Any]", item).get("seq")
    return seq if type(seq) is int and 1 <= seq <= MAX_SEQ else None
