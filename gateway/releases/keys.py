"""The network's public keys, and whether a signature is by one of them.

RSASSA-PKCS1-v1_5 with SHA-256, 3072 bits, e = 65537 (RFC 8017, 8.2.2): the whole padded block is made anew
and compared, so nothing in it is parsed. A public key of that size and exponent has one form in DER
(RFC 5280, 4.1): fixed bytes around the modulus.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

SIGNATURE_BYTES = 384
EXPONENT = 65537
MOST_KEYS = 2  # the present one and the next
_HEAD = bytes.fromhex("308201a2300d06092a864886f70d01010105000382018f003082018a0282018100")
_TAIL = bytes.fromhex("0203010001")
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2, note 1
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)


class KeyFileError(Exception):
    """The file holds no key that can be used; the message says which file and why."""


def read_keys(path: Path) -> list[int]:
    """The moduli of the public keys in a PEM file, one or two. Raises KeyFileError."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise KeyFileError(
            f"{path}: cannot be read ({error.strerror}); give the public key's file"
        ) from error
    found: list[int] = []
    for label, body in _BLOCK.findall(text):
        if "PRIVATE" in label:
            raise KeyFileError(
                f"{path}: is a private key, which has no business at the gateway; give the public key that "
                "`dustline node keygen` wrote beside it"
            )
        found.append(_modulus(path, body))
    if not 1 <= len(found) <= MOST_KEYS:
        raise KeyFileError(f"{path}: must hold one or {MOST_KEYS} public keys in PEM, and holds {len(found)}")
    return found


def _modulus(path: Path, body: str) -> int:
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error as error:
        raise KeyFileError(f"{path}: is no PEM: {error}") from error
    modulus = der[len(_HEAD) : -len(_TAIL)]
    if der[: len(_HEAD)] != _HEAD or der[-len(_TAIL) :] != _TAIL or len(modulus) != SIGNATURE_BYTES:
        raise KeyFileError(f"{path}: is no RSA key of 3072 bits with the exponent {EXPONENT}, as nodes take")
    return int.from_bytes(modulus)


def is_signed(body: bytes, signature: bytes, keys: Iterable[int]) -> bool:
    """By one of these moduli."""
    number = int.from_bytes(signature)
    tail = b"\0" + _SHA256 + hashlib.sha256(body).digest()
    block = int.from_bytes(b"\0\1" + b"\xff" * (SIGNATURE_BYTES - 2 - len(tail)) + tail)
    return any(number < key and pow(number, EXPONENT, key) == block for key in keys)
