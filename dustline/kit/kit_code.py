"""Kit codes: DL1, the JSON of a node's credentials in base64url, its CRC-32, with full stops between."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, cast

from dustline.kit.errors import KitError

_LONGEST = 5000


def read(text: str) -> tuple[bytes, dict[str, Any]]:
    """(the JSON's bytes, what it holds). Blanks and line ends are passed over. Raises KitError, which never
    quotes the code: it is a secret."""
    parts = "".join(text.split()).split(".")
    if len(parts) != 3 or parts[0] != "DL1" or len(text) > 2 * _LONGEST:
        raise KitError("this is no kit code: one begins with DL1. and has three parts")
    try:
        raw = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
        right = len(parts[2]) == 8 and int(parts[2], 16) == binascii.crc32(raw)
    except ValueError as error:
        raise KitError("the kit code is damaged: copy it again, whole") from error
    if not right:
        raise KitError("the kit code is damaged or cut off: copy it again, whole")
    try:
        found: Any = json.loads(raw)
    except ValueError as error:
        raise KitError("the kit code holds something else than a node's credentials") from error
    kit = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if not isinstance(kit.get("node"), str):
        raise KitError("the kit code holds something else than a node's credentials")
    return raw, kit
