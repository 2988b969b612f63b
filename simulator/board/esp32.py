"""`esp32`: non-volatile storage, and pins held in deep sleep. Other parts come when something needs them."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.board.i2c import Fill
from simulator.board.pins import Pads

NOT_FOUND = (-0x1102, "ESP_ERR_NVS_NOT_FOUND")
KEY_TOO_LONG = (-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")

Values = dict[str, int | str]  # a blob is kept as hex digits


class Nvs:
    """Keys of one namespace. What was set is kept only after commit(), as on the chip."""

    def __init__(self, file: Path, namespace: str) -> None:
        self._file = file
        self._namespace = namespace
        self._values = self._stored().get(namespace, {})

    def _stored(self) -> dict[str, Values]:
        try:
            return json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}

    def _get(self, key: str) -> int | str:
        if key not in self._values:
            raise OSError(*NOT_FOUND)
        return self._values[key]

    def get_i32(self, key: str) -> int:
        value = self._get(key)
        if not isinstance(value, int):
            raise OSError(*NOT_FOUND)
        return value

    def set_i32(self, key: str, value: int) -> None:
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("value does not fit in 32 bits")
        self._values[key] = value

    def get_blob(self, key: str, buffer: bytes) -> Fill:
        """Into the buffer that firmware gave; returns the length."""
        value = self._get(key)
        if not isinstance(value, str):
            raise OSError(*NOT_FOUND)
        if len(value) > 2 * len(buffer):
            raise OSError(*INVALID_LENGTH)
        return Fill(bytes.fromhex(value))

    def set_blob(self, key: str, data: bytes) -> None:
        self._values[key] = data.hex()

    def erase_key(self, key: str) -> None:
        self._get(key)
        del self._values[key]

    def commit(self) -> None:
        new = self._file.with_name(self._file.name + ".new")
        new.write_text(json.dumps({**self._stored(), self._namespace: self._values}))
        new.replace(self._file)


class Esp32:
    """The module."""

    def __init__(self, file: Path, pads: Pads) -> None:
        self._file = file
        self._pads = pads

    def gpio_deep_sleep_hold(self, enable: object) -> None:
        """Whether pins that are held stay so in deep sleep."""
        self._pads.sleep_hold = bool(enable)

    def NVS(self, namespace: str) -> Nvs:  # noqa: N802 - the chip's name
        if len(namespace) > 15:
            raise OSError(*KEY_TOO_LONG)
        return Nvs(self._file, namespace)
