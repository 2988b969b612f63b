"""Private names become short where that changes nothing."""

from pathlib import Path

from simulator.names import shorten


def run(sources: dict[str, str], module: str) -> dict[str, object]:
    """The globals of a module after its shortened text has run alone."""
    found: dict[str, object] = {}
    exec(shorten(sources)[module], found)
    return found


def test_private_names_become_short_and_the_code_does_the_same() -> None:
    text = (
        "class A:\n    def __init__(self):\n        self._hidden = 3\n"
        "    def get(self):\n        return self._hidden\n"
    )
    short = shorten({"m": text})["m"]
    assert "_hidden" not in short
    assert short.count("\n") == text.count("\n")
    assert run({"m": text}, "m")["A"]().get() == 3  # type: ignore[operator]


def test_what_two_modules_name_is_kept() -> None:
    sources = {"m": "class A:\n    _both = 1\n    _own = 2\n", "n": "def f(a):\n    return a._both\n"}
    short = shorten(sources)
    assert "_both" in short["m"]
    assert "_both" in short["n"]
    assert "_own" not in short["m"]


def test_a_class_and_its_base_in_another_module_do_not_get_in_each_others_way() -> None:
    sources = {
        "p.base": "class Base:\n    def __init__(self):\n        self._first = 1\n",
        "p.more": "from .base import Base\n\n\nclass More(Base):\n    def __init__(self):\n"
        "        super().__init__()\n        self._second = 2\n",
        "other": "_third = 3\n",
    }
    short = shorten(sources)
    first = short["p.base"].split("self.")[1].split(" ")[0]
    second = short["p.more"].split("self.")[1].split(" ")[0]
    assert first != second
    assert short["other"].split(" ")[0] in (first, second), "unrelated modules share short names"


def test_names_in_texts_and_f_strings_and_constants_are_kept() -> None:
    text = (
        'class A:\n    _named = 1\n    _shown = 2\n\n\nx = getattr(A, "_named")\n'
        'y = f"{A._shown}"\n_CONSTANT = const(4)\n'
    )
    short = shorten({"m": text})["m"]
    assert short == text


def test_dunders_and_short_names_are_left_alone() -> None:
    text = "class A:\n    def __init__(self, _):\n        self._x = _\n"
    assert shorten({"m": text})["m"] == text


def test_a_short_name_in_use_is_not_given_twice() -> None:
    text = "class A:\n    _a = 1\n    _hidden = 2\n\n\nx = (A._a, A._hidden)\n"
    assert run({"m": text}, "m")["x"] == (1, 2)


def test_the_firmware_gets_short_names_and_keeps_its_lines(repo: Path) -> None:
    root = repo / "firmware"
    sources = {
        str(path.relative_to(root).with_suffix("")).replace("/", "."): path.read_text()
        for path in root.rglob("*.py")
    }
    short = shorten(sources)
    for module, text in sources.items():
        assert short[module].count("\n") == text.count("\n")
        compile(short[module], module, "exec")
    assert sum(map(len, short.values())) < sum(map(len, sources.values()))


def test_what_a_library_calls_private_is_its_own() -> None:
    text = "import library\n\nlibrary._queue()\n"
    assert shorten({"m": text})["m"] == text


def test_parameters_become_short_and_the_code_does_the_same() -> None:
    text = (
        "def outer(first, second=2):\n"
        "    def inner(third):\n        return (first, second, third)\n"
        "    return inner(second) + tuple(map(lambda fourth: (fourth, first), [second]))\n"
    )
    short = shorten({"m": text})["m"]
    assert not any(name in short for name in ("first", "second", "third", "fourth"))
    assert run({"m": text}, "m")["outer"](1) == (1, 2, 2, (2, 1))  # type: ignore[operator]


def test_a_function_within_another_may_use_its_name_again() -> None:
    text = "def outer(item):\n    return [(lambda item: item * 2)(item) for item in item]\n"
    assert run({"m": text}, "m")["outer"]([1, 2]) == [2, 4]  # type: ignore[operator]


def test_parameters_that_are_named_in_a_call_or_a_text_are_kept() -> None:
    sources = {
        "m": 'def f(named, shown, caught):\n    try:\n        return f"{shown}"\n'
        "    except OSError as caught:\n        return named\n",
        "n": "from m import f\n\nf(named=1, shown=2, caught=3)\n",
    }
    assert shorten(sources)["m"] == sources["m"]
