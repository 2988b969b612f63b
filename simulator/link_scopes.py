"""What the names of a module stand for: who binds them where, and which come from another module."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.runtime import SimulatorError

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
UNKNOWN = ("globals", "locals", "vars", "exec", "eval", "dir", "execfile")
ABOUT_A_MODULE = ("__name__", "__file__", "__path__", "__doc__", "__dict__")


class LinkError(SimulatorError):
    """What cannot be joined without a risk to the program; says file and line."""

    def __init__(self, path: str, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}")


@dataclass(frozen=True)
class Source:
    """`module`: the full name of where an import reads. `name`: of what it reads there, None for the module
    itself. `ours`: whether the module belongs to the program."""

    module: str
    name: str | None
    ours: bool


@dataclass
class Bound:
    """What one scope binds."""

    names: set[str] = field(default_factory=set[str])
    outside: set[str] = field(default_factory=set[str])  # declared global
    nonlocals: set[str] = field(default_factory=set[str])
    imports: dict[str, Source] = field(default_factory=dict[str, Source])
    often: set[str] = field(default_factory=set[str])  # bound more than once


@dataclass
class Module:
    name: str
    path: str  # in the source tree
    tree: ast.Module
    bound: Bound = field(default_factory=Bound)
    rebound: set[str] = field(default_factory=set[str])  # globals that change after the module was loaded

    @property
    def package(self) -> bool:
        return self.path.endswith("__init__.py")

    def fail(self, node: ast.AST | None, why: str) -> LinkError:
        return LinkError(self.path, getattr(node, "lineno", 1), why)


def absolute(module: Module, node: ast.ImportFrom) -> str:
    """The full name of the module that an import reads from."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.package]
    return ".".join([*parts, *([node.module] if node.module else [])])


class Binder(ast.NodeVisitor):
    """Collects what a scope binds; does not look into the scopes within it."""

    def __init__(self, module: Module, modules: Mapping[str, Module]) -> None:
        self.module = module
        self.modules = modules
        self.bound = Bound()

    def bind(self, name: str) -> None:
        if name in self.bound.names:
            self.bound.often.add(name)
        self.bound.names.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.bind(node.name)
        for each in node.decorator_list:
            self.visit(each)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def _comprehension(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                raise self.module.fail(inner, "an assignment expression inside a comprehension")

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.names.add(node.name)  # several handlers may use the same
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.bound.outside |= set(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.bound.nonlocals |= set(node.names)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            ours = alias.name.split(".")[0] in {name.split(".")[0] for name in self.modules}
            if ours and "." in alias.name and not alias.asname:
                raise self.module.fail(node, f"import {alias.name}: give it a name with `as`, or use from")
            name = alias.asname or alias.name.split(".")[0]
            self._import(node, name, Source(alias.name, None, ours))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                raise self.module.fail(node, "import * hides what it binds")
            source = read_from(self.module, self.modules, node, alias)
            self._import(node, alias.asname or alias.name, source)

    def _import(self, node: ast.AST, name: str, source: Source) -> None:
        """What is imported from two places, as in `if` and `else`, is a variable like others."""
        old = self.bound.imports.get(name)
        if name not in self.bound.often and (old == source if name in self.bound.names else old is None):
            self.bound.imports[name] = source
            self.bound.names.add(name)
        else:
            self.bound.imports.pop(name, None)
            self.bind(name)


def read_from(
    module: Module, modules: Mapping[str, Module], node: ast.ImportFrom, alias: ast.alias
) -> Source:
    """What one name of `from ... import` stands for: a package's own name goes before a module within it."""
    origin = absolute(module, node)
    inner = f"{origin}.{alias.name}"
    if inner in modules and (origin not in modules or alias.name not in modules[origin].bound.names):
        return Source(inner, None, True)
    return Source(origin, alias.name, origin in modules)


def arguments(node: Function) -> list[ast.arg]:
    """All parameters of a function, in their order."""
    own = node.args
    found = [*own.posonlyargs, *own.args, *own.kwonlyargs]
    return found + [each for each in (own.vararg, own.kwarg) if each is not None]


def bound_in(module: Module, modules: Mapping[str, Module], node: ast.AST) -> Bound:
    """What a function, a class, a comprehension or a module binds itself."""
    binder = Binder(module, modules)
    if isinstance(node, ast.Lambda):
        binder.visit(node.body)
    elif isinstance(node, COMPREHENSIONS):
        for generator in node.generators:
            binder.visit(generator.target)
    else:
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
        for statement in node.body:
            binder.visit(statement)
    bound = binder.bound
    if isinstance(node, Function):
        bound.names |= {argument.arg for argument in arguments(node)}
    bound.names -= bound.outside | bound.nonlocals
    return bound


def bind(modules: Mapping[str, Module]) -> None:
    """Fill in what each module binds. What a function binds with `global` counts as the module's."""
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Global):
                module.bound.names |= set(node.names)
                module.rebound |= set(node.names)
    for module in modules.values():  # own names first: an import asks whether a package has the name
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                module.bound.names.add(node.name)
            elif isinstance(node, ast.Assign):
                module.bound.names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    for module in modules.values():
        early = module.bound.names
        module.bound = bound_in(module, modules, module.tree)
        module.bound.names |= early
