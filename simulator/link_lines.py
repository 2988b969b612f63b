"""Write linked modules as text, and remember which source line each of its lines came from."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator import syntax
from simulator.link_scopes import Module

# What MicroPython writes of a frame.
FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>\S+))?')
# What the node's note of a crash has of a frame (firmware/node/crash.py).
NOTED = re.compile(r"(?:(?<= at )|(?<= < ))(?P<file>[\w.]+):(?P<line>\d+)(?= < |\W*$)")
QUOTED = re.compile(r"'(\w+)'")


@dataclass
class Lines:
    """`files`: by the module's name in a traceback, for each line the source's (path, line, function).
    `names`: what a word stands for, as an attribute's name ("attributes") and otherwise ("others").
    `first`: a traceback has the first line of each function only, as that of a board."""

    names: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    files: dict[str, dict[int, tuple[str, int, str]]] = field(
        default_factory=dict[str, dict[int, tuple[str, int, str]]]
    )
    first: bool = False

    def explain(self, text: str) -> str:
        """A console's text with the source's files, lines and names in its tracebacks."""
        out: list[str] = []
        within = False  # a traceback
        for line in text.split("\n"):
            line = NOTED.sub(self._noted, line)
            if FRAME.search(line):
                line, within = FRAME.sub(self._frame, line), True
            elif within:
                attribute = line.rfind("no attribute '")
                if attribute >= 0:
                    line = self._named(line[:attribute], "others") + self._named(
                        line[attribute:], "attributes"
                    )
                else:
                    line = self._named(line, "others")
                within = False
            out.append(line)
        return "\n".join(out)

    def _known(self, found: re.Match[str]) -> tuple[str, int, str] | None:
        lines = self.files.get(found["file"], {})
        number = int(found["line"])
        return lines.get(number) or lines.get(max((each for each in lines if each < number), default=0))

    def _noted(self, found: re.Match[str]) -> str:
        known = self._known(found)
        return found[0] if known is None else f"{known[0]}:{known[1]} in {known[2]}"

    def _frame(self, found: re.Match[str]) -> str:
        known = self._known(found)
        if known is None:
            return found[0]
        path, line, function = known
        return f'File "{path}", {"from " if self.first else ""}line {line}, in {function}'

    def _named(self, text: str, kind: str) -> str:
        names = self.names.get(kind, {})
        return QUOTED.sub(lambda found: f"'{names.get(found[1], found[1])}'", text)

    def write(self, path: Path) -> None:
        body: dict[str, Any] = {"names": self.names, "files": {}}
        for file, lines in self.files.items():
            body["files"][file] = [[number, *where] for number, where in sorted(lines.items())]
        path.write_text(json.dumps(body, separators=(",", ":")) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Lines:
        body = json.loads(path.read_text(encoding="utf-8"))
        files = {
            file: {number: (where, line, function) for number, where, line, function in lines}
            for file, lines in body["files"].items()
        }
        return cls(body["names"], files, first=True)


def mark(tree: ast.AST, function: str = "<module>") -> None:
    """Note at each statement in which function it stands."""
    for node in ast.iter_child_nodes(tree):
        node._in = function  # type: ignore[attr-defined]
        inner = function
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = node.name if function == "<module>" else f"{function}.{node.name}"
        mark(node, inner)


def _stops(text: str, tree: ast.AST) -> Iterator[tuple[int, ast.AST]]:
    """(line of the text, node of the tree it was made of) for each statement: the text's tree is alike."""
    again = syntax.module(text)
    old, new = list(ast.walk(tree)), list(ast.walk(again))
    if [type(node) for node in old] != [type(node) for node in new]:
        for node, twin in zip(old, new, strict=False):
            if type(node) is not type(twin):
                raise AssertionError(
                    f"line {getattr(node, 'lineno', '?')}: {ast.dump(node)} became {ast.dump(twin)}"
                )
        raise AssertionError("what was written is not what was meant")
    for node, twin in zip(old, new, strict=True):
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            yield twin.lineno, node  # type: ignore[attr-defined]


def _where(module: Module, node: ast.AST) -> tuple[str, int, str]:
    return module.path, getattr(node, "lineno", 1), getattr(node, "_in", "<module>")


def in_place(module: Module, lines: Lines) -> str:
    """Text whose statements stand where the source has them, as far as they go."""
    text = ast.unparse(module.tree)
    stops: dict[int, ast.AST] = {}
    for line, node in _stops(text, module.tree):
        stops.setdefault(line, node)
    out: list[str] = []
    table = lines.files.setdefault(module.name, {})
    for number, line in enumerate(text.split("\n"), 1):
        node = stops.get(number)
        if node is not None:
            out += [""] * (getattr(node, "lineno", 0) - 1 - len(out))
            table[len(out) + 1] = _where(module, node)
        out.append(line)
    return "\n".join(out) + "\n"


def compact(name: str, modules: Iterable[Module], lines: Lines, frequent: int) -> str:
    """The text of the joined module: one line for each statement."""
    table = lines.files.setdefault(name, {})
    out: list[str] = []
    counts: Counter[str] = Counter()
    for module in modules:
        text = ast.unparse(module.tree)
        for line, node in _stops(text, module.tree):
            table.setdefault(len(out) + 1 + line, _where(module, node))
        out += text.split("\n")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                counts[node.attr] += 1
    first = [word for word, _ in counts.most_common(frequent)]
    head = "lambda x: (" + "".join(f"x.{word}, " for word in first) + ")" if first else ""
    return "\n".join([head, *out]) + "\n"
