"""Make the firmware's code smaller in a node's heap without changing what it does.

The modules that stay loaded become one, the package's own (link_plan.py says which); names become words that
MicroPython has in its ROM (link_names.py); numbers take the place of the constants that name them. Each
module costs a node some 400 bytes beyond its code, each name some 25, and each pool of names doubles.

What cannot be followed fails with its file and line (LinkError). `Lines` leads from a line that a traceback
shows back to the source's (link_lines.py).
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from simulator import syntax
from simulator.link_lines import Lines, compact, in_place, mark
from simulator.link_names import Names, choose, parameter_words
from simulator.link_plan import MAIN, Plan
from simulator.link_scopes import ABOUT_A_MODULE, UNKNOWN, LinkError, Module, Source, absolute
from simulator.link_walk import Scoped

# Lie beside the versions of the firmware and outlive them: they stay as they are, names and all.
STAGE = ("slot.py", "stage.py")
FREQUENT = 120  # names that are named first: bytecode names those in one byte, later ones in two


@dataclass
class Linked:
    """`texts`: by path in the source tree; `lines`: from what a traceback says to the source."""

    texts: dict[str, str]
    lines: Lines


def link(sources: Mapping[str, str]) -> Linked:
    """`sources`: text by path below the firmware's folder ("node/app.py"). main.py is changed in its imports
    only. Raises LinkError."""
    modules: dict[str, Module] = {}
    for path, text in sorted(sources.items()):
        if path in STAGE:
            continue
        try:
            tree = syntax.module(text)
        except SyntaxError as error:
            raise LinkError(path, error.lineno or 1, f"does not compile: {error.msg}") from error
        mark(tree)
        name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        modules[name] = Module(name, path, tree)
    main = modules.pop(MAIN, None)
    plan = Plan(modules, main)
    names = choose(plan)
    rewriter = Rewriter(plan, names)
    for module in (*(modules[name] for name in plan.joined), *modules.values()):
        if module not in rewriter.done:
            rewriter.walk(module)
            rewriter.done.append(module)
    lines = Lines(names.real())
    texts = {path: text for path, text in sources.items() if path in STAGE}
    for module in modules.values():
        if module.name not in plan.joined:
            texts[module.path] = in_place(module, lines)
    if plan.host is not None:
        joined = [modules[name] for name in plan.joined]
        texts[modules[plan.host].path] = compact(plan.host, joined, lines, FREQUENT)
    if main is not None:
        texts[main.path] = _main(sources[main.path], main, plan, names)
    return Linked(texts, lines)


def _main(text: str, main: Module, plan: Plan, names: Names) -> str:
    """main.py, its imports from joined modules led to where these are."""
    lines = text.splitlines(keepends=True)
    inside = {
        node
        for function in ast.walk(main.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(main.tree):
        if not isinstance(node, ast.ImportFrom) or absolute(main, node) not in plan.joined:
            continue
        if node in inside:
            raise main.fail(node, "main.py must import at its top: the module is joined with others")
        indent = lines[node.lineno - 1][: node.col_offset]
        if node.end_lineno != node.lineno or indent.strip():
            raise main.fail(node, "main.py's imports must stand on one line each")
        if absolute(main, node) == plan.host:
            continue
        words = [f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names]
        lines[node.lineno - 1] = f"{indent}from {plan.host} import {', '.join(words)}\n"
    for node in ast.walk(main.tree):
        if isinstance(node, ast.Import) and any(alias.name in plan.joined for alias in node.names):
            raise main.fail(node, "main.py must import with `from`: the module is joined with others")
    for source in main.bound.imports.values():
        if source.ours and source.name is None and source.module in plan.joined:
            raise main.fail(None, f"main.py must import from {source.module}: it is joined with others")
    return _without_comments("".join(lines))


def _without_comments(text: str) -> str:
    """main.py goes onto the board as text. Lines stay where they are."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines) + "\n"


