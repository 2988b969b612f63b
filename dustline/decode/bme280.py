"""BME280 and BMP280: registers, whose meaning hangs on calibration words read before.

BME280 datasheet BST-BME280-DS002 revision 1.6, section 5.3 (memory map).
"""

from __future__ import annotations

from typing import Any

from dustline.decode.i2c import Answers
from dustline.decode.parts import Event, driver_module

_ID, _TRIM, _TRIM_RH, _DATA = 0xD0, 0x88, 0xE1, 0xF7
_CHIPS = {0x60: "bme280", 0x58: "bmp280", 0x56: "bmp280", 0x57: "bmp280"}
_SKIPPED = 0x80000
_RANGES = (("temp", -40, 85), ("press", 300, 1100), ("rh", 0, 100))  # tables 2 to 4
# What a read of so many bytes begins with, when the capture does not say: the usual bursts.
_USUAL = {24: _TRIM, 26: _TRIM, 7: _TRIM_RH, 8: _DATA, 6: _DATA, 13: 0xF2}


class Bme280(Answers):
    """Keeps the registers that were read; a read of sample registers gives what its bytes and the
    calibration known by then tell. The formulas are the driver's; its checks of the settings are not used,
    since other programs set others."""

    addresses = (0x76, 0x77)

    def __init__(self) -> None:
        super().__init__()
        self._module: Any = driver_module("bme280")
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
        return self._values(trim, fine, start, end)

    def _values(self, trim: bytes, fine: bytes, start: int, end: int) -> Event | str:
        """The event of the values whose registers lie in start..end; a value that was skipped is left out."""
        adc = int.from_bytes(fine, "big") >> 4
        if adc == _SKIPPED:
            return "state"
        temp, t_fine = self._module.celsius(trim, adc)
        event: Event = {"kind": "data"}
        if start <= 0xFA and end >= 0xFD:
            event["temp"] = temp
        press = self._range(_DATA, 0xFA) if start <= _DATA and end >= 0xFA else None
        if press is not None and (adc := int.from_bytes(press, "big") >> 4) != _SKIPPED:
            event["press"] = self._module.hectopascals(trim, t_fine, adc)
        humid = self._range(0xFD, 0xFF) if start <= 0xFD and end >= 0xFF else None
        trim_rh = self._range(_TRIM_RH, 0xE8)
        if humid and trim_rh and 0xA1 in self._known and self.model != "bmp280":
            adc = int.from_bytes(humid, "big")
            if adc != _SKIPPED >> 4:
                rh = self._module.percent(self._known[0xA1], trim_rh, t_fine, adc)
                # As the driver: the formula's own crop for what is tolerance.
                event["rh"] = min(max(rh, 0), 100) if -10 < rh < 110 else rh
        if len(event) == 1:
            return "state"
        if not all(low <= event.get(name, low) <= high for name, low, high in _RANGES):
            return "out_of_range"
        return event
