"""The node's end of its line to the chip, which the simulator plays; simulator/board/talk.py has its rules.

Runs on MicroPython and lies in the heap that firmware has to live in, while a chip's own modules are in its
ROM: so it does nothing that could be done at the other end, and every name here is counted.
"""

import json
import os

if not os.getenv("DUSTLINE_CHIP"):
    raise ImportError("DUSTLINE_CHIP is not set: this runs only in a simulated node, see `dustline sim`")

# An inherited socket.
_port = open(int(os.getenv("DUSTLINE_CHIP")), "r+b")


def ask(*request):
    _port.write("%r\n" % (request,))
    answer = _port.readline()
    while not answer:
        # The simulator is gone. Not by an exception: a node without power runs no `finally` either.
        os.system("kill -9 $PPID")  # noqa: S605 - a fixed command; this port has no os.kill
    if answer[0] == 35:  # "#"
        return Thing(answer[1:-1])
    if answer[0] != 33:  # "!"
        return json.loads(answer)
    answer = eval(answer[1:])  # noqa: S307 - from our own simulator
    if isinstance(answer, Exception):
        raise answer
    return answer


class Thing:
    """Something at the other end: a module, a class, a function, an object."""

    def __init__(self, path):
        self._path = path

    def __getattr__(self, name):
        return ask(self._path, name)

    def __call__(self, *args, **more):
        return ask(self._path, args, more)
