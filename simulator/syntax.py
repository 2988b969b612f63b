"""Python's parser for what the simulator reads of Python's syntax."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeVar

Parsed = TypeVar("Parsed")
_TRIES = 100


def module(text: str) -> ast.Module:
    """Raises SyntaxError."""
    return _patiently(lambda: ast.parse(text))


def expression(text: str) -> ast.Expression:
    """Raises SyntaxError."""
    return _patiently(lambda: ast.parse(text, mode="eval"))


def _patiently(parse: Callable[[], Parsed]) -> Parsed:
    """When two threads parse at once, Python 3.11 may take one's depth for the other's and raise SystemError
    (python/cpython issue 106905): then it is done again."""
    for _ in range(_TRIES - 1):
        try:
            return parse()
        except SystemError:
            continue
    return parse()
