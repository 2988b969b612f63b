"""Go through a module knowing what each name stands for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from simulator.link_plan import Plan
from simulator.link_scopes import COMPREHENSIONS, Bound, Module, Source, arguments, bound_in, read_from

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Scope:
    node: ast.AST
    bound: Bound
    parameters: dict[str, str] = field(default_factory=dict[str, str])  # their new names
    depth: int = 0  # parameters of the functions around it and its own

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


class Scoped(ast.NodeTransformer):
    """A transformer that keeps the scopes around a node."""

    module: Module

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.scopes: list[Scope] = []

    def walk(self, module: Module) -> None:
        self.module = module
        self.scopes = []
        self.visit(module.tree)

    # What a subclass may change.

    def entered(self, node: ast.AST) -> None:
        """The scope of `node` is the innermost now."""

    def defined(self, name: str, node: ast.AST) -> str:
        """A function's or class's name."""
        return name

    # Scopes.

    @property
    def in_class(self) -> bool:
        return bool(self.scopes) and self.scopes[-1].is_class

    def find(self, name: str) -> Scope | None:
        """The scope that binds a name; None: the module or a builtin."""
        for scope in reversed(self.scopes):
            if scope.is_class and scope is not self.scopes[-1]:
                continue
            if name in scope.bound.outside:
                return None
            if name in scope.bound.names:
                return scope
        return None

    def source_of(self, name: str) -> Source | None:
        """Where an imported name comes from."""
        scope = self.find(name)
        bound = self.module.bound if scope is None else scope.bound
        return bound.imports.get(name)

    def alias_of(self, node: ast.AST) -> Source | None:
        """The module that an expression names, if it is one's alias."""
        source = self.source_of(node.id) if isinstance(node, ast.Name) else None
        return source if source is not None and source.name is None else None

    def is_ours(self, name: str) -> bool:
        """Whether a name is a function or class of the program."""
        scope = self.find(name)
        if scope is not None and name not in scope.bound.imports:
            return False  # somebody's parameter or variable: it may be anything
        source = self.source_of(name)
        return source.ours if source else name in self.module.bound.names

    def worked_out(self, name: str) -> bool:
        """Whether a variable is assigned something else than a text as it stands."""
        scope = self.find(name)
        node = self.module.tree if scope is None else scope.node
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
                stored = [one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
                if any(one.id == name and isinstance(one.ctx, ast.Store) for one in stored):
                    value = inner.value
                    if isinstance(inner, ast.AugAssign) or not isinstance(
                        value, ast.Constant | ast.Subscript
                    ):
                        return True
        return False

    def sources(self, node: ast.ImportFrom) -> Iterator[Source]:
        """What an import reads, in the order of its names."""
        for alias in node.names:
            yield read_from(self.module, self.plan.modules, node, alias)

    # Going down.

    def _enter(self, node: ast.AST) -> Scope:
        scope = Scope(node, bound_in(self.module, self.plan.modules, node))
        scope.depth = self.scopes[-1].depth if self.scopes else 0
        if isinstance(node, AnyFunction):
            scope.depth += len(arguments(node))
        self.scopes.append(scope)
        self.entered(node)
        return scope

    def _all(self, nodes: list[ast.expr]) -> list[ast.expr]:
        return [cast(ast.expr, self.visit(node)) for node in nodes]

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for node in body:
            new = self.visit(node)
            if isinstance(new, list):
                out += cast(list[ast.stmt], new)
            elif new is not None:
                out.append(new)
        return out

    def _defaults(self, args: ast.arguments) -> None:
        args.defaults = self._all(args.defaults)
        args.kw_defaults = [each and self.visit(each) for each in args.kw_defaults]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list = self._all(node.decorator_list)
        self._defaults(node.args)
        node.returns = None
        name = self.defined(node.name, node)
        self._enter(node)
        for argument in arguments(node):
            self.visit(argument)
        node.body = self._body(node.body)
        self.scopes.pop()
        node.name = name
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        self._enter(node)
        for argument in arguments(node):
            self.visit(argument)
        node.body = self.visit(node.body)
        self.scopes.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = self._all(node.decorator_list)
        node.bases = self._all(node.bases)
        for keyword in node.keywords:
            raise self.module.fail(keyword, "a class with keywords")
        name = self.defined(node.name, node)
        self._enter(node)
        node.body = self._body(node.body)
        self.scopes.pop()
        node.name = name
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        assert isinstance(node, COMPREHENSIONS)
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        self._enter(node)
        for generator in node.generators:
            if generator is not first:
                generator.iter = self.visit(generator.iter)
            generator.target = self.visit(generator.target)
            generator.ifs = self._all(generator.ifs)
        if isinstance(node, ast.DictComp):
            node.key, node.value = self.visit(node.key), self.visit(node.value)
        else:
            node.elt = self.visit(node.elt)
        self.scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
