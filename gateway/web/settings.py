"""Settings of the web page: the section [web] of the gateway's configuration."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.numbers import Float, Int

# Leaflet's own names for {s}; the security headers allow exactly these.
TILE_SUBDOMAINS = "abc"
_SAFE_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?")


class WebSettings(BaseModel):
    """Where the page is served and what its map shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="Serve the page.")
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. The page has no login: put a reverse proxy with TLS before it "
        "to show it to others.",
    )
    port: Int = Field(
        8080, ge=0, le=65535, description="Port to listen on; when it is taken, another free one is used."
    )
    title: str = Field("Dustline", min_length=1, max_length=80, description="Heading of the page.")
    lat: Float = Field(
        52.23, ge=-85, le=85, description="Centre of the map while no node has a place, degrees north."
    )
    lon: Float = Field(
        21.01, ge=-180, le=180, description="Centre of the map while no node has a place, degrees east."
    )
    zoom: Int = Field(11, ge=0, le=19, description="Zoom of the map while no node has a place.")
    tile_url: str = Field(
        "",
        description="Background map: address of its tiles with {z}, {x} and {y}. Empty: no background, and "
        "the page asks nobody but this gateway.",
    )
    tile_attribution: str = Field(
        "",
        max_length=200,
        description="Whom the background map is from, as its terms of use demand; plain text.",
    )
    tile_attribution_url: str = Field(
        "", description="Page that the attribution links to, e.g. the background map's licence."
    )
    stale_s: Int = Field(
        1800, ge=10, le=172800, description="A reading older than that is shown as out of date, s."
    )
    firmware: str = Field(
        "",
        description="Folder with the images that the page /flash installs, as `dustline node flash-page` "
        "makes it. Empty: that page sets up boards which are flashed already.",
    )

    @field_validator("tile_url")
    @classmethod
    def _tiles(cls, url: str) -> str:
        if not url:
            return url
        missing = [part for part in ("{z}", "{x}", "{y}") if part not in url]
        if missing:
            raise ValueError(f"tile_url must have {', '.join(missing)} where the tile's numbers go")
        if url.startswith("/") and not url.startswith("//"):
            return url
        if not tile_origins(url):
            raise ValueError("tile_url must look like https://host/{z}/{x}/{y}.png or /tiles/{z}/{x}/{y}.png")
        return url

    @field_validator("tile_attribution_url")
    @classmethod
    def _link(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("tile_attribution_url must begin with https:// or http://")
        return url


def tile_origins(url: str) -> list[str]:
    """Origins (scheme, host, port) that tiles come from; empty for this gateway's own or an unusable one."""
    names = TILE_SUBDOMAINS if "{s}" in url else "-"
    try:
        parts = [urlsplit(url.replace("{s}", name)) for name in names]
    except ValueError:
        return []
    origins = [f"{part.scheme}://{part.netloc}" for part in parts]
    return origins if all(_SAFE_ORIGIN.fullmatch(origin) for origin in origins) else []
