"""Would a password or token go over a network without TLS? To this machine itself it may."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.broker_settings import BrokerSettings
from gateway.destinations.settings import InfluxSettings
from gateway.preflight.finding import Finding, toml, warn


def broker_in_clear(broker: BrokerSettings) -> Iterator[Finding]:
    if not broker.tls and broker.username is not None and not _is_here(broker.host):
        yield warn(
            "broker.tls",
            "the password goes over the network in clear",
            toml("broker", "tls = true"),
            toml("broker", "port = 8883"),
        )


def database_in_clear(influx: InfluxSettings) -> Iterator[Finding]:
    address = urlsplit(influx.url)
    by_name = influx.api == "v1" and influx.username is not None
    if address.scheme != "http" or _is_here(address.hostname or "") or not (by_name or influx.token):
        return
    with_tls = f"https{influx.url.removeprefix('http')}"
    yield warn(
        "influx.tls",
        f"the {'password' if by_name else 'token'} goes over the network in clear",
        toml("influx", f'url = "{with_tls}"  # once the database has a certificate'),
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
