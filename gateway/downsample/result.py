"""What became of each thing that was to be installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gateway.downsample.http import DownsampleError
from gateway.downsample.plan import DAY, LEAST_RETENTION_S, RERUNS, Span

REPLACE = "`apply --replace` puts ours in its place"


@dataclass(frozen=True, slots=True)
class Step:
    """`ok` is False when something is left to do, which `text` then says."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """Means of `span` that were written; None where the server does not count them."""

    span: Span
    what: str
    written: int | None


class Installer(Protocol):
    """Raises DownsampleError."""

    def statements(self) -> str:
        """All that apply() would install, as text for the server's own tools."""
        ...

    def apply(self, replace: bool) -> Iterator[Step]: ...

    def recompute(self, hours: Span, now: float) -> Iterator[Done]: ...

    def close(self) -> None: ...


def too_short(kept_s: float, where: str) -> Step:
    days, least = RERUNS[-1].days, LEAST_RETENTION_S // DAY
    return Step(
        False,
        f"{where} keeps readings for {kept_s / DAY:g} days only: the means of {days} days are made anew for "
        f"late readings, and would be made of what is left of an hour; keep them {least} days or longer",
    )


def refuse_beyond(kept_s: float, hours: Span, now: float, where: str) -> None:
    """Raise DownsampleError when readings of these hours may be gone; `kept_s` 0 is for ever."""
    if kept_s and hours.start < now - kept_s:
        raise DownsampleError(
            f"{where} keeps readings for {kept_s / DAY:g} days only: the mean of an hour that is partly gone "
            "would be made of the rest; take a later --since"
        )
