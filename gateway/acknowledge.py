"""Stage 6, acknowledge: tell a node what is durable, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gateway import extents
from gateway.contract import MAX_EXCEPTIONS
from gateway.extents import Range


def acknowledgements(boot: int, held: list[Range], named: Iterable[int]) -> list[bytes]:
    """Messages that together cover every seq of `named`, all of which `held` must hold; oldest part first.

    One message about all of the boot when its gaps fit. Otherwise as many as it takes, each of which speaks
    of one part: a node that sends what lies behind many gaps must hear of just that.
    """
    upto = held[-1][1]
    gaps = extents.gaps(held, 1, upto)
    if len(gaps) <= MAX_EXCEPTIONS:
        return [_message(boot, 1, upto, gaps)]
    messages: list[bytes] = []
    unsaid = sorted(set(named))
    while unsaid:
        upto = held[extents.position(held, unsaid[-1])][1]
        start, part = 1, extents.gaps_before(held, upto, MAX_EXCEPTIONS + 1)
        if len(part) > MAX_EXCEPTIONS:
            start = part.pop(0)[1] + 1
        messages.append(_message(boot, start, upto, part))
        while unsaid and unsaid[-1] >= start:
            unsaid.pop()
    return messages[::-1]


def _message(boot: int, start: int, upto: int, gaps: list[Range]) -> bytes:
    if start == 1 and not gaps:  # nearly always
        return b'{"v":1,"boot":%d,"upto":%d}' % (boot, upto)
    message: dict[str, object] = {"v": 1, "boot": boot, "upto": upto}
    if start > 1:
        message["from"] = start
    if gaps:
        message["except"] = [first if first == last else [first, last] for first, last in gaps]
    return json.dumps(message, separators=(",", ":")).encode()


def refusal(why: str) -> bytes:
    """The answer to a message that cannot be read at all."""
    return json.dumps({"v": 1, "refused": why[:200]}, separators=(",", ":")).encode()
