"""Settings of a gateway that shares its shard: the section [standby] of the gateway's configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.numbers import Float


class StandbySettings(BaseModel):
    """The same on every machine that may serve the shard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        False,
        description="Share the shard with gateways of the same configuration on other machines: one works, "
        "the others stand by. Set it on all of them; see docs/operation.md.",
    )
    patience_s: Float = Field(
        15.0,
        ge=1,
        le=300,
        description="After so long without a word of the owner a gateway that stands by takes the shard, s.",
    )
