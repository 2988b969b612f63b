"""What a change of the configuration means for a running gateway."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from gateway.config import ConfigError, Settings

# Sections and keys that take effect while running; every other one waits for a restart.
APPLIED = (
    *(
        "nodes_file",
        "districts_file",
        "broker",
        "calibration",
        "checks",
        "influx",
        "log",
        "quality",
        "quarantine",
        "releases",
    ),
    *("journal.batch", "journal.wait_ms", "journal.keep_days", "journal.max_mb"),
)
# Both make the session's name at the broker, under which messages may wait.
NOT_APPLIED = ("broker.client_id", "broker.shards")
PLACES = "places"


def changed_keys(old: Settings, new: Settings) -> list[str]:
    """Paths of the keys that differ, and "places" when those do; no values, as one may be a secret."""
    found = list(_differences(old, new, ""))
    if old.places != new.places or old.public_places != new.public_places:
        found.append(PLACES)
    return found


def refuse_unless_applicable(changed: list[str]) -> None:
    """Raises ConfigError that names the keys which a running gateway cannot change."""
    fixed = [key for key in changed if key != PLACES and not _applicable(key)]
    if fixed:
        raise ConfigError(
            f"{', '.join(fixed)}: cannot change while the gateway runs; "
            "restart it, or take the change back and reload"
        )


def _applicable(key: str) -> bool:
    return key not in NOT_APPLIED and any(key == each or key.startswith(f"{each}.") for each in APPLIED)


def _differences(old: BaseModel, new: BaseModel, above: str) -> Iterator[str]:
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from _differences(before, after, f"{above}{name}.")
        elif before != after:
            yield above + name
