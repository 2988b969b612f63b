"""Settings of updates: the section [releases] of the gateway's configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gateway.numbers import Float, Int

STORE_NAME = "dustline-releases.sqlite"


class ReleasesSettings(BaseModel):
    """How releases are kept, and how fast nodes may have them. KB are 1,000 bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        True, description="Serve updates, once a release was added with `dustline gateway release add`."
    )
    store: Path | None = Field(
        None,
        description=f"File of releases, channels and roll-outs; by default {STORE_NAME} beside the journal.",
    )
    public_keys: Path | None = Field(
        None,
        description="PEM file with the public key by which the network's releases are signed; a second one "
        "in it is the next key.",
    )
    total_kb_per_s: Int = Field(
        200, ge=1, le=1_000_000, description="Pieces of releases, to all nodes together: KB/s at most."
    )
    node_kb_per_s: Int = Field(20, ge=1, le=1_000_000, description="The same to one node: KB/s at most.")
    commands_per_min: Int = Field(
        60, ge=1, le=100_000, description="Nodes that a roll-out tells to update, in a minute at most."
    )
    look_s: Float = Field(
        5.0, ge=0.05, le=60, description="Pause between two looks at a roll-out and its nodes, s."
    )

    def store_beside(self, journal: Path) -> Path:
        return self.store or journal.with_name(STORE_NAME)
