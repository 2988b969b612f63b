"""Why there is no connection to the broker, in words that lead on: which setting it points to."""

from __future__ import annotations

import socket
import ssl
import time

# Two gateways under one client id throw each other out every second or two.
SHORT_SECONDS = 10.0
TOLD_AT = 3
WANTS_TLS = "the connection ended before the broker had answered"
WANTS_TLS_ADVICE = "does that port want TLS (broker.tls, ca_file)? Is it the broker's? See the broker's log"
_ADVICE = {
    "certificate": "set broker.ca_file to the authority that signed it, and broker.host to a name in it",
    "tls": "set broker.port to the broker's TLS port, or broker.tls = false",
    "host": "correct broker.host, or ask whoever keeps the names",
    "port": "is it running there, and are broker.host, port and tls right?",
}


def words_for(cause: BaseException | None, tls: bool) -> tuple[str, str]:
    """What connecting raised, to be read behind the broker's name; and the key of [broker] it points to."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"shows a certificate that is refused: {cause.verify_message}", "certificate"
    if isinstance(cause, ssl.SSLError) or (tls and isinstance(cause, ConnectionResetError)):
        why = getattr(cause, "reason", None) or cause.strerror
        return f"fails at TLS ({why}); is that the broker's TLS port?", "tls"
    if isinstance(cause, socket.gaierror):
        return f"has a name that is not known ({cause.strerror})", "host"
    why = (isinstance(cause, OSError) and cause.strerror) or cause or "no reason is known"
    return f"cannot be reached ({why}); is it running there?", "port"


def trouble_and_advice(cause: BaseException | None, tls: bool) -> tuple[str, str]:
    """The same for a log."""
    words, points_to = words_for(cause, tls)
    return f"the broker {words.partition(';')[0]}", _ADVICE[points_to]


class ShortLives:
    """Connections that end soon after they began, one after the other."""

    def __init__(self) -> None:
        self._began = 0.0
        self.in_a_row = 0

    def began(self) -> None:
        self._began = time.monotonic()

    def ended(self) -> bool:
        """Whether it is time to say so: once for each row of them."""
        short = time.monotonic() - self._began < SHORT_SECONDS
        self.in_a_row = self.in_a_row + 1 if short else 0
        return self.in_a_row == TOLD_AT
