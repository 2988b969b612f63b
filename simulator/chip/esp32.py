"""Stand-in for MicroPython's `esp32`: non-volatile storage. Other parts come when something needs them."""

import binascii

import _chip

_NOT_FOUND = -0x1102


class NVS:
    """Keys of one namespace. What was set is kept only after commit(), as on the chip."""

    def __init__(self, namespace):
        if len(namespace) > 15:
            raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._namespace = namespace
        self._values = _chip.load(".nvs").get(namespace, {})

    def _get(self, key):
        _chip.tick()
        if key not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return self._values[key]

    def get_i32(self, key):
        return self._get(key)

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("value does not fit in 32 bits")
        self._values[key] = value

    def get_blob(self, key, target):
        data = binascii.unhexlify(self._get(key))
        if len(data) > len(target):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        target[: len(data)] = data
        return len(data)

    def set_blob(self, key, data):
        self._values[key] = binascii.hexlify(data).decode()

    def erase_key(self, key):
        self._get(key)
        del self._values[key]

    def commit(self):
        _chip.tick()
        everything = _chip.load(".nvs")
        everything[self._namespace] = self._values
        _chip.save(".nvs", everything)
