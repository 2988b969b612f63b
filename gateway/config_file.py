"""A file of the configuration, read, and what is wrong with it in plain words."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

ENV_PREFIX = "DUSTLINE_"
ENV_DELIMITER = "__"


class ConfigError(Exception):
    """The configuration cannot be used; the message names file, key, what is wrong and what to do."""


_WRITE_ONE = "check the name, or write one with `dustline gateway config sample`"


def read_toml(file: Path, absent: str = _WRITE_ONE) -> dict[str, Any]:
    """`absent`: what to do where there is none. Raises ConfigError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no such file; {absent}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{file}: is a directory; name the file in it") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); check its rights") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}; correct that line") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or tables nested a thousand deep.
        raise ConfigError(f"{file}: holds a number or nesting beyond all measure; correct it") from error


def refuse_unknown_variables(sections: Iterable[str]) -> None:
    """A section that is misspelt in the environment would be passed over, with the secret in it.

    Raises ConfigError.
    """
    known = {section.upper() for section in sections}
    for name in sorted(os.environ):
        section, delimiter, _ = name.upper().removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)
        if name.upper().startswith(ENV_PREFIX) and delimiter and section not in known:
            raise ConfigError(
                f"environment: {name}: there is no section [{section.lower()}]; remove it or correct its "
                "spelling (`dustline gateway config sample` lists all sections)"
            )


def explain(error: ValidationError, file: str, above: tuple[str, ...] = ()) -> str:
    """One line for each fault: file, key path, what is wrong, what to do. No values: one may be a secret."""
    lines: list[str] = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = (*above, *(str(part) for part in fault["loc"]))
        where, key = file, ".".join(place)
        variable = ENV_PREFIX + ENV_DELIMITER.join(place).upper()
        if any(name.upper() == variable for name in os.environ):
            where, key = "environment", variable
        lines.append(f"{where}: {key}: {_fault(fault['type'], fault['msg'])}")
    return "\n".join(lines)


def _fault(type: str, message: str) -> str:
    if type == "extra_forbidden":
        return (
            "unknown key; remove it or correct its spelling (`dustline gateway config sample` lists all keys)"
        )
    if type in ("model_type", "dict_type"):
        return "must be a section of its own, in [brackets]"
    if type == "path_type":
        return "must be a path, in quotes"
    if type == "missing":
        return "is missing; add it"
    message = message.removeprefix("Value error, ")
    return message.replace("Input should be", "must be")
