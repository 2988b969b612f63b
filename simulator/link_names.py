"""Which names of the program may be others, and which words they become.

A name of MicroPython's own ROM costs a node nothing: such words are taken, each for one attribute in the
whole program, so that all modules agree. What stands in a text, in main.py or in a library keeps its name.
"""

from __future__ import annotations

import ast
import itertools
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.link_plan import Plan
from simulator.link_scopes import ABOUT_A_MODULE, arguments
from simulator.link_walk import Scoped
from simulator.link_words import LIBRARY, NUMBERED, WORDS

Entity = tuple[str, str]  # module and name of what it binds itself
READS_A_NAME = ("getattr", "setattr", "hasattr", "delattr")
PARAMETERS = 12  # words for parameters, by their place
PRIVATE = 12  # words that every module which stays alone uses for itself


@dataclass
class Names:
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    keywords: dict[str, str] = field(default_factory=dict[str, str])
    globals: dict[Entity, str] = field(default_factory=dict[Entity, str])
    constants: dict[Entity, int | float | str] = field(default_factory=dict[Entity, "int | float | str"])
    parameters: list[str] = field(default_factory=list[str])
    spoken: set[str] = field(default_factory=set[str])  # of keywords, or in texts: no parameter's to change

    def real(self) -> dict[str, dict[str, str]]:
        """What the words stand for: as attributes, and otherwise."""
        others: dict[str, set[str]] = {}
        pairs = [(word, name) for name, word in self.keywords.items()]
        pairs += [(word, name) for (_, name), word in self.globals.items()]
        for word, name in pairs:
            others.setdefault(word, set()).add(name)
        return {
            "attributes": {word: name for name, word in sorted(self.attributes.items())},
            "others": {word: " or ".join(sorted(names)) for word, names in sorted(others.items())},
        }


