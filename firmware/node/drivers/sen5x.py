"""Sensirion SEN50, SEN54, SEN55 over I2C. Datasheet version 2 (D1, March 2022), section 6.1.

VOC and NOx indices are not read on: the wire contract does not carry them.
"""

from .sensirion_i2c import I2cDialogue


def values(data):
    """The data event of 16 bytes of measured values without CRCs, or the reason (str) to reject them.

    {"kind": "data", "pm1", "pm25", "pm4", "pm10" in ug/m3, "temp" degC, "rh" %}, without what the sensor
    marks as unknown: FFFF, and for the signed ones 7FFF too (section 6.1.5).
    Mass 0 to 1000, section 2.2; the classes are cumulative, 1 % and 0.1 for rounding are a judgement.
    Humidity 0 to 100; temperature -40 to 70, the widest of table 6, and left out together with humidity
    outside the operating range of -10 to 50.
    """
    if len(data) != 16:
        return "length"
    event = {"kind": "data"}
    last = 0
    i = 0
    for name in ("pm1", "pm25", "pm4", "pm10"):
        x = data[i] << 8 | data[i + 1]
        i += 2
        if x == 0xFFFF:
            continue
        if x > 10000 or last > x + x // 100 + 1:
            return "out_of_range"
        last = x
        event[name] = x / 10
    rh = data[8] << 8 | data[9]
    temp = data[10] << 8 | data[11]
    if rh & 0x7FFF != 0x7FFF and rh > 10000:
        return "out_of_range"
    known = temp & 0x7FFF != 0x7FFF
    if temp & 0x8000:
        temp -= 0x10000
    if known and not -8000 <= temp <= 14000:
        return "out_of_range"
    if known and rh <= 10000 and -2000 <= temp <= 10000:
        event["temp"] = temp / 200
        event["rh"] = rh / 100
    return event


class Sen5x(I2cDialogue):
    """`climate_flag` is climate_error when a SEN54 or SEN55 gave no usable temperature and humidity, or its
    status register says that it cannot talk to the part that measures them. Sleep is idle."""

    SLEEP_FROM = 0x10000
    STATUS_FROM = 0
    STEPS = (
        b"\x00\x00\x00\x00"
        b"\xd0\x14\x14\x30"
        b"\xd3\x04\x64\x00"
        b"\xd0\x33\x14\x30"
        b"\xd1\x00\x14\x03"
        b"\x00\x21\x32\x00"
        b"\x01\x04\xc8\x00"
        b"\x00\x00\x00\x00"
        b"\x02\x02\x14\x03"
        b"\x03\xc4\x14\x18"
        b"\x56\x07\x14\x00"
        b"\xd2\x06\x14\x06"
        b"\xd2\x10\x14\x00"
    )

    def __init__(self, model="sen55"):
        super().__init__()
        self.model = model
        self._rht = 0  # bit 6 of the status register: no talk with the part for temperature and humidity

    def _hello(self, data):
        name = bytes(data[:5])
        if name in (b"SEN50", b"SEN54", b"SEN55"):
            self.model = str(name, "ascii").lower()
        return False

    def _status(self, data):
        if len(data) > 3:
            self._rht = data[3] & 0x40
            if data[1] & 0x08:  # its own cleaning is under way
                self.cleaning = True
        return super()._status(data) or self._rht

    def _values(self, data):
        event = values(data)
        if isinstance(event, str):
            return event
        if self._rht:
            event.pop("temp", None)
            event.pop("rh", None)
        self.climate_flag = None if self.model == "sen50" or "temp" in event else "climate_error"
        return event
