"""Sensors on a UART: a stream of bytes, which the firmware's parsers find frames in."""

from __future__ import annotations

from typing import Any, Protocol

from dustline.decode.parts import Decoder, Event, driver_module, summed_up

PLANTOWER = ("pms5003", "pms7003", "pmsa003", "pms3003", "pms5003t", "pms5003st")


class StreamDecoder(Decoder, Protocol):
    """Takes bytes as they come."""

    def feed(self, data: bytes) -> list[Event]: ...


class Sds011:
    """Data frames and replies of a Nova SDS011."""

    def __init__(self) -> None:
        self._parser: Any = driver_module("sds011").Parser()

    def feed(self, data: bytes) -> list[Event]:
        return self._parser.feed(data)

    def flush(self) -> list[Event]:
        return self._parser.flush()

    def summary(self) -> Event:
        parser = self._parser
        return summed_up(dict(parser.rejects), parser.frames, id=parser.id, fw=parser.fw)


class Plantower:
    """Frames of any Plantower. Its model follows the frames; without `model` a PMS5003T is found by its tail.

    A tail that reads as temperature and humidity decides only after some frames. What was refused until then
    is read again as a PMS5003T's, if nothing was given out yet.
    """

    _KEPT = 1024  # bytes: many more than the frames that decide

    def __init__(self, model: str | None = None) -> None:
        self._module = driver_module("plantower")
        self._told = model
        self._parser: Any = self._module.Parser(model or "pms5003")
        self._kept: bytearray | None = bytearray() if model is None else None

    def feed(self, data: bytes) -> list[Event]:
        if self._kept is None:
            return self._parser.feed(data)
        given: list[Event] = []
        for at in range(len(data)):
            byte = data[at : at + 1]
            self._kept += byte
            events = self._parser.feed(byte)
            if self._parser.model == "pms5003t" and not given:
                # Nothing was given before this frame, so all of it can be read anew.
                self._parser = self._module.Parser("pms5003t")
                events = self._parser.feed(bytes(self._kept))
            given += events
            if given or len(self._kept) > self._KEPT:
                self._kept = None
                return given + self._parser.feed(data[at + 1 :])
        return given

    def flush(self) -> list[Event]:
        return self._parser.flush()

    def summary(self) -> Event:
        parser = self._parser
        model = self._told if parser.model == "pms5003" else parser.model
        return summed_up(dict(parser.rejects), parser.frames, model=model, fw=parser.fw)


# SPS30 datasheet version 1.0, table 7 and table 6.
SPS30_COMMANDS = {
    0x00: "start",
    0x01: "stop",
    0x03: "values",
    0x10: "sleep",
    0x11: "wake",
    0x56: "clean",
    0x80: "auto_clean",
    0xD0: "info",
    0xD1: "version",
    0xD2: "status",
    0xD3: "reset",
}
_STATES = {
    0x01: "wrong data length",
    0x02: "unknown command",
    0x03: "no access right",
    0x04: "illegal parameter",
    0x28: "argument out of range",
    0x43: "command not allowed now",
}


class Sps30:
    """What an SPS30 sends (MISO): SHDLC frames, those with measured values as data."""

    def __init__(self) -> None:
        self._parser: Any = driver_module("shdlc").Parser()
        self._values: Any = driver_module("sps30").values
        self._frames = 0
        self._id = self._fw = None

    def feed(self, data: bytes) -> list[Event]:
        return [event for reply in self._parser.feed(data) if (event := self._event(reply)) is not None]

    def flush(self) -> list[Event]:
        return self._parser.flush()

    def summary(self) -> Event:
        return summed_up(dict(self._parser.rejects), self._frames, id=self._id, fw=self._fw)

    def _event(self, reply: Event) -> Event | None:
        data: bytes = reply["data"]
        fault = bool(reply["state"] & 0x80)  # bit 7: fan or laser, section 5.2
        state = reply["state"] & 0x7F
        command = reply["command"]
        if command == 0x03 and data and not state:
            event = self._values(data)
            if isinstance(event, str):
                self._parser.reject(event)
                return None
            self._frames += 1
            return {**event, "kind": "error", "what": "device"} if fault else event
        self._frames += 1
        event = {"kind": "reply", "what": SPS30_COMMANDS.get(command, "unknown"), "command": command}
        if reply["address"]:
            event["address"] = reply["address"]
        event["state"] = state
        if state:
            event["error"] = _STATES.get(state, "unknown")
        if fault:
            event["fault"] = True
        if command == 0x03 and not state:
            event["value"] = None  # no new values yet: no error
        elif command == 0xD1 and len(data) >= 2:
            self._fw = event["value"] = f"{data[0]}.{data[1]}"
        elif command == 0xD0 and data:
            event["value"] = data.split(b"\0")[0].decode("ascii", "replace")
            if len(event["value"]) == 16:  # the product type is shorter
                self._id = event["value"]
        elif data:
            event["data"] = data.hex()
        return event
