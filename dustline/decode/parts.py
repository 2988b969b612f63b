"""The firmware's modules, and what all decoders have in common."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from dustline import firmware_path
from dustline.decode.errors import DecodeError

Event = dict[str, Any]


def driver_module(name: str) -> Any:
    """node.drivers.NAME of the firmware."""
    try:
        firmware_path.importable()
    except FileNotFoundError as error:
        raise DecodeError(f"{error}; install dustline again") from error
    return importlib.import_module(f"node.drivers.{name}")


class Decoder(Protocol):
    """A capture's decoder, whatever the capture is made of."""

    def flush(self) -> list[Event]:
        """The capture has ended: last events."""
        ...

    def summary(self) -> Event:
        """{"rejects": reason -> count, "frames": int} and what is known of the sensor: model, id, fw."""
        ...


def summed_up(rejects: dict[str, int], frames: int, **known: str | None) -> Event:
    """The last line of the output."""
    return {"rejects": rejects, "frames": frames, **{name: value for name, value in known.items() if value}}