class Rewriter(Scoped):
    """Gives every name its new one, and takes imports between joined modules away."""

    def __init__(self, plan: Plan, names: Names) -> None:
        super().__init__(plan)
        self.names = names
        self.done: list[Module] = []
        self._libraries: set[tuple[str, Source]] = set()  # imported by the joined text already
        self._pulled: dict[str, ast.ImportFrom] = {}

    def walk(self, module: Module) -> None:
        super().walk(module)
        Cleaner().visit(module.tree)

    @property
    def _is_joined(self) -> bool:
        return self.module.name in self.plan.joined

    # Names.

    def entered(self, node: ast.AST) -> None:
        scope = self.scopes[-1]
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        outer = self.scopes[-2].depth if len(self.scopes) > 1 else 0
        taken = scope.bound.outside | set(scope.bound.imports)
        scope.parameters = parameter_words(node, outer, self.names, taken)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        node.arg = self.scopes[-1].parameters.get(node.arg, node.arg)
        return node

    def defined(self, name: str, node: ast.AST) -> str:
        return self._text(name, node)

    def _text(self, name: str, node: ast.AST) -> str:
        new = self._name(name, node)
        if not isinstance(new, str):
            raise self.module.fail(node, f"{name} is bound anew")
        return new

    def _name(self, name: str, node: ast.AST) -> str | ast.expr:
        """The new name of a variable, or the number it stands for."""
        scope = self.find(name)
        if scope is None:
            return self._global(name, node)
        if scope.is_class:
            return self.names.attributes.get(name, name)
        source = scope.bound.imports.get(name)
        if source is not None and source.ours and source.module in self.plan.joined:
            if name in scope.bound.often:
                raise self.module.fail(node, f"{name} is imported and also bound otherwise")
            return self._entity(source, node)
        return scope.parameters.get(name, name)

    def _global(self, name: str, node: ast.AST) -> str | ast.expr:
        module = self.module.name
        if name in ABOUT_A_MODULE:
            if self._is_joined and module != self.plan.host:
                raise self.module.fail(node, f"{name}: it is the package's in what is joined")
            return name
        if self.plan.owns(module, name):
            return self._own(module, name)
        source = self.module.bound.imports.get(name)
        if source is None:
            if name in UNKNOWN:
                raise self.module.fail(node, f"{name}: link cannot follow what it does")
            return name
        if not source.ours:
            return name
        if source.module in self.plan.joined:
            return self._entity(source, node)
        if source.name is None or self.names.attributes.get(name) is None:
            return name
        return self.names.attributes[name] if source.name == name else name

    def _own(self, module: str, name: str) -> str | ast.expr:
        entity = (module, name)
        if entity in self.names.constants:
            return _literal(self.names.constants[entity])
        if entity in self.names.globals:
            return self.names.globals[entity]
        return self.names.attributes.get(name, name) if module not in self.plan.joined else name

    def _entity(self, source: Source, node: ast.AST) -> str | ast.expr:
        """What an import from a joined module has become."""
        if source.name is None:
            raise self.module.fail(
                node, f"the module {source.module} is used as an object, but joined with others"
            )
        target = self.plan.modules[source.module]
        if source.name in target.rebound:
            raise self.module.fail(node, f"{source.name} of {source.module} changes: it cannot be imported")
        inner = target.bound.imports.get(source.name)
        if inner is not None and not self.plan.owns(source.module, source.name):
            if not inner.ours or inner.module not in self.plan.joined:
                raise self.module.fail(
                    node, f"{source.module} has {source.name} from elsewhere: import it there"
                )
            return self._entity(inner, node)
        if source.name not in target.bound.names:
            raise self.module.fail(node, f"{source.module} has no {source.name}")
        new = self._own(source.module, source.name)
        if isinstance(new, str):
            self._pull(new)
        return new

    def _pull(self, word: str) -> None:
        """Import a joined module's name, in a module that stays alone."""
        if self._is_joined:
            return
        found = self._pulled.setdefault(self.module.name, ast.ImportFrom(self.plan.host, [], 0))
        if all(alias.name != word for alias in found.names):
            found.names.append(ast.alias(word, None))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        reads = self.in_class and isinstance(node.ctx, ast.Load) and node.id in self.module.bound.names
        if reads and node.id in self.scopes[-1].bound.names:
            raise self.module.fail(node, f"{node.id} is the class's and the module's: which is meant?")
        new = self._name(node.id, node)
        if isinstance(new, str):
            node.id = new
            return node
        if not isinstance(node.ctx, ast.Load):
            raise self.module.fail(node, f"{node.id} is bound anew")
        return ast.copy_location(new, node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._text(name, node) for name in node.names]
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        node.names = [self._text(name, node) for name in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name:
            node.name = self._text(node.name, node)
        self.generic_visit(node)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg is not None:
            node.arg = self.names.keywords.get(node.arg, node.arg)
        self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        source = self.alias_of(node.value)
        if source is None:
            node.attr = self.names.attributes.get(node.attr, node.attr)
        elif source.ours:
            if source.module not in self.plan.joined:
                new = self._own(source.module, node.attr)
                assert isinstance(new, str)
                node.attr = new
            else:
                if not isinstance(node.ctx, ast.Load):
                    raise self.module.fail(node, f"a global of {source.module} is set from outside")
                rebound = node.attr in self.plan.modules[source.module].rebound
                if rebound and self._is_joined:
                    return ast.copy_location(
                        ast.Name(str(self._own(source.module, node.attr)), ast.Load()), node
                    )
                new = self._entity(Source(source.module, node.attr, True), node)
                return ast.copy_location(ast.Name(new, ast.Load()) if isinstance(new, str) else new, node)
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        const = Source("micropython", "const", False)
        if self._is_joined and isinstance(node.func, ast.Name) and self.source_of(node.func.id) == const:
            return cast(ast.AST, self.visit(node.args[0]))
        self.generic_visit(node)
        return node

    # Imports.

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        kept = [alias for alias in node.names if self._keeps(alias, Source(alias.name, None, False), node)]
        node.names = kept
        return node if kept else None

    def _keeps(self, alias: ast.alias, library: Source, node: ast.AST) -> bool:
        """Whether an import of a library is still needed; gives it its name."""
        if library.module in self.plan.modules:
            return library.module not in self.plan.joined
        name = alias.asname or alias.name.split(".")[0]
        if not self._is_joined:
            return True
        if self.scopes and name not in self.scopes[-1].bound.outside:
            return True
        if library == Source("micropython", "const", False):
            return False
        new = self._text(name, node)
        if new != name or self.plan.owns(self.module.name, name):
            alias.asname = new
            return True
        if node in self.module.tree.body:
            if (name, library) in self._libraries:
                return False
            self._libraries.add((name, library))
        return True

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.AST] | None:
        origin = absolute(self.module, node)
        if origin not in self.plan.modules and not any(source.ours for source in self.sources(node)):
            node.names = [a for a in node.names if self._keeps(a, Source(origin, a.name, False), node)]
            return [node] if node.names else None
        kept: list[ast.alias] = []
        for alias, source in zip(node.names, list(self.sources(node)), strict=True):
            name = alias.asname or alias.name
            if source.module in self.plan.joined:
                if self.source_of(name) != source:
                    raise self.module.fail(node, f"{name} is imported and also bound otherwise")
                continue  # its uses say what is needed of it
            if source.name is not None:
                alias.name = self._text_of(source)
                local = name if self.scopes else self._text(name, node)
                alias.asname = local if local != alias.name else None
            kept.append(alias)
        if not kept:
            return None
        node.names = kept
        if self._is_joined:
            node.module, node.level = origin, 0
        return [node]

    def _text_of(self, source: Source) -> str:
        assert source.name is not None
        new = self._own(source.module, source.name)
        assert isinstance(new, str)
        return new

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = self._body(node.body)
        pulled = self._pulled.get(self.module.name)
        if pulled is not None:
            node.body.insert(0, pulled)
            ast.copy_location(pulled, node.body[1] if len(node.body) > 1 else node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if not self.scopes and len(node.targets) == 1 and isinstance(target, ast.Name):
            entity = (self.module.name, target.id)
            if entity in self.names.constants:
                return None
        self.generic_visit(node)
        return node

    # What ast.unparse would write otherwise than MicroPython reads it.

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """As MicroPython itself does: "...".format(...)"""
        text = ""
        values: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += str(part.value).replace("{", "{{").replace("}", "}}")
                continue
            assert isinstance(part, ast.FormattedValue)
            how = "" if part.conversion < 0 else "!" + chr(part.conversion)
            if part.format_spec is not None:
                assert isinstance(part.format_spec, ast.JoinedStr)
                if not all(isinstance(each, ast.Constant) for each in part.format_spec.values):
                    raise self.module.fail(node, "a format within a format")
                spec = "".join(str(cast(ast.Constant, each).value) for each in part.format_spec.values)
                how += ":" + spec
            text += "{" + how + "}"
            values.append(cast(ast.expr, self.visit(part.value)))
        whole = ast.copy_location(ast.Constant(text), node)
        if not values:
            whole.value = text.replace("{{", "{").replace("}}", "}")
            return whole
        call = ast.Call(ast.Attribute(whole, "format", ast.Load()), values, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        raise self.module.fail(node, "a variable with a type")

    def visit_Match(self, node: ast.AST) -> ast.AST:
        raise self.module.fail(node, "match: MicroPython has none")


def _literal(value: int | float | str) -> ast.expr:
    if isinstance(value, int) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


class Cleaner(ast.NodeTransformer):
    """Takes docstrings away and fills what became empty."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        line = getattr(node, "lineno", 1)
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if name == "body" and isinstance(body, list) and not body and not isinstance(node, ast.Module):
                node.body = [ast.Pass(lineno=line, col_offset=0)]  # type: ignore[attr-defined]
        return node
