"""Numbers of the configuration: text can be one, since the environment has nothing else; a bool is none."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - pydantic reports ValueError only
    return value


Int = Annotated[int, BeforeValidator(_no_bool)]
Float = Annotated[float, BeforeValidator(_no_bool)]
