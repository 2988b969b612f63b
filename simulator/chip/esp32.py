"""Stand-in for MicroPython's `esp32`; see machine.py."""

import machine

_esp32 = machine._Thing("esp32")


def __getattr__(name):
    return getattr(_esp32, name)


class NVS(machine._Thing):
    def __init__(self, namespace):
        super().__init__(_esp32.NVS(namespace).__path__)

    def get_blob(self, key, target):
        data = machine._ask(self.__path__, "get_blob")(key, len(target))
        target[: len(data)] = data
        return len(data)
