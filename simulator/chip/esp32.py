"""Stand-in for MicroPython's `esp32`: simulator/board/esp32.py."""

import _chip

_ask = _chip.Thing("esp32").__getattr__


def __getattr__(name):
    return _ask(name)


class NVS(_chip.Thing):
    def __init__(self, namespace):
        super().__init__(_ask("NVS")(namespace)._path)

    def get_blob(self, key, target):
        data = _chip.ask(self._path, "get_blob")(key, len(target))
        target[: len(data)] = data
        return len(data)
