"""The broker of a run: the user's, or one of our own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @property
    def login(self) -> tuple[str, str | None] | None:
        return None if self.user is None else (self.user, self.password)
