"""Stand-in for MicroPython's `machine`: the node's end of its line to the chip, which the simulator plays.

simulator/board/talk.py has the rules of that line, simulator/board/machine.py what firmware finds here. This
runs on MicroPython and lies in the heap that firmware has to live in, while a chip's own modules are in its
ROM: so it does nothing that could be done at the other end, and every name and every file is counted.
"""

import builtins
import io
import json
import os
import sys

if not os.getenv("DUSTLINE_CHIP"):
    raise ImportError("DUSTLINE_CHIP is not set: this runs only in a simulated node, see `dustline sim`")

# An inherited socket.
_port = open(int(os.getenv("DUSTLINE_CHIP")), "r+b")


def _ask(*request):
    _port.write("%r\n" % (request,))
    answer = _port.readline()
    while not answer:
        # The simulator is gone. Not by an exception: a node without power runs no `finally` either.
        os.system("kill -9 $PPID")  # noqa: S605 - a fixed command; this port has no os.kill
    kind = answer[0]
    answer = answer[1:-1]
    if kind == 35:  # "#"
        return _Thing(answer)
    if kind == 60:  # "<"
        return _port.readinto(memoryview(request[1][1])[: int(answer)])
    if kind == 36:  # "$"
        return _port.read(int(answer))
    if kind == 61:  # "="
        return eval(answer)  # noqa: S307 - from our own simulator; takes 2 KB in one piece while it works
    if kind == 64:  # "@"
        return _uart(*answer.split())
    answer = json.loads(answer)  # ":"
    if kind == 33:  # "!"
        raise getattr(builtins, answer[0])(*answer[1:])
    return answer


def _uart(path, file):
    # Made once and then kept: a file that nobody holds any more is closed for good.
    name = "_" + file.decode()
    if not hasattr(_Thing, name):
        thing = _Thing(path)
        setattr(_Thing, name, thing)
        file = open(int(file), "r+b")
        for name in ("read", "readinto", "write"):
            setattr(thing, name, getattr(file, name))
        return thing
    return getattr(_Thing, name)


class _Thing(io.IOBase):
    """Something at the other end: a module, a class, a function, an object.

    A UART is also a stream: select and asyncio ask it for ioctl, which gives the file to wait for.
    """

    def __init__(self, path):
        self.__path__ = path

    def __getattr__(self, name):
        return _ask(self.__path__, name)

    def __call__(self, *args, **more):
        return _ask(self.__path__, args, more)

    def __repr__(self):
        return "{%r}" % self.__path__


__getattr__ = _Thing("machine").__getattr__
# Not in a file of its own, unless firmware asks for it first.
sys.modules["network"] = _Thing("network")
