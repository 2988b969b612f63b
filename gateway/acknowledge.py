"""Stage 6, acknowledge: tell a node what is durable, and what could not be read."""

from __future__ import annotations

import json

from gateway import extents
from gateway.contract import MAX_EXCEPTIONS
from gateway.extents import Range


def acknowledgement(boot: int, held: list[Range]) -> bytes:
    """All of that boot up to the highest seq held, but for the gaps. `held` must not be empty.

    With more gaps than the contract allows, it speaks of the newest part only.
    """
    upto = held[-1][1]
    gaps = extents.gaps(held, 1, upto)
    message: dict[str, object] = {"v": 1, "boot": boot, "upto": upto}
    if len(gaps) > MAX_EXCEPTIONS:
        unspoken, gaps = gaps[:-MAX_EXCEPTIONS], gaps[-MAX_EXCEPTIONS:]
        message["from"] = unspoken[-1][1] + 1
    if gaps:
        message["except"] = [first if first == last else [first, last] for first, last in gaps]
    return json.dumps(message, separators=(",", ":")).encode()


def refusal(why: str) -> bytes:
    """The answer to a message that cannot be read at all."""
    return json.dumps({"v": 1, "refused": why[:200]}, separators=(",", ":")).encode()
