"""Short names for what is private in firmware: every name costs a node's heap some 25 bytes for good, and
past 620 of them the interpreter takes 7 KB in one piece.

Lines stay where they are, so that a traceback still leads to the source; only the function's name in it is
short. What is public, what is named in a text and what `const` removes anyway is left alone.
"""

from __future__ import annotations

import ast
import io
import itertools
import string
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping

SHORT = 2  # letters: nothing is gained below


def shorten(sources: Mapping[str, str]) -> dict[str, str]:
    """`sources`: text by module name ("node.app"). Returns the same with private names replaced.

    A class may come from another module, and both write to one object: such modules share one set of short
    names. All other modules use the same few again.
    """
    trees = {module: ast.parse(text) for module, text in sources.items()}
    groups = _families(trees)
    users: dict[str, set[str]] = defaultdict(set)
    defined: set[str] = set()
    kept: set[str] = set()
    for module, text in sources.items():
        for token in _names(text):
            users[token.string].add(groups[module])
        defined |= _defined(trees[module])
        kept |= _untouchable(trees[module])
    tables: dict[str, dict[str, str]] = defaultdict(dict)
    for name in sorted(defined - kept):
        if len(name) > SHORT and len(users[name]) == 1:
            tables[next(iter(users[name]))][name] = ""
    taken = users.keys() - {name for table in tables.values() for name in table}
    for table in tables.values():
        free = (name for name in _short() if name not in taken)
        for name in table:
            table[name] = next(free)
    return {module: _replace(text, tables[groups[module]]) for module, text in sources.items()}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _names(text: str) -> Iterator[tokenize.TokenInfo]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and _is_private(token.string):
            yield token


def _families(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """The group of each module: those joined by a class that inherits from another module's."""
    group = {module: module for module in trees}
    for module, tree in trees.items():
        bases = {
            base.id
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for base in node.bases
            if isinstance(base, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and bases & {
                alias.asname or alias.name for alias in node.names
            }:
                parent = _absolute(module, node)
                if parent in group:
                    old, new = group[module], group[parent]
                    group = {name: new if of == old else of for name, of in group.items()}
    return group


def _absolute(module: str, node: ast.ImportFrom) -> str:
    """The full name of the module that an import reads from."""
    package = module.rsplit(".", node.level)[0] if node.level else ""
    return ".".join(part for part in (package, node.module or "") if part)


def _defined(tree: ast.Module) -> set[str]:
    """Private names that this module makes itself: another's, such as a library's, are not ours to change."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return {name for name in names if _is_private(name)}


def _untouchable(tree: ast.Module) -> set[str]:
    """Names that are also text, stand inside f-strings, or are constants that leave no name behind."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            for inner in ast.walk(node):
                names.add(getattr(inner, "attr", "") or getattr(inner, "id", ""))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Name) and function.id == "const":
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _short() -> Iterator[str]:
    """_a, _b, ... _Z, _aa, ..."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_letters, repeat=length):
            yield "_" + "".join(letters)


def _replace(text: str, table: Mapping[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    for token in sorted(_names(text), key=lambda token: token.start, reverse=True):
        short = table.get(token.string)
        if short is not None:
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:column] + short + line[column + len(token.string) :]
    return "".join(lines)
