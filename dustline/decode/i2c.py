"""Sensors on I2C, and the DHT22 on its pin: answers, each of which is a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dustline.decode.parts import Event, driver_module, summed_up
from dustline.decode.replay import Answer, replay
from dustline.decode.transfers import Transfer

_NOTHING = b"\x00\x00\x81"  # a word of zeros, and its CRC


class Answers:
    """Pairs each read with the command written before it; what is for other addresses is passed over."""

    addresses: tuple[int, ...] = ()

    def __init__(self) -> None:
        self.frames = 0
        self.rejects: dict[str, int] = {}
        self.command: bytes | None = None  # None: nobody said
        self.model: str | None = None
        self.id: str | None = None
        self.fw: str | None = None

    def is_for(self, address: int | None) -> bool:
        """Whether an address is the sensor's. Some exports give the byte with its read/write bit."""
        return address is None or address in self.addresses or address >> 1 in self.addresses

    def take(self, transfer: Transfer) -> list[Event]:
        if not self.is_for(transfer.address):
            return []
        if not transfer.acked:
            self.reject("no_ack")
            return []
        if not transfer.read:
            self.command = transfer.data or None
            return []
        if not transfer.data:
            return []
        event = self.answer(transfer.data)
        if event is None:
            return []
        if isinstance(event, str):
            self.reject(event)
            return []
        self.frames += 1
        return [event]

    def answer(self, data: bytes) -> Event | str | None:
        """The event of an answer, the reason to reject it, or None when it was counted already."""
        raise NotImplementedError

    def reject(self, reason: str) -> None:
        self.rejects[reason] = self.rejects.get(reason, 0) + 1

    def flush(self) -> list[Event]:
        return []

    def summary(self) -> Event:
        return summed_up(dict(self.rejects), self.frames, model=self.model, id=self.id, fw=self.fw)


