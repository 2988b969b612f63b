"""The nodes file and the districts file: where nodes stand, and where a city's districts are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.config_file import ConfigError, explain, read_toml
from gateway.districts import Spot
from gateway.numbers import Float
from gateway.places import AnyPlace, place_of
from gateway.topics import valid_name


def load_places(file: Path) -> dict[str, AnyPlace]:
    """Read the places of the nodes; raises ConfigError."""
    found: dict[str, AnyPlace] = {}
    for node, entry in _tables(file, "nodes").items():
        if not valid_name(node):
            raise ConfigError(f"{file}: nodes.{node}: no valid node name; use 1 to 32 of a-z, 0-9 and -")
        try:
            found[node] = place_of(entry)
        except ValidationError as error:
            raise ConfigError(explain(error, str(file), ("nodes", node))) from error
    return found


def load_districts(file: Path) -> dict[str, Spot]:
    """Read the districts' centres; raises ConfigError."""
    found: dict[str, Spot] = {}
    for name, entry in _tables(file, "districts").items():
        try:
            centre = _Centre.model_validate(entry)
        except ValidationError as error:
            raise ConfigError(explain(error, str(file), ("districts", name))) from error
        found[name] = Spot(centre.lat, centre.lon)
    return found


class _Centre(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: Float = Field(ge=-90, le=90)
    lon: Float = Field(ge=-180, le=180)


def _tables(file: Path, of: str) -> dict[str, Any]:
    document = read_toml(file, "check the name in the configuration")
    strange = sorted(document.keys() - {of})
    if strange:
        raise ConfigError(f"{file}: {strange[0]}: unknown key; write one table [{of}.NAME] for each")
    tables = document.get(of, {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{file}: {of}: must hold tables; write one table [{of}.NAME] for each")
    return cast("dict[str, Any]", tables)
