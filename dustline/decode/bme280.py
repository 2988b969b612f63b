"""BME280 and BMP280: registers, whose meaning hangs on calibration words read before.

BME280 datasheet BST-BME280-DS002 revision 1.6, section 5.3 (memory map).
"""

from __future__ import annotations

from dustline.decode.i2c import Probe
from dustline.decode.parts import Event, driver_module

_ID, _TRIM, _TRIM_RH, _CTRL_MEAS, _DATA = 0xD0, 0x88, 0xE1, 0xF4, 0xF7
_CHIPS = {0x60: "bme280", 0x58: "bmp280", 0x56: "bmp280", 0x57: "bmp280"}
_SKIPPED = b"\x80\x00\x00"
# What a read of so many bytes begins with, when the capture does not say: the usual bursts.
_USUAL = {24: _TRIM, 26: _TRIM, 7: _TRIM_RH, 8: _DATA, 6: _DATA, 13: 0xF2}


class Bme280(Probe):
    """Keeps the registers that were read; a read of sample registers gives what its bytes and the
    calibration known by then tell."""

    addresses = (0x76, 0x77)

    def __init__(self) -> None:
        super().__init__(driver_module("bme280").Bme280())
        self._known: dict[int, int] = {}

    def answer(self, data: bytes) -> Event | str | None:
        start = self.command[0] if self.command else self._usual(data)
        if start is None:
            return "unknown"
        self._known.update(zip(range(start, start + len(data)), data, strict=False))
        if start <= _ID < start + len(data):
            self.model = _CHIPS.get(self._known[_ID], self.model)
            return {"kind": "reply", "what": "chip_id", "value": f"{self._known[_ID]:02x}"}
        if start < _DATA + 8 and start + len(data) > _DATA:
            return self._sample(start, start + len(data))
        what = "calibration" if _TRIM <= start <= 0xA1 or _TRIM_RH <= start <= 0xE7 else "register"
        return {"kind": "reply", "what": what, "register": f"{start:02x}", "data": data.hex()}

    def _usual(self, data: bytes) -> int | None:
        if len(data) == 1 and data[0] in _CHIPS:
            return _ID
        return _USUAL.get(len(data))

    def _range(self, start: int, end: int) -> bytes | None:
        """The registers from start up to before end, if all are known."""
        values = [self._known.get(at) for at in range(start, end)]
        return None if None in values else bytes(value for value in values if value is not None)

    def _sample(self, start: int, end: int) -> Event | str | None:
        trim = self._range(_TRIM, _TRIM + 24)
        fine = self._range(0xFA, 0xFD)
        if trim is None or fine is None:
            return "no_calibration" if trim is None else "no_temperature"
        press = self._range(_DATA, 0xFA) if start <= _DATA and end >= 0xFA else None
        humid = self._range(0xFD, 0xFF) if start <= 0xFD and end >= 0xFF else None
        trim_rh = self._range(_TRIM_RH, 0xE8)
        wet = trim_rh is not None and 0xA1 in self._known and self.model != "bmp280"
        registers = bytearray(256)
        registers[_ID] = 0x60 if wet else 0x58
        registers[_TRIM : _TRIM + 26] = trim + bytes((0, self._known.get(0xA1, 0)))
        registers[_TRIM_RH:0xE8] = trim_rh or bytes(7)
        registers[_DATA : _DATA + 8] = (press or _SKIPPED) + fine + (humid or _SKIPPED[:2])
        event = self._judged_by_driver(registers)
        if event is not None and not (start <= 0xFA and end >= 0xFD):
            event.pop("temp", None)  # it is an earlier read's
        return event

    def _judged_by_driver(self, registers: bytearray) -> Event | None:
        """The driver finds its own settings in the registers: other programs set others."""

        def answer(command: bytes, n: int) -> bytes:
            if not n and len(command) % 2 == 0:  # pairs of register and value
                for register, value in zip(command[::2], command[1::2], strict=True):
                    # Forced mode has gone back to sleep when the sample is there.
                    registers[register] = value & 0xFC if register == _CTRL_MEAS else value
            return bytes(registers[command[0] : command[0] + n])

        return self.judged(answer)
