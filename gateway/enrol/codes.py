"""One-time codes: four groups of four signs, 80 bits. The store has the SHA-256 of each.

80 random bits need neither salt nor a slow hash: there is nothing to look up and too much to try.
"""

from __future__ import annotations

import hashlib
import secrets

# Crockford's base32: no I, L, O, U. What a reader takes for another sign is put right.
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", " -\t\n\r")
_LENGTH = 16


def new_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[at : at + 4] for at in range(0, _LENGTH, 4))


def hash_of(code: str) -> bytes | None:
    """Of a code as somebody typed it; None when it cannot be one."""
    signs = code.upper().translate(_READ_AS)
    if len(signs) != _LENGTH or not set(signs) <= set(_SIGNS):
        return None
    return hashlib.sha256(b"dustline-code-1:" + signs.encode()).digest()
