"""Find ports that are free on this machine."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def take(wished: int, what: str) -> tuple[int, str | None]:
    """The wished port, or else a free one and a sentence that says so."""
    if is_free(wished):
        return wished, None
    port = any_free()
    return port, f"port {wished} is in use: {what} takes {port}"
