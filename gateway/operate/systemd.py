"""Tell systemd how it goes: sd_notify(3), which is one datagram to the socket that $NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.systemd")


def notify(*states: str) -> bool:
    """Send states such as READY=1 in one message; False without a systemd that listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            # A full socket must not hold up the gateway: the next beat says it again.
            channel.setblocking(False)
            channel.sendto("\n".join(states).encode(), address)
    except OSError as error:
        log.warning("systemd cannot be told", states=states, problem=str(error))
        return False
    return True


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from this process, halved as sd_watchdog_enabled(3) advises."""
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
        meant_for = int(os.environ.get("WATCHDOG_PID", str(os.getpid())))
    except ValueError:
        return None
    return microseconds / 2e6 if microseconds > 0 and meant_for == os.getpid() else None
