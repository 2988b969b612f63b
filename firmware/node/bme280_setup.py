"""A BME280 or BMP280 is found and set up: of the driver node.drivers.bme280 (`it`). Loaded for that."""

import struct

from micropython import const

# fmt: off
_STEPS = (
    b"\xd0", 0, 1, 0,  # chip id
    b"\xe0\xb6", 4,  # soft reset
    b"\xf3", 0, 1, 0,  # status
    b"\x88", 0, 26, 0,  # calibration
    b"\xe1", 0, 7, 0,  # and of the humidity
)
# fmt: on
# Numbers of the steps behind these.
_ID = const(2)
_BUSY = const(5)
_TRIM = const(7)


def begin(it):
    it.STEPS = _STEPS
    it._last = ()


def feed(it, data):
    step = it._step
    if step == _ID:
        it._trim = it._last = ()
        if data[0] != 0x60 and not 0x56 <= data[0] <= 0x58:
            return it._fail("unknown")
        it.model = "bme280" if data[0] == 0x60 else "bmp280"
    elif step == _BUSY:
        if data[0] & 1:  # it still copies its calibration
            return it._fail("state")
    # All else is read twice in a row.
    elif not it._last:
        it._last = bytes(data)
        it._step = step - 2
    elif data != it._last:
        return it._fail("state")
    else:
        it._last = ()
        if step == _TRIM:
            it._trim = struct.unpack("<HhhHhhhhhhhhxB", data)
            # T1 and P1 are never 0 or FFFF; a failed read is all 00 or all FF.
            if not 0 < it._trim[0] < 0xFFFF or not 0 < it._trim[3] < 0xFFFF:
                return it._fail("state")
        else:
            h2, h3, h4, both, h5, h6 = struct.unpack("<hBbBbb", data)
            if h2 in (0, -1):
                return it._fail("state")
            it._trim += (h2, h3, h4 << 4 | both & 15, h5 << 4 | both >> 4, h6)
        if step > _TRIM or it.model == "bmp280":
            it.STEPS = it.MEASURE
            it._step = 0
    return []
