"""The commented sample of the configuration, made from the models so that it cannot fall behind them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gateway.config import Settings
from gateway.config_file import ENV_DELIMITER, ENV_PREFIX

_HEAD = """\
# Configuration of the Dustline gateway. Every key stands here with its default;
# remove the # before a key to set it.
# Secrets are better given by the environment: DUSTLINE_BROKER__PASSWORD stands for password in [broker].
# Made by `dustline gateway config sample`."""


def sample() -> str:
    """The whole file: every key as a comment with its default."""
    top: list[str] = [_HEAD]
    sections: list[str] = []
    for name, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            sections += _section(model, info, (name,))
        else:
            top += ["", *_key(name, info, (name,))]
    return "\n".join([*top, *sections]) + "\n"


def _section(model: type[BaseModel], info: FieldInfo, path: tuple[str, ...]) -> list[str]:
    """A section with its keys, then the sections below it."""
    lines = ["", *_comment(info.description or ""), f"[{'.'.join(path)}]"]
    below: list[str] = []
    for key, inner in model.model_fields.items():
        kind = inner.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            below += _section(kind, inner, (*path, key))
        else:
            lines += _key(key, inner, (*path, key))
    return lines + below


def _key(name: str, info: FieldInfo, path: tuple[str, ...]) -> list[str]:
    default = info.get_default(call_default_factory=True)
    lines = _comment(info.description or "")
    if "SecretStr" in str(info.annotation):
        lines += _comment(f"Environment: {ENV_PREFIX}{ENV_DELIMITER.join(path).upper()}")
    if default is None:
        return [*lines, f'#{name} = ""  # not set by default']
    return [*lines, f"#{name} = {_toml(default)}"]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 100)]


def _toml(value: Any) -> str:
    """A value in TOML; for these types JSON's notation is the same."""
    if isinstance(value, SecretStr):
        raise TypeError("a secret has no default")
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
