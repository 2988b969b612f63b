"""Settings of the listener for metrics and health: the section [monitor] of the gateway's configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.numbers import Int


class MonitorSettings(BaseModel):
    """Where Prometheus and a supervisor ask. Apart from the page, which a proxy may show to everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="Serve /metrics, /healthz and /readyz.")
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. There is no login: let only your monitoring reach it.",
    )
    port: Int = Field(
        9883, ge=0, le=65535, description="Port to listen on; while it is taken, the gateway tries again."
    )
