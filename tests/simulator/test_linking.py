"""Linked programs do what unlinked ones do; what cannot be followed is refused."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from simulator.bytecode import compile_tree, explained
from simulator.link import link
from simulator.link_scopes import LinkError
from simulator.link_words import LIBRARY, WORDS
from simulator.runtime import find_firmware

pytestmark = pytest.mark.needs_micropython

LOADER = """
import sys

def use_once(name, function, *arguments):
    __import__("p." + name)
    try:
        return getattr(sys.modules["p." + name], function)(*arguments)
    finally:
        forget(name)

def forget(name):
    name = "p." + name
    folder, _, file = name.rpartition(".")
    if sys.modules.pop(name, None) and hasattr(sys.modules[folder], file):
        delattr(sys.modules[folder], file)
"""


def program(main: str, init: str = "", **modules: str) -> dict[str, str]:
    """main.py and the modules of package p; "a__b" is p/a/b.py."""
    texts = {"main.py": dedent(main), "p/__init__.py": dedent(init)}
    for name, text in modules.items():
        texts["p/" + name.replace("__", "/") + ".py"] = dedent(text)
        if "__" in name:
            texts.setdefault("p/" + name.split("__")[0] + "/__init__.py", "")
    return texts


def run(micropython: str, folder: Path, texts: dict[str, str], linked: bool) -> str:
    source = folder / "source"
    for path, text in texts.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    target = compile_tree(source, folder / ("linked" if linked else "plain"), link=linked)
    return explained(target, output(micropython, target))


def output(micropython: str, target: Path) -> str:
    done = subprocess.run(
        [micropython, str(target / "main.py")],
        env={**os.environ, "MICROPYPATH": f"{target}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def same(micropython: str, folder: Path, texts: dict[str, str], *joined: str) -> str:
    """What the program prints, linked or not; `joined` are modules that must be files no more."""
    plain = run(micropython, folder, texts, False)
    assert "Traceback" not in plain, plain
    assert run(micropython, folder, texts, True) == plain
    for name in joined:
        assert not (folder / "linked" / "p" / f"{name}.mpy").exists(), name
    return plain


def refused(texts: dict[str, str]) -> str:
    with pytest.raises(LinkError) as error:
        link(texts)
    return str(error.value)


def test_every_form_of_import(micropython: str, tmp_path: Path) -> None:
    texts = program(
        """
        from p.a import everything
        print(everything())
        """,
        "shared = 'of the package'\n",
        a="""
            import sys as system
            from math import floor as down, ceil
            from p import shared, b
            from . import c as third
            from .sub.d import deep
            from p.sub import d
            import p.b as again
            from .b import twice as double, LIMIT

            def everything():
                from p import late
                from .late import value as v
                import p.late as l
                from math import sqrt as root
                return [shared, b.twice(2), third.name(), deep(), d.deep(), again.twice(3), double(4), LIMIT,
                        late.value, v, l.other(), root(4), down(2.5), ceil(2.5), system is not None]
        """,
        b="LIMIT = 7\n\ndef twice(n):\n    return 2 * n\n",
        c="def name():\n    return 'c'\n",
        sub__d="from ..b import twice\nfrom p.c import name\n\ndef deep():\n    return twice(5), name()\n",
        late="value = 'late'\n\ndef other():\n    return value + '!'\n",
    )
    assert "'c'" in same(micropython, tmp_path, texts, "a", "b", "c", "sub/d")
    assert (tmp_path / "linked" / "p" / "late.mpy").exists(), "a function imports it: it may never be needed"


def test_the_package_may_ask_where_it_lies(micropython: str, tmp_path: Path) -> None:
    """As firmware/node does, to unpack its modules."""
    texts = program(
        "from p.a import f\nprint(f())\n",
        """
        where = __path__.split("/")[-1], __name__, __file__.split("/")[-1]
        __path__ = __path__ + "/."
        """,
        a="""
            from p import where

            def f():
                import p.late as late
                return where, late.__file__.split("/")[-2:]
        """,
        late="",
    )
    assert same(micropython, tmp_path, texts, "a") == "(('p', 'p', '__init__.mpy'), ['.', 'late.mpy'])\n"


def test_main_may_guard_its_imports(micropython: str, tmp_path: Path) -> None:
    main = """
        try:
            from p.a import f
            print(f())
        except ValueError:
            print("no")
        """
    texts = program(main, a="def f():\n    return 'yes'\n")
    assert same(micropython, tmp_path, texts, "a") == "yes\n"
    late = "from p.b import g\n\ndef h():\n    from p.a import f\n    f(g)\n\nh()\n"
    assert "main.py must import at its top" in refused(
        program(late, a=texts["p/a.py"], b="from p.a import f as g\n")
    )


def test_the_same_names_in_several_modules_classes_and_scopes(micropython: str, tmp_path: Path) -> None:
    texts = program(
        """
        from p.a import A, helper
        from p.b import B
        print(A(1).go(2), B(3).go(4), helper(5), A.LIMIT, B.LIMIT)
        """,
        a="""
            from micropython import const
            from p.b import B, helper as other
            _LIMIT = const(3)
            MORE = const(-_LIMIT * 2)
            helper_of = {"helper": 1}
            count = 0

            def helper(n):
                global count
                count += n
                return other(n), count, sorted([MORE for helper in range(n)]), helper_of["helper"]

            class A(B):
                LIMIT = 5 + MORE
                double = LIMIT * 2

                def __init__(self, limit):
                    super().__init__(limit)
                    self._limit = limit + 10

                def go(self, helper):
                    LIMIT = helper
                    many = [helper for helper in "ab"]
                    return self._limit, super().go(LIMIT), self.double, self.helper(), many

                def helper(self):
                    return helper(1)
        """,
        b="""
            from micropython import const
            _LIMIT = const(30)
            LIMIT = 99

            def helper(n):
                return n * _LIMIT

            class B:
                LIMIT = "of B"

                def __init__(self, limit):
                    self._own = limit

                def go(self, n):
                    def inner(helper):
                        nonlocal n
                        n += 1
                        return lambda limit: (helper, limit, n, LIMIT, self._own)
                    return inner(n)(_LIMIT), helper(n)
        """,
    )
    same(micropython, tmp_path, texts, "a", "b")


def test_texts_reach_what_they_name(micropython: str, tmp_path: Path) -> None:
    texts = program(
        """
        from p.a import App
        print(App().run())
        """,
        LOADER,
        a="""
            import sys
            from p import use_once, forget
            from p.things import Thing, Failure

            class App:
                SETTINGS = ("speed", "colour")

                def __init__(self):
                    self.speed = self.colour = 1
                    self.hidden_one = 2
                    for name in App.SETTINGS:
                        setattr(self, name, getattr(self, name) + 1)

                def run(self):
                    out = [use_once("extra", "work", self, 3), use_once("extra", "work", self, 4)]
                    out.append(getattr(self, "hidden_one") + getattr(self, "not_there", 5))
                    out.append(hasattr(self, "speed") and not hasattr(self, "speeed"))
                    out.append("p.extra" in sys.modules)
                    out.append("{colour}".format(colour=self.colour))
                    out.append("%s" % Thing(first=1, second=2).sum(times=3))
                    out.append(f"{self.speed:03d} {self.hidden_one!r} {{}} {'x' + self.name():>4}|")
                    try:
                        raise Failure("why", number=4)
                    except Failure as error:
                        out.append((repr(error), error.number))
                    return out

                def name(self):
                    return "n"
        """,
        things="""
            class Failure(Exception):
                def __init__(self, text, number):
                    super().__init__(text)
                    self.number = number

            class Thing:
                def __init__(self, first, second=0, *rest):
                    self.first = first
                    self.second = second

                def sum(self, times=1):
                    return (self.first + self.second) * times
        """,
        extra="""
            from p.things import Thing
            _loaded = [0]

            def work(app, n):
                _loaded[0] += 1
                app.hidden_one += n
                return Thing(app.speed, n).sum(), _own(_loaded)

            def _own(what):
                return what
        """,
    )
    printed = same(micropython, tmp_path, texts, "a", "things")
    assert "False" in printed
    assert (tmp_path / "linked" / "p" / "extra.mpy").exists()


def test_statements_of_all_kinds_at_a_modules_top_and_in_functions(micropython: str, tmp_path: Path) -> None:
    texts = program(
        """
        from p.a import run
        print(run())
        """,
        a="""
            '''A docstring.'''
            try:
                import nothing_like_this
            except ImportError:
                nothing_like_this = None
            try:
                from math import nothing_at_all as found
            except ImportError as error:
                def found():
                    return "made here"
            if nothing_like_this is None:
                table = {}
            else:
                table = None
            for word in ("one", "two"):
                table[word] = len(word)
            with open("/dev/null") as file:
                table["file"] = file.read()
            first, *others = sorted(table)
            del word

            def decorate(function):
                def inner(*a, **k):
                    return [function(*a, **k)]
                return inner

            @decorate
            def plus(x, y=2, *, z=3):
                return x + y + z

            def generate(top):
                '''Only a docstring.'''
                while top:
                    got = yield top
                    top -= 1 if got is None else got

            def nothing():
                '''Nothing else.'''

            async def wait():
                return 5

            class Context:
                async def __aenter__(self):
                    return self
                async def __aexit__(self, *args):
                    return False

            async def all_of_it():
                async with Context() as c:
                    return [await wait(), isinstance(c, Context)]

            def run():
                import asyncio
                out = [found(), first, others, plus(1), plus(1, y=5, z=6), list(generate(3)), nothing()]
                out.append({k: v for k, v in table.items() if v} == {"one": 3, "two": 3})
                out.append([x for y in ((1, 2), (3,)) for x in y if (lambda q: q > 1)(x)])
                try:
                    raise ValueError("no")
                except (ValueError, KeyError) as error:
                    out.append(str(error))
                finally:
                    out.append("finally")
                assert len(out) > 3, "never"
                if (n := len(out)) > 2:
                    out.append(n)
                out.append(asyncio.run(all_of_it()))
                out.append(-1 if out else -(-2) ** 2)
                return out
        """,
    )
    same(micropython, tmp_path, texts, "a")


def made_program(seed: int) -> dict[str, str]:
    """Modules in a chain, each with the same few names, and something of the earlier ones imported."""
    draw = random.Random(seed)
    names = ["alpha", "beta", "_gamma", "Delta", "_limit"]
    modules: dict[str, str] = {}
    earlier: list[str] = []
    for module in ("one", "two", "three", "four"):
        lines: list[str] = ["from micropython import const"]
        known: dict[str, str] = {}  # own name -> the expression that calls it
        for other in earlier:
            name = draw.choice(["alpha", "beta"])
            form = draw.randrange(4)
            if form == 0:
                lines.append(f"from p.{other} import {name} as {name}_{other}")
                known[f"{name}_{other}"] = f"{name}_{other}(N)"
            elif form == 1:
                lines.append(f"from . import {other}")
                known[other] = f"{other}.{name}(N)"
            elif form == 2:
                lines.append(f"import p.{other} as the_{other}")
                known[f"the_{other}"] = f"the_{other}.Delta(N).beta(n=1)"
            else:
                lines.append(
                    f"def late_{other}(n):\n    from p.{other} import Delta\n    return Delta(n).alpha()"
                )
                known[f"late_{other}"] = f"late_{other}(N)"
        lines.append(f"_limit = const({draw.randrange(1, 50)})")
        base = ""
        if earlier and draw.random() < 0.7:
            parent = draw.choice(earlier)
            lines.append(f"from p.{parent} import Delta as Base")
            base = "(Base)"
        calls = [call.replace("N", str(draw.randrange(1, 9))) for call in known.values()]
        body = ", ".join(["n", "_limit", *calls])
        draw.shuffle(names)
        lines.append(f"def alpha({draw.choice(['n', 'n=1'])}):\n    return ({body})")
        lines.append("def beta(n, *, m=2):\n    global _gamma\n    _gamma += n\n    return (n, m, _gamma)")
        lines.append(f"_gamma = {draw.randrange(100)}")
        variable = draw.choice(["_gamma", "beta", "_x"])
        init = "        super().__init__(n)\n" if base else ""
        lines.append(
            f"class Delta{base}:\n    _most = _limit + {draw.randrange(9)}\n"
            f"    def __init__(self, n):\n{init}        self.{variable}{module} = n\n"
            f"    def alpha(self):\n"
            f"        return ('{module}', self.{variable}{module}, self._most, alpha(2))\n"
            f"    def beta(self, n):\n        return [beta(n, m=n) for alpha in range(n)]"
        )
        modules[module] = "\n".join(lines) + "\n"
        earlier.append(module)
    main = "from p.four import Delta, alpha\nprint(alpha(3), Delta(4).alpha(), Delta(5).beta(2))\n"
    return program(main, **modules)


@pytest.mark.parametrize("seed", range(12))
def test_made_programs(micropython: str, tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    same(micropython, tmp_path, made_program(seed))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import p.b\n\ndef f():\n    return p.b.g()\n", "a.py:1: import p.b"),
        ("from p.b import *\n", "a.py:1: import *"),
        ("from p import b\n\ndef f():\n    b.state = 1\n", "a.py:4: a global of p.b is set"),
        ("from p.b import state\n\ndef f():\n    return state\n", "a.py:4: state of p.b changes"),
        ("from p.b import g\n\ndef f():\n    return globals()[g]\n", "a.py:4: globals"),
        ("from p.b import g\n\ndef f(x):\n    return getattr(x, 'a' + 'b')\n", "a.py:4: getattr with a name"),
        ("from p.b import g\n\ndef f(x, y):\n    n = y + 'b'\n    return getattr(x, n)\n", "a.py:5: getattr"),
        ("from p.b import g\n\ndef f():\n    return __name__\n", "a.py:4: __name__"),
        ("from p.b import g\n__path__ = 'elsewhere'\n", "a.py:2: __path__"),
        ("from p.b import g\n\ndef f():\n    g = 1\n    from p.b import g\n    return g\n", "a.py:"),
        ("from p.b import missing\n\ndef f():\n    return missing\n", "a.py:4: p.b has no missing"),
        ("from p.b import g\nx: int = 3\n", "a.py:2: a variable with a type"),
        ("n = 1\n\nclass f:\n    n = n\n", "a.py:4: n is the class's and the module's"),
        ("from p.b import g\n\ndef f()\n", "a.py:3: does not compile"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(text: str, why: str) -> None:
    module = "state = 0\n\ndef g():\n    global state\n    state += 1\n"
    assert why in refused(program("from p.a import f\nf()\n", a=text, b=module))


def test_a_traceback_leads_to_the_functions_first_line(micropython: str, tmp_path: Path) -> None:
    texts = program(
        """
        from p.a import App
        App().run()
        """,
        LOADER,
        a="""
            from p import use_once

            class App:
                # a comment
                def run(self):

                    return use_once("extra", "work", self)

                def fail_here(self):
                    return self.missing_thing
        """,
        extra="""
            # a comment

            def work(app):
                # another
                return _inner(app)

            def _inner(app):
                app.missing_thing = None
                del app.missing_thing
                return app.fail_here()
        """,
    )
    text = run(micropython, tmp_path, texts, True)
    assert 'File "p/a.py", from line 8, in App.run' in text
    assert 'File "p/extra.py", from line 6, in work' in text
    assert 'File "p/extra.py", from line 9, in _inner' in text
    assert 'File "p/a.py", from line 11, in App.fail_here' in text
    assert "'App' object has no attribute 'missing_thing'" in text
    # The same frames as the node notes them of a crash, for `health`.
    linked = tmp_path / "linked"
    frames = re.findall(r'File "(?:.*/)?([^"]+)", line (\d+)', output(micropython, linked))
    note = " < ".join(f"{file}:{line}" for file, line in reversed(frames))
    said = explained(linked, f"boot 1, 5 s: AttributeError: no attribute at {note}\n")
    assert (
        "no attribute at p/a.py:11 in App.fail_here < p/extra.py:9 in _inner < p/extra.py:6 in work < "
        in said
    )
    assert said.endswith("p/a.py:8 in App.run < main.py:3\n"), said


def test_the_words_are_in_the_ports_rom(micropython: str, tmp_path: Path) -> None:
    assert len(set(WORDS)) == len(WORDS) > 300
    assert not LIBRARY & set(WORDS)
    script = "import micropython\n\nclass A:\n    pass\n\nfor word in open('words'):\n"
    script += "    setattr(A, word.strip(), 1)\nmicropython.qstr_info(1)\n"
    (tmp_path / "words").write_text("\n".join(WORDS) + "\n")
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [micropython, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    grown = {line[2:-1] for line in done.stdout.splitlines() if line.startswith("Q(")}
    # Another version of MicroPython may lack some: then those cost what any name does.
    assert len(grown & set(WORDS)) < 0.1 * len(WORDS), sorted(grown & set(WORDS))


def test_the_firmware_is_joined(tmp_path: Path) -> None:
    root = find_firmware()
    sources = {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.py"))}
    linked = link(sources)
    for path, text in linked.texts.items():
        compile(text, path, "exec")
    for path in ("node/app.py", "node/measure.py", "node/outbox.py", "node/mqtt/client.py", "node/link.py"):
        assert path not in linked.texts
    assert "node/start.py" in linked.texts
    assert "board.py" in linked.texts
    for name in ("warmup_s", "window_s", "ack_timeout_s"):  # settings, set by their names in texts
        assert name not in linked.lines.names["attributes"].values()
