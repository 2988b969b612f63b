"""The serial port that a board is at, and why it cannot be opened."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dustline.kit.errors import KitError
from dustline.kit.words import say

# USB's vendor numbers: bridges that boards have, and Espressif's own USB in S3 and C3.
VENDORS = {0x10C4: "CP210x", 0x1A86: "CH340", 0x303A: "ESP32 USB", 0x0403: "FTDI", 0x067B: "PL2303"}


@dataclass(frozen=True)
class Port:
    """`device` is what is opened, `name` is for people."""

    device: str
    name: str


def _listed() -> Iterable[Any]:
    try:
        from serial.tools import list_ports
    except ModuleNotFoundError as error:
        raise KitError(say("no_esptool")) from error
    return list_ports.comports()


def find(wanted: str | None, listed: Callable[[], Iterable[Any]] = _listed) -> Port:
    """The port named `wanted`, else the only one that may be a board's. Raises KitError, also when the user
    may not open it."""
    if wanted is not None:
        found = Port(wanted, wanted)
        if os.name == "posix" and not os.path.exists(wanted):
            raise KitError(say("absent_port", port=wanted))
    else:
        ports = [
            Port(each.device, f"{VENDORS[each.vid]} ({each.description})")
            for each in listed()
            if each.vid in VENDORS
        ]
        if not ports:
            raise KitError(say("no_port"))
        if len(ports) > 1:
            names = ", ".join(f"{port.device} {port.name}" for port in ports)
            raise KitError(say("many_ports", ports=names, first=ports[0].device))
        found = ports[0]
    if os.name == "posix" and not os.access(found.device, os.R_OK | os.W_OK):
        raise KitError(say("no_permission", port=found.device))
    return found


def reason(text: str, port: str) -> KitError | None:
    """What an operating system's words on opening a port mean; None for none that is known."""
    number = re.search(r"\[Errno (\d+)\]", text)
    code = int(number[1]) if number else None
    if code in (errno.EACCES, errno.EPERM) or "PermissionError" in text or "Access is denied" in text:
        # Windows has the same words for a port that another program holds.
        return KitError(say("busy" if os.name == "nt" else "no_permission", port=port))
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return KitError(say("busy", port=port))
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or "FileNotFoundError" in text:
        return KitError(say("absent_port", port=port))
    return None
