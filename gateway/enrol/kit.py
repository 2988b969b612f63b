"""A kit code: all that a node needs to connect, in one text. And what its label says of the portal.

`DL1.` + base64url(JSON, without padding) + `.` + CRC-32 of the JSON as 8 hex digits.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config import Settings
from gateway.enrol.errors import EnrolError
from gateway.enrol.settings import RANDOM_PART

# 31 signs, none of which looks like another on a label.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_PEM_END = "-----END CERTIFICATE-----"


@dataclass(slots=True, frozen=True)
class Kit:
    """What a node and its label get. Shown once: neither code nor password is kept."""

    node: str
    portal: str = field(repr=False)
    code: str = field(repr=False)

    @property
    def ssid(self) -> str:
        return portal_ssid(self.node)


def portal_ssid(node: str) -> str:
    """Name of the access point that a node opens for its set-up."""
    return f"Dustline-{node}"[:32]


def new_secret() -> str:
    """192 bits."""
    return secrets.token_urlsafe(24)


def new_portal_password() -> str:
    """12 signs that can be read off a label, 59 bits: `k7m3-xq2p-9ftr`. WPA2 wants 8 to 63."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def new_name(settings: Settings) -> str:
    """A name that tells nothing of its place."""
    prefix = settings.enrol.prefix or settings.network[: 23 - RANDOM_PART]
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_PART - 1))


def make_kit(settings: Settings, node: str, secret: str) -> Kit:
    """Raises EnrolError when the configuration does not say how nodes reach the broker."""
    wanted = settings.enrol
    portal = new_portal_password()
    content: dict[str, object] = {
        "node": node,
        "network": settings.network,
        "secret": secret,
        "host": broker_host(settings),
        "port": wanted.port,
        "tls": wanted.tls,
    }
    if wanted.tls_name:
        content["name"] = wanted.tls_name
    if wanted.ca_file is not None:
        content["ca"] = base64.b64encode(_certificate(wanted.ca_file)).decode()
    return Kit(node, portal, encode({**content, "portal": portal}))


def broker_host(settings: Settings) -> str:
    """The broker's name for nodes; EnrolError when only this machine could reach it."""
    host = settings.enrol.host or settings.broker.host
    if not settings.enrol.host and host in ("127.0.0.1", "localhost", "::1"):
        raise EnrolError(
            f"enrol.host is not set, and broker.host is {host}, which no node can reach: set enrol.host to "
            "the name under which nodes reach the broker"
        )
    return host


def encode(content: dict[str, object]) -> str:
    text = json.dumps(content, separators=(",", ":")).encode()
    coded = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
    return f"DL1.{coded}.{zlib.crc32(text):08x}"


def decode(code: str) -> dict[str, object]:
    """Its content; ValueError, without the code, when it is damaged."""
    head, _, rest = code.strip().partition(".")
    coded, _, crc = rest.partition(".")
    try:
        text = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        if head != "DL1" or f"{zlib.crc32(text):08x}" != crc.lower():
            raise ValueError("its checksum is wrong")
        content = json.loads(text)
        if not isinstance(content, dict):
            raise TypeError("it holds no object")
    except (ValueError, TypeError) as error:
        raise ValueError(f"the kit code is damaged or incomplete: {type(error).__name__}") from None
    return content  # pyright: ignore[reportUnknownVariableType] - keys of JSON are text


def _certificate(file: Path) -> bytes:
    """DER of the one certificate in a PEM file."""
    try:
        text = file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise EnrolError(f"enrol.ca_file {file} cannot be read ({error.strerror})") from error
    if text.count(_PEM_END) != 1:
        raise EnrolError(
            f"enrol.ca_file {file} has {text.count(_PEM_END)} certificates: a node has room for one, the "
            "authority that signed the broker's"
        )
    try:
        return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN") : text.index(_PEM_END)] + _PEM_END)
    except ValueError as error:
        raise EnrolError(f"enrol.ca_file {file} is no PEM certificate: {error}") from error
