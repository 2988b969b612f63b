"""Stand-in for MicroPython's `machine`: the chip is played at the other end of the line, at the node's
time. As simulator/chip/machine.py, whose answers these are, and two more."""

import builtins
import io
import json
import sys
import time

import line


def _ask(*request):
    answer = line.ask(f"{request!r}\n")
    kind = answer[0]
    answer = answer[1:-1]
    if kind == 35:  # "#"
        return _Thing(answer)
    if kind == 60:  # "<"
        return line.readinto(memoryview(request[1][1])[: int(answer)])
    if kind == 36:  # "$"
        return line.read(int(answer))
    if kind == 61:  # "="
        return eval(answer)  # from our own side
    if kind == 64:  # "@"
        path, number = answer.split()
        return (_Switch if number == b"s" else _Uart)(path, int(path if number == b"s" else number))
    answer = json.loads(answer)  # ":"
    if kind == 33:  # "!"
        raise getattr(builtins, answer[0])(*answer[1:])
    return answer


class _Thing(io.IOBase):
    """Something at the other end: a module, a class, a function, an object."""

    def __init__(self, path):
        self.__path__ = path

    def __getattr__(self, name):
        thing = _ask(self.__path__, name)
        if line.LAX and isinstance(thing, _Thing):
            setattr(self, name, thing)  # half of the questions, where the heap is not the subject
        return thing

    def __call__(self, *args, **more):
        return _ask(self.__path__, args, more)

    def __repr__(self):
        return "{" + repr(self.__path__) + "}"


class _Switch(_Thing):
    """A watchdog or a pin: what is called often, and answers nothing."""

    def __init__(self, path, number):
        self.__path__ = path
        self._number = number

    def feed(self):
        line.switch(self._number, 1)

    def __call__(self, *level):
        return line.switch(self._number, level[0]) if level else _ask(self.__path__, (), {})


class _Uart(_Thing):
    """The other side says for how long nothing can come, so that most polls ask nobody."""

    def __init__(self, path, number):
        self.__path__ = path
        self._number = number
        self._next = 0

    def write(self, data):
        self._next = 0
        return line.uart_write(self._number, data)

    def readinto(self, buf):
        now = time.uptime_ms()
        if now < self._next:
            return None
        n = line.uart_read(self._number, buf)
        if n > 0:
            return n
        self._next = now - n
        return None


__getattr__ = _Thing("machine").__getattr__
sys.modules["network"] = _Thing("network")
