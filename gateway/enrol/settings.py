"""Settings of enrolment: the section [enrol] of the gateway's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.numbers import Int
from gateway.topics import valid_name

# So that the portal's name, "Dustline-" before the node's, fits into the 32 bytes of an SSID.
MOST_NAME = 23
RANDOM_PART = 7  # a hyphen and six characters


class EnrolSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    broker: Literal["off", "files", "dynsec"] = Field(
        "off",
        description='How the broker knows its users: "files" is Mosquitto\'s password_file and acl_file, '
        '"dynsec" its dynamic security plugin. "off": this gateway enrols nobody. See docs/enrolment.md.',
    )
    store: Path = Field(
        Path("dustline-enrolment.sqlite"),
        description="Who is enrolled, their places, and hashes of one-time codes; no secrets. "
        "A relative path starts at this file's directory.",
    )
    page: bool = Field(False, description="Let volunteers with a one-time code enrol at the page's /join.")
    prefix: str = Field(
        "", description="What the names of nodes begin with that are enrolled by a code; else the network."
    )
    host: str = Field(
        "", description="The broker's name as nodes reach it, for their kit codes; else that of [broker]."
    )
    port: Int = Field(8883, ge=1, le=65535, description="The broker's port as nodes reach it.")
    tls: bool = Field(True, description="Nodes encrypt, and verify the broker's certificate.")
    tls_name: str = Field("", description="Name in that certificate where it is not `host`.")
    ca_file: Path | None = Field(
        None, description="PEM file with the authority that signed it; goes into the kit codes."
    )
    password_file: Path | None = Field(None, description='Of "files": Mosquitto\'s password_file.')
    acl_file: Path | None = Field(
        None, description='Of "files": Mosquitto\'s acl_file. It is read, not written.'
    )
    pid_file: Path | None = Field(
        None, description='Of "files": Mosquitto\'s pid_file; it is sent SIGHUP to read its files again.'
    )
    reload_command: list[str] = Field(
        default_factory=list[str],
        description='Of "files": program and arguments that let Mosquitto read its files again, in place of '
        'pid_file, such as ["sudo", "systemctl", "reload", "mosquitto"]. With neither, something else must '
        "do so, such as a systemd path unit.",
    )
    reload_s: Int = Field(
        15, ge=1, le=300, description='Of "files": how long to wait until the broker knows, s.'
    )
    admin_username: str | None = Field(
        None, description='Of "dynsec": user that may administer it; else that of [broker].'
    )
    admin_password: SecretStr | None = Field(
        None, description="Its password. Better given by the environment."
    )

    @field_validator("prefix")
    @classmethod
    def _short_prefix(cls, prefix: str) -> str:
        if prefix and not (valid_name(prefix) and len(prefix) <= MOST_NAME - RANDOM_PART):
            raise ValueError(f"prefix must be 1 to {MOST_NAME - RANDOM_PART} of a-z, 0-9 and -")
        return prefix

    @model_validator(mode="after")
    def _holds_together(self) -> EnrolSettings:
        if self.broker == "files" and (self.password_file is None or self.acl_file is None):
            raise ValueError(
                'broker = "files" needs password_file and acl_file, as mosquitto.conf names them'
            )
        if self.pid_file is not None and self.reload_command:
            raise ValueError("pid_file and reload_command are both set: take one away")
        if self.admin_password is not None and self.admin_username is None:
            raise ValueError("admin_password is given without admin_username")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is given but tls is false")
        if self.page and self.broker == "off":
            raise ValueError('page = true needs broker = "files" or "dynsec"')
        return self
