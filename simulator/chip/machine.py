"""Stand-in for MicroPython's `machine`: the node's end of its line to the chip, which the simulator plays.

simulator/board/talk.py has the rules of that line, simulator/board/machine.py what firmware finds here. This
runs on MicroPython and lies in the heap that firmware has to live in, while a chip's own modules are in its
ROM: so it does nothing that could be done at the other end, and every name and every file is counted.
"""

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
    if answer[0] == 35:  # "#"
        return _Thing(answer[1:-1])
    if answer[0] == 60:  # "<"
        return _port.readinto(memoryview(request[1][1])[: int(answer[1:])])
    if answer[0] != 33:  # "!"
        return json.loads(answer)
    answer = eval(answer[1:])  # noqa: S307 - from our own simulator
    if isinstance(answer, Exception):
        raise answer
    return answer


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
