"""Parsing goes on where Python's own parser trips over another thread's."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from simulator import syntax


@pytest.mark.parametrize(
    ("parse", "kind"), [(syntax.module, ast.Module), (syntax.expression, ast.Expression)]
)
def test_a_wrong_count_of_pythons_is_tried_again(
    parse: Any, kind: type[ast.AST], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's fault comes too seldom to be had on purpose: it is put in here."""
    real, left = (
        ast.parse,
        [SystemError("AST constructor recursion depth mismatch (before=54, after=26)")] * 3,
    )

    def tripping(*given: Any, **more: Any) -> Any:
        if left:
            raise left.pop()
        return real(*given, **more)

    monkeypatch.setattr(ast, "parse", tripping)
    assert isinstance(parse("f(1)"), kind)
    assert not left
    with pytest.raises(SyntaxError):
        parse("f(")
