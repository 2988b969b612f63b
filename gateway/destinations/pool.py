"""The connections to an InfluxDB of all that speaks HTTP to it by itself."""

from __future__ import annotations

import base64

import urllib3

from gateway.destinations.settings import InfluxSettings


def pool(settings: InfluxSettings, read_s: float = 0.0) -> urllib3.PoolManager:
    """One connection, its certificate verified; `read_s`: wait at least so long for an answer.

    Neither repeats nor follows redirects: who asks decides.
    """
    return urllib3.PoolManager(
        num_pools=1,
        maxsize=1,
        timeout=urllib3.Timeout(connect=settings.timeout_s, read=max(settings.timeout_s, read_s)),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.ca_file) if settings.ca_file else None,
    )


def credentials(settings: InfluxSettings) -> dict[str, str]:
    """They go in a header, never in the address: of 1.x user and password if they are set, else the token."""
    if settings.api == "v1":
        if settings.username is None or settings.password is None:
            return {}
        pair = f"{settings.username}:{settings.password.get_secret_value()}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {"Authorization": f"Token {settings.token.get_secret_value() if settings.token else ''}"}
