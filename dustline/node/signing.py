"""Keys and signatures of bundles: RSASSA-PKCS1-v1_5, 3072 bits, e = 65537, SHA-256.

Needs `cryptography` (`pip install 'dustline[release]'`). docs/node/update.md says why RSA.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dustline.node.bundle import BOARDS, SIGNATURE_BYTES, Bundle

BITS = 3072
EXPONENT = 65537
MOST_KEYS = 2  # the present one and the next


class KeyFileError(ValueError):
    """It is no key that can be used, and why."""


def new_key(path: Path) -> rsa.RSAPrivateKey:
    """Make a private key, in a file that only its owner reads. Raises FileExistsError and OSError."""
    key = rsa.generate_private_key(EXPONENT, BITS)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    return key


def private_key(path: Path) -> rsa.RSAPrivateKey:
    """Raises KeyFileError and OSError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path} is no private key in PEM without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFileError(f"{path} is no RSA key")
    _usable(key.public_key(), path)
    return key


def public_key(path: Path) -> rsa.RSAPublicKey:
    """From a public key's file in PEM, or a private one's. Raises KeyFileError and OSError."""
    data = path.read_bytes()
    if b"PRIVATE" in data:
        return private_key(path).public_key()
    try:
        key = serialization.load_pem_public_key(data)
    except ValueError as error:
        raise KeyFileError(f"{path} is no public key in PEM") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyFileError(f"{path} is no RSA key")
    _usable(key, path)
    return key


def _usable(key: rsa.RSAPublicKey, path: Path) -> None:
    if key.key_size != BITS or key.public_numbers().e != EXPONENT:
        raise KeyFileError(f"{path}: a node takes keys of {BITS} bits with the exponent {EXPONENT} only")


def public_text(key: rsa.RSAPublicKey) -> str:
    """In PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def keys_json(board: str, keys: Iterable[rsa.RSAPublicKey]) -> str:
    """What a board gets as keys.json. Raises KeyFileError."""
    found = [f"{key.public_numbers().n:0{BITS // 4}x}" for key in keys]
    if board not in BOARDS:
        raise KeyFileError(f"no board is called {board}: it must be one of {', '.join(BOARDS)}")
    if not 1 <= len(set(found)) == len(found) <= MOST_KEYS:
        raise KeyFileError(f"a board takes one or {MOST_KEYS} different keys")
    return json.dumps({"board": board, "keys": found}) + "\n"


def known_keys(path: Path) -> tuple[str, list[rsa.RSAPublicKey]]:
    """(board, keys) of a keys.json. Raises KeyFileError and OSError."""
    try:
        found: Any = json.loads(path.read_bytes())
        board = str(found["board"])
        return board, [rsa.RSAPublicNumbers(EXPONENT, int(text, 16)).public_key() for text in found["keys"]]
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f"{path} is no keys.json of a board: {error!r}") from error


def sign(bundle: Bundle, key: rsa.RSAPrivateKey) -> Bundle:
    """The same with a signature, in place of one that it may have."""
    signature = key.sign(bundle.body, padding.PKCS1v15(), hashes.SHA256())
    assert len(signature) == SIGNATURE_BYTES
    return Bundle(bundle.version, bundle.floor, bundle.boards, bundle.files, bundle.body, signature)


def is_signed(bundle: Bundle, keys: Iterable[rsa.RSAPublicKey]) -> bool:
    """By one of these."""
    for key in keys:
        try:
            key.verify(bundle.signature, bundle.body, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return True
    return False
