"""Which modules are joined: those that a running node has loaded all the time.

They are found from main.py, and from a module beside it that it imports: what these and they import at
their top, what the module START imports anywhere, and what modules loaded by a text import at their top,
since that stays when they are let go of. A module that is named by a text, or whose object is handed on,
stays a file of its own; so do packages, and drivers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from simulator.link_scopes import (
    ABOUT_A_MODULE,
    COMPREHENSIONS,
    LinkError,
    Module,
    Source,
    absolute,
    bind,
    read_from,
)

START = "start"  # within the package
MAIN = "main"
CONSTANT_TEXT = (
    10  # characters: so long a text is a name of MicroPython's, and costs no more where it is used
)
OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitXor: lambda a, b: a ^ b,
}


class Plan:
    """`modules`: the program without main.py. `host`: the package whose __init__ all are joined into, None
    when nothing is joined."""

    def __init__(self, modules: dict[str, Module], main: Module | None) -> None:
        self.modules = modules
        self.main = main
        bind(modules)
        if main is not None:
            bind({**modules, MAIN: main})
        self.by_text = self._by_text()
        self.host: str | None = None
        self.joined: list[str] = []
        if main is not None:
            self._find(main)
        self.main_names = _identifiers(main.tree) if main is not None else set[str]()
        self.main_imports = {
            (source.module, source.name)
            for source in (main.bound.imports.values() if main is not None else ())
            if source.ours and source.name
        }
        self.exceptions = self._exceptions()
        self._clashes = self._clashing()

    # What is joined.

    def _by_text(self) -> set[str]:
        """Modules loaded by a text: the first argument of a function that imports what it is told."""
        importers = {"__import__"}
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.args:
                    parameter = node.args.args[0].arg
                    used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                    parts = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
                    if parameter in used and ("__import__" in used or ("modules" in parts and "sys" in used)):
                        importers.add(node.name)
        found: set[str] = set()
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    text = node.args[0]
                    if node.func.id in importers and isinstance(text, ast.Constant):
                        name = str(text.value).removeprefix(".")
                        found |= {name, *(f"{each}.{name}" for each in self._roots())}
        return found & self.modules.keys()

    def _roots(self) -> set[str]:
        return {name for name, module in self.modules.items() if module.package and "." not in name}

    def _find(self, main: Module) -> None:
        beside = [name for name in _imports(main.tree, main, self.modules) if name not in self._roots()]
        firsts = [main, *(self.modules[name] for name in beside if "." not in name)]
        hosts = {
            source.module.split(".")[0]
            for first in firsts
            for source in first.bound.imports.values()
            if source.ours
        } & self._roots()
        if len(hosts) != 1:
            return
        host = hosts.pop()
        seen: set[str] = {host}
        waiting = [name for first in firsts for name in _imports(first.tree, first, self.modules)]
        for name in self.by_text:
            module = self.modules[name]
            nodes = (
                module.tree if name != f"{host}.{START}" else ast.Module(list(_statements(module.tree)), [])
            )
            waiting += _imports(nodes, module, self.modules)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += _imports(self.modules[name].tree, self.modules[name], self.modules)
        handed = self._handed_on()
        prefixes = tuple(prefix for prefix in self._prefixes() if prefix != host + ".")
        chosen = {
            name
            for name in seen
            if name == host
            or (
                name.startswith(host + ".")
                and not self.modules[name].package
                and name not in self.by_text
                and name not in handed
                and not name.startswith(prefixes or ("/",))
                and not any(
                    _has_code(self.modules[parent]) for parent in self._parents(name) if parent != host
                )
            )
        }
        if host in handed:
            return
        self.host = host
        for name in sorted(chosen, key=lambda name: (name != host, name)):
            self._order(name, chosen, [])

    def _order(self, name: str, chosen: set[str], path: list[str]) -> None:
        if name in path:
            raise self.modules[name].fail(None, f"{' and '.join(path)} import each other at their top")
        if name in self.joined:
            return
        module = self.modules[name]
        for other in _imports(module.tree, module, self.modules):
            if other in chosen and other != name:
                self._order(other, chosen, [*path, name])
        self.joined.append(name)

    def _parents(self, name: str) -> Iterator[str]:
        while "." in name:
            name = name.rpartition(".")[0]
            if name in self.modules:
                yield name

    def _prefixes(self) -> Iterator[str]:
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                prefix = self.prefix(node)
                if prefix:
                    yield prefix

    def _handed_on(self) -> set[str]:
        """Modules that are used as objects."""
        found: set[str] = set()
        every = [*self.modules.values(), *([self.main] if self.main else [])]
        for module in every:
            aliases: dict[str, str] = {}
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Import):
                    aliases |= {a.asname or a.name: a.name for a in node.names if a.name in self.modules}
                elif isinstance(node, ast.ImportFrom):
                    origin = absolute(module, node)
                    for alias in node.names:
                        name = f"{origin}.{alias.name}"
                        if name in self.modules and (
                            origin not in self.modules or alias.name not in self.modules[origin].bound.names
                        ):
                            aliases[alias.asname or alias.name] = name
            bases = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Name) and node.id in aliases and id(node) not in bases:
                    found.add(aliases[node.id])
        return found

    # What others ask.

    def owns(self, module: str, name: str) -> bool:
        """Whether a global is the module's own: defined there, or an import that needs another name."""
        bound = self.modules[module].bound
        source = bound.imports.get(name)
        if source is None:
            return name in bound.names
        if name in bound.often and source.ours:
            raise self.modules[module].fail(None, f"{name} is imported and also bound otherwise")
        return name in bound.often or (module, name) in self._clashes

    def _clashing(self) -> set[tuple[str, str]]:
        """Libraries' names that stand for something else in another joined module."""
        first: dict[str, Source] = {}
        found: set[tuple[str, str]] = set()
        for module in self.joined:
            for name, source in self.modules[module].bound.imports.items():
                if not source.ours and first.setdefault(name, source) != source:
                    found.add((module, name))
                if not source.ours and name in {each for _, each in self.main_imports | self._exceptions()}:
                    found.add((module, name))
        return found

    def _exceptions(self) -> set[tuple[str, str]]:
        """Classes of exceptions: their names are printed."""
        names = {"Exception", "OSError", "ValueError", "RuntimeError", "TypeError"}
        found: set[tuple[str, str]] = set()
        grew = True
        while grew:
            grew = False
            for module in self.modules.values():
                for node in module.tree.body:
                    if not isinstance(node, ast.ClassDef) or (module.name, node.name) in found:
                        continue
                    if any(isinstance(base, ast.Name) and base.id in names for base in node.bases):
                        names.add(node.name)
                        found.add((module.name, node.name))
                        grew = True
        return found

    def constants(self) -> dict[tuple[str, str], int | float | str]:
        """Globals of joined modules that are a number or a short text for good."""
        found: dict[tuple[str, str], int | float | str] = {}
        for name in self.joined:
            module = self.modules[name]
            for target, value, _ in _assignments(module):
                if (
                    target in ABOUT_A_MODULE
                    or target in module.rebound
                    or target in module.bound.often
                    or (name, target) in self.main_imports
                ):
                    continue
                number = _value(value, {each: v for (of, each), v in found.items() if of == name})
                if type(number) is int or (isinstance(number, str) and len(number) <= CONSTANT_TEXT):
                    found[name, target] = number
        return found

    def const_names(self, module: Module) -> set[str]:
        """What `const` removes anyway."""
        return {name for name, _, const in _assignments(module) if const}

    def of_modules(self, node: ast.AST) -> bool:
        """sys.modules[...]"""
        return (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "modules"
        )

    def prefix(self, node: ast.AST) -> str | None:
        """ "node.drivers." of __import__("node.drivers." + x, ...)"""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            name = node.args[0] if node.args else None
            if isinstance(name, ast.BinOp) and isinstance(name.left, ast.Constant):
                return str(name.left.value)
        return None


