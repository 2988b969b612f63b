"""Short names for what is private in firmware, and for parameters: every name costs a node's heap some 25
bytes for good, and past 620 of them the interpreter takes 7 KB in one piece.

Lines stay where they are, so that a traceback still leads to the source; only the function's name in it is
short. What is public, what is named in a text or as a keyword and what `const` removes anyway is left alone.
"""

from __future__ import annotations

import ast
import io
import itertools
import string
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from simulator import syntax

SHORT = 2  # letters: nothing is gained below
Change = tuple[tuple[int, int], str, str | None]  # where (row from 1, column), the old name, the new one


def shorten(sources: Mapping[str, str]) -> dict[str, str]:
    """`sources`: text by module name ("node.app"). Returns the same with private names replaced.

    A class may come from another module, and both write to one object: such modules share one set of short
    names. All other modules use the same few again.
    """
    trees = {module: syntax.module(text) for module, text in sources.items()}
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
    spoken = {name for tree in trees.values() for name in _spoken(tree)}
    return {
        module: _replace(
            text,
            [
                *(
                    (token.start, token.string, tables[groups[module]].get(token.string))
                    for token in _names(text)
                ),
                *_parameters(trees[module], spoken),
            ],
        )
        for module, text in sources.items()
    }


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


def _spoken(tree: ast.Module) -> set[str]:
    """Names that cost nothing more as a parameter's, or must stay: those of attributes, functions, classes,
    modules and keywords, and what stands in texts and f-strings."""
    names = _untouchable(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.keyword):
            names.add(node.arg or "")
        elif isinstance(node, ast.alias):
            names |= {node.name, node.asname or ""}
        elif isinstance(node, ast.Global | ast.Nonlocal):
            names |= set(node.names)
        elif isinstance(node, ast.ExceptHandler):
            names.add(node.name or "")
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _parameters(tree: ast.AST, spoken: set[str], depth: int = 0) -> Iterator[Change]:
    """Renamings of what functions call their parameters: the interpreter keeps these names too, unlike those
    of other variables. A function within a function goes on counting, so that it does not hide one."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _parameters(node, spoken, depth)
            continue
        arguments = node.args
        own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        table = {
            argument.arg: name
            for argument, name in zip(own, _after(depth), strict=False)
            if argument.arg != "self" and not argument.arg.startswith("_") and argument.arg not in spoken
        }
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                yield (inner.lineno, inner.col_offset), inner.id, table.get(inner.id)
        for argument in own:
            yield (argument.lineno, argument.col_offset), argument.arg, table.get(argument.arg)
        yield from _parameters(node, spoken, depth + len(own))


def _after(depth: int) -> Iterator[str]:
    """a_, b_, ... without the first `depth`: no private name is such."""
    return (letter + "_" for letter in string.ascii_letters[depth:])


def _replace(text: str, changes: Iterable[Change]) -> str:
    lines = text.splitlines(keepends=True)
    wanted = {start: (old, new) for start, old, new in changes if new is not None}
    for (row, column), (old, new) in sorted(wanted.items(), reverse=True):
        line = lines[row - 1]
        if not line.startswith(old, column):
            raise AssertionError(f"line {row}: {old} is not where it was found")
        lines[row - 1] = line[:column] + new + line[column + len(old) :]
    return "".join(lines)