class Collector(Scoped):
    """What names there are, and in what parts. Changes nothing."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.texts: set[str] = set()
        self.used: Counter[str] = Counter()
        self.files: Counter[str] = Counter()  # in how many modules a name stands: each holds its text
        self.members: set[str] = set()  # of classes, and what is stored in objects
        self.class_reads: set[Entity] = set()
        self.keywords: dict[str, bool] = {}  # whether all who take it are ours
        self.takes_any = False  # a function of ours takes **keywords
        self.kept: set[str] = set()
        self.imported: set[Entity] = set()

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Name):
            self.used[node.id] += 1
        elif isinstance(node, ast.Attribute):
            self.used[node.attr] += 1
            if not isinstance(node.ctx, ast.Load):
                self.members.add(node.attr)
        elif isinstance(node, ast.arg):
            self.used[node.arg] += 1
        elif isinstance(node, ast.alias):
            self.used.update([*node.name.split("."), node.asname or ""])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.used[node.name] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._text(node.value)
        return super().visit(node)

    def _text(self, text: str) -> None:
        self.texts.add(text)
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        except ValueError:
            return
        for name in fields:
            self.texts |= set(name.replace("[", ".").replace("]", "").split("."))

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return node  # a docstring
        self.generic_visit(node)
        return node

    def entered(self, node: ast.AST) -> None:
        if isinstance(node, ast.ClassDef):
            self.members |= self.scopes[-1].bound.names
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg is not None:
            self.takes_any = True

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self.in_class and isinstance(node.ctx, ast.Load) and self.find(node.id) is None:
            source = self.module.bound.imports.get(node.id)
            named = source is not None and source.ours and source.name
            self.class_reads.add((source.module, named) if source and named else (self.module.name, node.id))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        source = self.alias_of(node.value)
        if source is not None and self.in_class:
            self.class_reads.add((source.module, node.attr))
        self.generic_visit(node)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        for source in self.sources(node):
            if source.ours and source.name:
                self.imported.add((source.module, source.name))
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        ours = False
        if isinstance(called, ast.Name):
            ours = self.is_ours(called.id)
        elif isinstance(called, ast.Attribute):
            source = self.alias_of(called.value)
            ours = source.ours if source else called.attr not in LIBRARY and called.attr not in WORDS
        for keyword in node.keywords:
            name = keyword.arg
            if name is not None:
                self.used[name] += 1
                self.keywords[name] = ours and self.keywords.get(name, True)
        if isinstance(called, ast.Name) and called.id in READS_A_NAME and len(node.args) > 1:
            self._named(node, called.id)
        self.generic_visit(node)
        return node

    def _named(self, node: ast.Call, function: str) -> None:
        """A name in a text that is worked out at run time cannot be followed."""
        name = node.args[1]
        if isinstance(name, ast.Constant) or self.plan.of_modules(node.args[0]):
            return
        if not isinstance(name, ast.Name) or self.worked_out(name.id):
            prefix = self.plan.prefix(node.args[0])
            if prefix is None:
                raise self.module.fail(
                    node, f"{function} with a name that is worked out: link cannot follow it"
                )
            for module in self.plan.modules.values():
                if module.name.startswith(prefix):
                    self.kept |= module.bound.names


def choose(plan: Plan) -> Names:
    """Words for all that may be renamed."""
    collector = Collector(plan)
    for module in plan.modules.values():
        before = Counter(collector.used)
        collector.walk(module)
        if module.name.split(".")[0] in (plan.host, "board"):
            # What is loaded for a while, set-up or an update, has no say in which words are the shortest.
            collector.files.update((collector.used - before).keys())
    names = Names(constants=plan.constants())
    kept = collector.kept | collector.texts | plan.main_names
    names.spoken = set(collector.keywords) | collector.texts | plan.main_names
    joined = set(plan.joined)
    publics = {
        name
        for module in plan.modules.values()
        if module.name not in joined
        for name in module.bound.names
        if not name.startswith("_")
        and (module.bound.imports.get(name) is None or module.bound.imports[name].ours)
    }
    reserved = set(collector.used) | collector.texts | plan.main_names
    reserved |= {part for name in plan.modules for part in name.split(".")}
    cheap = [word for word in NUMBERED if word not in reserved]
    words = iter([word for word in itertools.chain(WORDS, _made(2000)) if word not in {*reserved, *cheap}])
    names.parameters, cheap = cheap[:PARAMETERS], cheap[PARAMETERS:]
    owned = sorted(_owned(plan, names, collector), key=lambda entity: -collector.files[entity[1]])
    for entity in owned:
        if entity in collector.class_reads:
            names.globals[entity] = next(words)
    free = [name for name in sorted(collector.members | publics) if not _fixed(name, kept)]
    free = [name for name in free if collector.files[name]]  # what set-up alone has keeps its name
    free.sort(key=lambda name: -collector.files[name])  # the shortest words for what stands in most files
    for name in free:
        if name in publics:
            names.attributes[name] = next(words)
    # From here a word may stand for an attribute and for something that is none: these never meet.
    rest = [*cheap, *words]
    members, others = iter(rest), iter(rest)
    for name in free:
        if name not in publics:
            names.attributes[name] = next(members)
    if not collector.takes_any:
        for name, ours in sorted(collector.keywords.items()):
            if ours and not _fixed(name, kept):
                names.keywords[name] = next(others)
    private = [next(others) for _ in range(PRIVATE)]  # of modules that stay alone: each uses the same
    places: Counter[str] = Counter()
    for entity in owned:
        if entity in names.globals:
            continue
        module, place = entity[0], places[entity[0]]
        if module in plan.joined or place >= PRIVATE:
            names.globals[entity] = next(others)
        else:
            names.globals[entity] = private[place]
            places[module] += 1
    return names


def _owned(plan: Plan, names: Names, collector: Collector) -> Iterator[Entity]:
    """Globals that need another name, or may have one: all of joined modules, what is private to others.
    Names that are printed (exceptions') or that main.py imports are given back as they are."""
    for module in plan.modules.values():
        alone = module.name not in plan.joined
        for name in sorted(module.bound.names):
            entity = (module.name, name)
            if not plan.owns(*entity) or entity in names.constants or name in ABOUT_A_MODULE:
                continue
            if not alone and (entity in plan.main_imports or entity in plan.exceptions):
                if name in names.globals.values():
                    raise module.fail(None, f"{name} is defined twice and must keep its name")
                names.globals[entity] = name
            elif not alone or (
                name.startswith("_")
                and not name.startswith("__")
                and name not in collector.texts
                and entity not in collector.imported
                and name not in plan.const_names(module)
            ):
                yield entity


def _fixed(name: str, kept: set[str]) -> bool:
    return name in kept or name in LIBRARY or name in WORDS or (name.startswith("__") and name.endswith("__"))


def _made(count: int) -> Iterator[str]:
    """When the words are over: names as short as can be."""
    pairs = itertools.product(string.ascii_lowercase, string.ascii_lowercase + string.ascii_uppercase)
    return itertools.islice(("_" + "".join(letters) for letters in pairs), count)


def parameter_words(node: ast.AST, depth: int, names: Names, taken: set[str]) -> dict[str, str]:
    """New names of a function's parameters; `depth`: how many the functions around it have."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    table: dict[str, str] = {}
    for place, argument in enumerate(arguments(node)):
        name = argument.arg
        if name in names.keywords:
            table[name] = names.keywords[name]
        elif name != "self" and name not in taken | names.spoken and depth + place < len(names.parameters):
            table[name] = names.parameters[depth + place]
    return table
