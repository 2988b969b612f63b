"""Mosquitto's password_file: a line `name:hash` for each user, exchanged as a whole or not at all.

The hash is mosquitto_passwd's of version 2: `$7$`, rounds, salt, PBKDF2 with HMAC-SHA-512, in base64
(mosquitto_passwd(1); apps/mosquitto_passwd/get_password.c has 101 rounds and 12 bytes of salt). Few rounds,
but a secret of 192 random bits is not found by guessing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from gateway.enrol.errors import EnrolError

_ROUNDS = 101
_SALT_BYTES = 12


def hashed(secret: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def read_lines(file: Path) -> list[str]:
    """Raises EnrolError."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    except OSError as error:
        raise EnrolError(
            f"enrol.password_file {file} cannot be read ({error.strerror}); check name and rights"
        ) from error


def users(lines: list[str]) -> set[str]:
    return {line.partition(":")[0] for line in lines if ":" in line}


def changed(lines: list[str], put: Mapping[str, str], drop: frozenset[str] = frozenset()) -> list[str]:
    """With the hashes of `put` and without `drop`; every other line stays as it is."""
    gone = drop | put.keys()
    kept = [line for line in lines if line.partition(":")[0] not in gone]
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    return kept + [f"{name}:{hash}\n" for name, hash in put.items()]


def exchange(file: Path, lines: list[str]) -> None:
    """Write it by rename; owner, group and mode stay. Raises EnrolError; the file is then as it was."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        was = file.stat()
        handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
                out.writelines(lines)
                out.flush()
                made = os.fstat(out.fileno())
                if (made.st_uid, made.st_gid) != (was.st_uid, was.st_gid):
                    os.fchown(
                        out.fileno(),
                        was.st_uid if made.st_uid != was.st_uid else -1,
                        was.st_gid if made.st_gid != was.st_gid else -1,
                    )
                os.fchmod(out.fileno(), was.st_mode & 0o7777)
                os.fsync(out.fileno())
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EnrolError(
            f"enrol.password_file {file} cannot be exchanged ({error.strerror}): this user must own it, be "
            "in its group, and may write to its directory; docs/enrolment.md has the commands"
        ) from error
