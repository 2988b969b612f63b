"""Stage 2, decode: bytes from the broker to a JSON object, or the reason why not."""

from __future__ import annotations

from typing import Any, cast

import jiter

from gateway.contract import MAX_MESSAGE_BYTES


class UnreadableError(Exception):
    """A message that cannot be read at all: `reason` to count by, `detail` for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decode(payload: bytes, size: int | None = None) -> dict[str, Any]:
    """Parse one message. Anything may come in; only UnreadableError goes out.

    `size` is the message's length when `payload` is only its beginning. A number like 1e999
    becomes an infinity here and is refused by the models, together with its field's name.
    """
    size = len(payload) if size is None else size
    if size > MAX_MESSAGE_BYTES:
        raise UnreadableError(
            "too_long", f"the message has {size} bytes, at most {MAX_MESSAGE_BYTES} are allowed"
        )
    if not payload:
        raise UnreadableError("not_json", "the message is empty")
    if payload.startswith(b"\xef\xbb\xbf"):
        raise UnreadableError("not_json", "the message begins with a byte order mark: send UTF-8 without one")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(
            "not_utf8", f"not valid UTF-8: byte 0x{payload[error.start]:02x} at position {error.start}"
        ) from error
    try:
        document = jiter.from_json(payload, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        duplicate = "duplicate key" in str(error)
        reason = "duplicate_key" if duplicate else "not_json"
        raise UnreadableError(reason, f"not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableError("not_json", "the message is JSON but not an object")
    return cast("dict[str, Any]", document)
