"""Several gateways from one configuration: `--shard 2/4`, to run one or to look into its journal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from gateway.config import ConfigError, JournalSettings, Settings
from gateway.topics import SHARDS

Model = TypeVar("Model", bound=BaseModel)


def take_shard(settings: Settings, shard: str) -> Settings:
    """The settings of gateway i of n: what two of them must not share is its own.

    Raises ConfigError when `shard` is not "i/n".
    """
    mine, of = _parse(shard)
    ending = f"-{mine}of{of}"
    client_id = settings.broker.client_id
    return _with(
        settings,
        broker=_with(settings.broker, shards=f"{mine}/{of}", client_id=client_id and client_id + ending),
        journal=take_journal(settings.journal, shard),
        web=_with(settings.web, port=_port(settings.web.port, mine)),
        monitor=_with(settings.monitor, port=_port(settings.monitor.port, mine)),
    )


def take_journal(settings: JournalSettings, shard: str) -> JournalSettings:
    """Where the journal of gateway i of n is. Raises ConfigError when `shard` is not "i/n"."""
    mine, of = _parse(shard)
    return _with(settings, path=_beside(settings.path, f"-{mine}of{of}"))


def _parse(shard: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2})/(\d{1,2})", shard)
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= len(SHARDS):
        raise ConfigError(
            f"--shard {shard[:40]}: must look like 2/4, the second of four; at most {len(SHARDS)}"
        )
    return int(match[1]), int(match[2])


def _with(model: Model, **changes: object) -> Model:
    return model.model_copy(update=changes)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}{ending}{path.suffix}")


def _port(first: int, mine: int) -> int:
    """The first shard has the port of the configuration, the next one the next; 0 is any free one."""
    return min(65535, first + mine - 1) if first else 0
