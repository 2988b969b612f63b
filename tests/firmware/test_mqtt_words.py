"""Errors are raised by number; each number must have its sentence, with a place for each of its values."""

import ast
from pathlib import Path

import pytest

import node.mqtt.words as words

FILES = ("codec", "hello", "client")
OTHERS = {"ProtocolError": 1, "_trouble": 2}  # arguments that are no values: the number, the kind


def raised(source: Path) -> list[tuple[str, int, int]]:
    """(name, number, count of values) of each error that a file makes."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    numbers = {
        node.targets[0].id: node.value.args[0].value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.args[0], ast.Constant)
    }
    return [
        (call.args[0].id, numbers[call.args[0].id], len(call.args) - OTHERS[call.func.id])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in OTHERS
        and isinstance(call.args[0], ast.Name)
    ]


@pytest.mark.parametrize("file", FILES)
def test_each_error_has_its_sentence(repo: Path, file: str) -> None:
    found = raised(repo / "firmware" / "node" / "mqtt" / f"{file}.py")
    assert found
    for name, number, values in found:
        assert number in words.SENTENCES, name
        words.say(number, ("x",) * values)  # raises when the places do not fit


def test_a_number_means_one_thing(repo: Path) -> None:
    names: dict[int, set[str]] = {}
    for file in FILES:
        for name, number, _ in raised(repo / "firmware" / "node" / "mqtt" / f"{file}.py"):
            names.setdefault(number, set()).add(name)
    assert all(len(of_number) == 1 for of_number in names.values()), names
    assert set(names) == {number for number in words.SENTENCES if number < 100}


def test_an_unknown_refusal_is_still_told() -> None:
    assert words.say(177, ()) == "the broker refused the connection"
