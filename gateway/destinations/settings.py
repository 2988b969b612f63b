"""Settings of the InfluxDB destination: the section [influx] of the gateway's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.ca_file import check_ca_file
from gateway.numbers import Float, Int


class InfluxSettings(BaseModel):
    """Where readings go besides the journal. A server's certificate is always verified."""

    # hide_input: a message about one setting must not quote the token beside it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    enabled: bool = Field(False, description="Deliver readings to InfluxDB as well as to the journal.")
    api: Literal["v2", "v1"] = Field(
        "v2",
        description='"v2" for InfluxDB 2, 3, and 1.8 or newer; "v1" for older InfluxDB 1 (writes to /write).',
    )
    url: str = Field(
        "http://127.0.0.1:8086",
        description="Address of the server, without a path of the API and without credentials.",
    )
    org: str | None = Field(None, description="v2: organization that owns the bucket.")
    bucket: str | None = Field(
        None, description="v2: bucket to write to; it must exist. Same as a v3 database."
    )
    token: SecretStr | None = Field(
        None, description="v2: API token that may write to the bucket. Better given by the environment."
    )
    database: str | None = Field(None, description="v1: database to write to; it must exist.")
    username: str | None = Field(
        None, description="v1: user, when the server has authentication switched on."
    )
    password: SecretStr | None = Field(
        None, description="v1: the user's password. Better given by the environment."
    )
    ca_file: Path | None = Field(
        None,
        description="PEM file with the authority that signed the server's certificate; else the system's.",
    )
    batch: Int = Field(5000, ge=1, le=20000, description="Most readings per write.")
    timeout_s: Float = Field(
        10.0, gt=0, le=300, description="Longest wait for the server to connect or to answer, seconds."
    )
    gzip: bool = Field(True, description="Compress what is sent.")
    day_offset_h: Int = Field(
        0,
        ge=-12,
        le=14,
        description="Means made by `dustline gateway downsample`: a day begins at 00:00 of UTC plus so many "
        "hours, summer and winter alike. 0 is UTC, 1 Warsaw's winter time.",
    )

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"url must look like http://host:8086 or https://host, not {parts.scheme or 'that'!r}"
            )
        if parts.username is not None or parts.password is not None:
            raise ValueError("url must not carry credentials: use token (v2) or username and password (v1)")
        if parts.query or parts.fragment:
            raise ValueError("url must not have a part after '?' or '#'")
        if parts.path.rstrip("/").endswith(("/write", "/api/v2", "/query")):
            raise ValueError("url must not name the API's path: end it after the host and port")
        _ = parts.port  # raises ValueError when it is not a port number
        return url.rstrip("/")

    @field_validator("token")
    @classmethod
    def _sendable_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            text = token.get_secret_value()
            if not (text.isascii() and text.isprintable()) or text != text.strip():
                raise ValueError(
                    "token has a blank at an end or a character that no token has: copy it again"
                )
        return token

    @model_validator(mode="after")
    def _complete(self) -> InfluxSettings:
        if not self.enabled:
            return self
        if self.ca_file is not None:
            check_ca_file(self.ca_file)
        if self.api == "v2":
            missing = [name for name in ("org", "bucket") if not getattr(self, name)]
            if self.token is None or not self.token.get_secret_value():
                missing.append("token")
            if missing:
                raise ValueError(f'api "v2" needs org, bucket and token; missing: {", ".join(missing)}')
            return self
        if not self.database:
            raise ValueError('api "v1" needs database')
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: give both or neither")
        if self.username is not None and ":" in self.username:
            raise ValueError("username must not have a colon")
        return self
