"""The line between a node's process and its chip: requests and answers, one line of text each.

A request is a Python tuple as MicroPython's repr writes it: (path, name) asks for an attribute, (path,
arguments, keywords) calls. A path is a module's name or the number of a thing handed out before, then names,
with dots; among arguments a thing is the set of its path. The first character of an answer says what follows:
  :  JSON
  !  JSON: an exception's name and arguments, to raise
  #  the path of a thing
  @  the path of a UART and the number of its file: reading and writing is done on the node
  $  a number and, after the end of the line, as many raw bytes
  <  the same, for the buffer that was given as the second argument
  =  a Python expression: tuples. The node needs a piece of heap to compile it, so nothing frequent comes so.
"""

from __future__ import annotations

import ast
import functools
import json
import select
import socket
from collections.abc import Callable
from typing import cast

from simulator import syntax
from simulator.board.chip import Chip, Run
from simulator.board.i2c import Fill
from simulator.board.network import UnknownCodeError
from simulator.board.power import Ended, Reset
from simulator.board.uart import NodeUart

# What firmware may get to see; anything else is a mistake in the simulator and goes up to its log.
RAISED = (AttributeError, OSError, OverflowError, TypeError, ValueError, UnknownCodeError)
LOOK_S = 1.0

Arguments = tuple[object, ...]
Keywords = dict[str, object]


def _name(error: Exception) -> str:
    """MicroPython knows the exceptions of RAISED, but not all their subclasses."""
    if isinstance(error, UnknownCodeError):
        return "RuntimeError"
    return next(kind.__name__ for kind in RAISED if issubclass(type(error), kind))


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, int) for each in cast("list[object]", value))


class _PlainBytes(ast.NodeTransformer):
    """bytearray(b"..") is bytes to us."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "bytearray" and len(node.args) == 1:
            return node.args[0]
        return node


@functools.lru_cache(64)
def _parse(line: bytes) -> Arguments:
    """A node asks the same few things again and again. Nobody changes what this returns."""
    try:
        tree = syntax.expression(line.decode().strip())
        return ast.literal_eval(_PlainBytes().visit(tree))
    except (ValueError, SyntaxError):
        raise TypeError(f"the simulated chip takes plain values only, not {line.decode()!r}") from None


class Desk:
    """Answers the requests of one run."""

    def __init__(self, modules: dict[str, object]) -> None:
        self._things = dict(modules)

    def answer(self, line: bytes) -> bytes:
        """Raises Ended when the request ends the run."""
        try:
            return self._tell(*self._answer(line))
        except RAISED as error:
            return b"!%b\n" % json.dumps([_name(error), *error.args], default=repr).encode()

    def _answer(self, line: bytes) -> tuple[object, str]:
        """(what was asked for, its path if it has one)"""
        path, what, *more = _parse(line)
        path = path.decode() if isinstance(path, bytes) else str(path)
        thing = self._find(path)
        if isinstance(what, str):
            return self._public(thing, what), f"{path}.{what}"
        if not callable(thing):
            raise TypeError(f"{path} is not callable")
        arguments = [self._thing(value) for value in cast(Arguments, what)]
        keywords = {name: self._thing(value) for name, value in cast(Keywords, more[0]).items()}
        return thing(*arguments, **keywords), ""

    def _thing(self, value: object) -> object:
        """What an argument stands for."""
        if not isinstance(value, set):
            return value
        (path,) = cast("set[bytes | str]", value)
        return self._find(path.decode() if isinstance(path, bytes) else path)

    def _find(self, path: str) -> object:
        first, *names = path.split(".")
        thing = self._things[first]
        for name in names:
            thing = self._public(thing, name)
        return thing

    def _public(self, thing: object, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return getattr(thing, name)
        except AttributeError:
            raise AttributeError(name) from None

    def _tell(self, value: object, path: str) -> bytes:
        if isinstance(value, bytes):
            return b"$%d\n%b" % (len(value), value)
        if isinstance(value, Fill):
            return b"<%d\n%b" % (len(value.data), value.data)
        if value is None or isinstance(value, bool | int | float | str) or _is_numbers(value):
            text = f":{json.dumps(value)}"
        elif isinstance(value, tuple | list):
            text = f"={value!r}"
        elif isinstance(value, NodeUart):
            text = f"@{self._number(value.uart)} {value.handle}"
        else:
            text = f"#{path or self._number(value)}"
        return text.encode() + b"\n"

    def _number(self, thing: object) -> str:
        for number, known in self._things.items():
            if known is thing:
                return number
        number = str(len(self._things))
        self._things[number] = thing
        return number


def serve(ours: socket.socket, chip: Chip, run: Run, alive: Callable[[], bool]) -> Reset | None:
    """Talk with a node until it hangs up or is no longer alive (None), or until the chip ends the run.

    Whoever called must then end the node's process.
    """
    desk = Desk(run.modules)
    heard = b""
    while alive():
        left = run.watchdog.left_s()
        if left is not None and left <= 0:
            chip.console(f"E task_wdt: not fed for {run.watchdog.timeout_s} s, the chip resets")
            return Reset("watchdog")
        ready, _, _ = select.select([ours], [], [], LOOK_S if left is None else min(left, LOOK_S))
        if not ready:
            continue
        try:
            got = ours.recv(4096)
            *lines, heard = (heard + got).split(b"\n")
            for line in lines:
                ours.sendall(desk.answer(line))
        except (BrokenPipeError, ConnectionResetError):
            return None
        except Ended as end:
            return end.reset
        if not got:
            return None
    return None