class Words(Answers):
    """Sensirion's: a command of two bytes, words of two bytes with a CRC each."""

    NAMES: ClassVar[dict[int, str]] = {}
    VALUES = b""  # the command for measured values
    LENGTHS: tuple[int, ...] = ()  # bytes of measured values, for captures without commands

    def __init__(self) -> None:
        super().__init__()
        self._intact: Callable[[bytes, int], bool] = driver_module("sensirion").intact

    def values(self, data: bytes) -> Event | str:
        """The event of measured values without CRCs."""
        raise NotImplementedError

    def answer(self, data: bytes) -> Event | str | None:
        if len(data) % 3:
            return "length"
        if not self._intact(data, len(data) // 3):
            return "crc"
        words = b"".join(data[at : at + 2] for at in range(0, len(data), 3))
        command = None if self.command is None else self.command[:2]
        if command == self.VALUES or (command is None and len(data) in self.LENGTHS):
            return self.values(words)
        if command is None:
            return {"kind": "reply", "what": "unknown", "data": words.hex()}
        what = self.NAMES.get(int.from_bytes(command, "big"), "unknown")
        if what in ("serial", "name"):
            text = words.split(b"\0")[0].decode("ascii", "replace")
            self.named(what, text)
            return {"kind": "reply", "what": what, "value": text}
        if what == "version":
            self.fw = f"{words[0]}.{words[1]}"
            return {"kind": "reply", "what": what, "value": self.fw}
        if what == "ready":
            return {"kind": "reply", "what": what, "value": bool(words[1])}
        return {"kind": "reply", "what": what, "command": command.hex(), "data": words.hex()}

    def named(self, what: str, text: str) -> None:
        if what == "serial":
            self.id = text


class Sps30(Words):
    """SPS30 datasheet version 1.0, table 8. 30 bytes are the integer format, which the firmware never asks
    for: `length`."""

    addresses = (0x69,)
    VALUES = b"\x03\x00"
    LENGTHS = (60, 30)
    NAMES: ClassVar = {
        0x0202: "ready",
        0x8004: "auto_clean",
        0xD002: "name",
        0xD033: "serial",
        0xD100: "version",
        0xD206: "status",
    }

    def __init__(self) -> None:
        super().__init__()
        self._values: Any = driver_module("sps30").values

    def values(self, data: bytes) -> Event | str:
        return self._values(data)


class Sen5x(Words):
    """SEN5x datasheet version 2, section 6. A SEN54 or SEN55 without temperature and humidity is flagged."""

    addresses = (0x69,)
    VALUES = b"\x03\xc4"
    LENGTHS = (24,)
    NAMES: ClassVar = {
        0x0202: "ready",
        0x8004: "auto_clean",
        0xD014: "name",
        0xD033: "serial",
        0xD100: "version",
        0xD206: "status",
    }

    def __init__(self, model: str | None = None) -> None:
        super().__init__()
        self.model = model
        self._told = model is not None
        self._values: Any = driver_module("sen5x").values

    def values(self, data: bytes) -> Event | str:
        event: Event | str = self._values(data)
        if isinstance(event, dict) and self.model in ("sen54", "sen55") and "temp" not in event:
            return {**event, "flags": ["climate_error"]}
        return event

    def named(self, what: str, text: str) -> None:
        if what == "name" and not self._told and text.lower() in ("sen50", "sen54", "sen55"):
            self.model = text.lower()
        super().named(what, text)


class Pmsa003i(Answers):
    """The PMSA003's frame, 32 bytes in one read."""

    addresses = (0x12,)

    def __init__(self) -> None:
        super().__init__()
        self._parser: Any = driver_module("plantower").Parser("pmsa003i")
        self.rejects = self._parser.rejects

    def feed(self, data: bytes) -> list[Event]:
        """Frames one after the other, as from a file of raw bytes."""
        events = self._parser.feed(data)
        self.frames += len(events)
        self.fw = self._parser.fw
        return events

    def answer(self, data: bytes) -> Event | str | None:
        events = self._parser.feed(data)
        self._parser.flush()  # each read is a frame of its own
        self.fw = self._parser.fw
        return events[0] if events else None

    def flush(self) -> list[Event]:
        return self._parser.flush()


class Probe(Answers):
    """Climate sensors: their driver judges what was captured."""

    def __init__(self, driver: Any) -> None:
        super().__init__()
        self.driver = driver
        self.rejects = driver.rejects
        self._now = 0

    def judged(self, answer: Answer) -> Event | None:
        """The driver's event when the sensor answers so; None when the driver has counted a reject."""
        event, self._now = replay(self.driver, self._now, answer)
        return event


class Sht4x(Probe):
    """SHT4x datasheet version 6, table 8: the measurements without heater, and the serial number."""

    addresses = (0x44, 0x45, 0x46)

    def __init__(self) -> None:
        super().__init__(driver_module("sht4x").Sht4x())
        self._intact: Callable[[bytes, int], bool] = driver_module("sensirion").intact

    def answer(self, data: bytes) -> Event | str | None:
        if self.command in (None, b"\xfd", b"\xf6", b"\xe0"):
            return self.judged(lambda command, n: data if command == b"\xfd" else _NOTHING * (n // 3))
        if self.command != b"\x89":
            return "unknown"  # the heater's: no air's temperature
        if not self._intact(data, 2):
            return "crc"
        self.id = (data[:2] + data[3:5]).hex()
        return {"kind": "reply", "what": "serial", "value": self.id}


class Sht3x(Probe):
    """SHT3x-DIS datasheet version 5, tables 9 to 17. The status is given as it is read; the firmware refuses
    the values before a status with an error in it, which here are out already."""

    addresses = (0x44, 0x45)

    def __init__(self) -> None:
        super().__init__(driver_module("sht3x").Sht3x())
        self._intact: Callable[[bytes, int], bool] = driver_module("sensirion").intact

    def answer(self, data: bytes) -> Event | str | None:
        status = len(data) == 3 if self.command is None else self.command == b"\xf3\x2d"
        if status:
            if not self._intact(data, 1):
                return "crc"
            return {"kind": "reply", "what": "status", "data": data[:2].hex()}
        return self.judged(lambda command, n: _NOTHING if command == b"\xf3\x2d" else data)


class Dht22(Probe):
    """Five bytes a reading."""

    def __init__(self) -> None:
        super().__init__(driver_module("dht22").Dht22())
        self._half = b""

    def feed(self, data: bytes) -> list[Event]:
        """Readings one after the other, as from a file of raw bytes."""
        held = self._half + data
        self._half = held[len(held) // 5 * 5 :]
        return [
            event
            for at in range(0, len(held) - 4, 5)
            for event in self.take(Transfer(None, True, held[at : at + 5]))
        ]

    def answer(self, data: bytes) -> Event | str | None:
        return self.judged(lambda command, n: data) if len(data) == 5 else "length"

    def flush(self) -> list[Event]:
        if self._half:
            self.reject("truncated")
        return []
