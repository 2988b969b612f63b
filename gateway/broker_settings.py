"""Settings of the MQTT session: the section [broker] of the gateway's configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.ca_file import check_ca_file
from gateway.numbers import Int
from gateway.topics import SHARDS

# MQTT's 65535, less the ending by which `dustline gateway check` keeps apart from a running gateway.
CHECK_ENDING = "-check"
MOST_CLIENT_ID_BYTES = 65535 - len(CHECK_ENDING)


def _protocol(value: object) -> object:
    return {"5": 5, "311": 311, "3.1.1": 311}.get(str(value), value)


class BrokerSettings(BaseModel):
    """How to reach the broker. With tls, its certificate and host name are always verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", min_length=1, description="Name or address of the MQTT broker.")
    port: Int = Field(1883, ge=1, le=65535, description="Port of the broker; with TLS commonly 8883.")
    protocol: Annotated[Literal[5, 311], BeforeValidator(_protocol)] = Field(
        5, description="5 for MQTT 5, 311 for MQTT 3.1.1."
    )
    username: str | None = Field(None, description="User at the broker.")
    password: SecretStr | None = Field(None, description="Its password. Better given by the environment.")
    tls: bool = Field(False, description="Encrypt, and verify the broker's certificate and host name.")
    ca_file: Path | None = Field(
        None,
        description="PEM file with the authority that signed the broker's certificate; else the system's.",
    )
    client_id: str | None = Field(
        None,
        description="The session's name at the broker, different for every gateway. "
        "By default made of the network and the shards.",
    )
    keepalive_s: Int = Field(
        30, ge=5, le=3600, description="Silence after which the connection is tested, s."
    )
    session_expiry_s: Int = Field(
        604800,
        ge=0,
        le=4294967295,
        description="MQTT 5: how long the broker keeps messages for a gateway that is away, s.",
    )
    receive_maximum: Int = Field(
        1000,
        ge=2,
        le=65535,
        description="MQTT 5: messages that may be on their way to the gateway without its ack.",
    )
    shards: str = Field(
        "1/1",
        description='Which part of the nodes this gateway takes: "1/1" is all, "2/4" the second of four '
        'gateways; or the hex digits themselves, such as "048c".',
    )

    @field_validator("host")
    @classmethod
    def _plain_host(cls, host: str) -> str:
        if re.search(r"[\s/@\[\]]", host) or re.fullmatch(r"[^:]+:\d+", host):
            raise ValueError(
                "host must be a name or an address alone, without brackets; the port has a key of its own"
            )
        try:
            host.encode("idna")
        except UnicodeError as error:
            raise ValueError("host is no name that the Internet knows") from error
        return host

    @field_validator("username", "password", "client_id")
    @classmethod
    def _sendable(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
        most = MOST_CLIENT_ID_BYTES if info.field_name == "client_id" else 65535
        try:
            sendable = len(text.encode()) <= most
        except UnicodeEncodeError:
            sendable = False
        if not sendable:
            raise ValueError(f"is not UTF-8 text of at most {most} bytes, as MQTT demands: set it again")
        if "\0" in text and not isinstance(value, SecretStr):
            raise ValueError("has a NUL character, which MQTT forbids: set it again")
        return value

    @field_validator("shards")
    @classmethod
    def _known_shards(cls, shards: str) -> str:
        share = re.fullmatch(r"(\d{1,2})/(\d{1,2})", shards)
        if share is not None and 1 <= int(share[1]) <= int(share[2]) <= len(SHARDS):
            return shards
        if share is None and shards and set(shards) <= set(SHARDS):
            return shards
        raise ValueError('shards must look like "1/1" or "2/4" (at most 16 gateways), or be hex digits')

    @model_validator(mode="after")
    def _holds_together(self) -> BrokerSettings:
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is given but tls is false: set tls = true, and the broker's TLS port")
        if self.ca_file is not None:
            check_ca_file(self.ca_file)
        if self.password is not None and self.username is None:
            raise ValueError("password is given without username")
        return self

    @property
    def shard_digits(self) -> tuple[str, ...]:
        """The hex digits this gateway takes."""
        if "/" not in self.shards:
            return tuple(sorted(set(self.shards)))
        mine, of = (int(part) for part in self.shards.split("/"))
        return tuple(digit for index, digit in enumerate(SHARDS) if index % of == mine - 1)

    @property
    def window(self) -> int:
        """Messages that the broker sends before it waits for acks: for 3.1.1, Mosquitto's default."""
        return self.receive_maximum if self.protocol == 5 else min(20, self.receive_maximum)

    def id_for(self, network: str) -> str:
        """The client id; stable, so that a restart finds its session again."""
        if self.client_id:
            return self.client_id
        part = "" if self.shards == "1/1" else "-" + self.shards.replace("/", "of")
        return f"dustline-gateway-{network}{part}"