def _identifiers(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        for name in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                found |= set(value.split("."))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def _has_code(module: Module) -> bool:
    return any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in module.tree.body)


def _imports(tree: ast.Module, module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    """Modules of the program that are imported when `tree` is run, without what functions import."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, *COMPREHENSIONS)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(module, node)
            if origin in modules:
                yield origin
            for alias in node.names:
                source = read_from(module, modules, node, alias)
                if source.name is None:
                    yield source.module
        waiting += ast.iter_child_nodes(node)


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))


def _assignments(module: Module) -> Iterator[tuple[str, ast.expr, bool]]:
    """(name, value, whether by const) of each `NAME = value` at the module's top."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value
            const = (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Name)
                and value.func.id == "const"
                and len(value.args) == 1
            )
            yield node.targets[0].id, value.args[0] if const and isinstance(value, ast.Call) else value, const


def _value(node: ast.AST, known: Mapping[str, int | float | str]) -> int | float | str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return None if isinstance(node.value, bool) else node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, known)
        return -inner if isinstance(inner, int) else None
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = _value(node.left, known), _value(node.right, known)
        if isinstance(left, int) and isinstance(right, int):
            return OPERATORS[type(node.op)](left, right)
    return None


__all__ = ["MAIN", "LinkError", "Plan"]
