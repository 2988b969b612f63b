"""Bosch BME280 and BMP280 over I2C: forced mode, oversampling x1, no filter, the datasheet's weather mode.

BME280 datasheet BST-BME280-DS002, revision 1.6 (September 2018): registers in section 5.3 and 5.4, weather
monitoring in 3.5.1 (noise 3.3 Pa and 0.07 %RH), start-up 2 ms (table 1), calibration words in table 16,
compensation in 8.1 (floating point), measuring time in 9.1: 1.25 + 2.3 + 2 * (2.3 + 0.575) = 9.3 ms at most;
ranges in tables 2 to 4. BMP280 datasheet BST-BMP280-DS001: the same registers without humidity, chip id 58
(56 and 57 are samples).

Floating point, since the integer formulas do not fit into the chip's small ints of 31 bits and would allocate
as much. The chip's floats have 24 bits; in these formulas that costs less than 0.001 degC, 0.001 % and
0.01 hPa, below the sensor's noise (tests/firmware/test_climate_streams.py rounds each operation and
compares).

Nothing here has a checksum. So calibration and samples count only when two readings of them agree, and with
each sample come the control registers in front of it: they must be as they were set, with the chip back
asleep. A chip that lost its supply, and a bus that reads all 00 or all FF, fail that.

The chip's setting up, up to where it is ready to measure, is in node/bme280_setup.py: loaded for that.

Equal raw words: 3.3 Pa are 1.3 steps of the pressure's 16 bits, so pressure alone repeats once in four or
five samples, and 24 times in a row never; BMP280 alike.
"""

# pyright: reportAttributeAccessIssue=false
# bme280_setup.py gives a driver the rest of its attributes.

from node import use_once

from .climate_check import Probe


def compensate(c, p, t, h):
    """(degC, hPa, %RH) of raw values; c: T1 to T3, P1 to P9, H1 to H6. The humidity is not yet cropped, and
    None when c ends with H1. Without the pressure's division by zero: 0 hPa."""
    x = t / 16384 - c[0] / 1024
    y = t / 131072 - c[0] / 8192
    fine = x * c[1] + y * y * c[2]
    x = fine / 2 - 64000
    y = x * x * c[8] / 32768 + x * c[7] * 2
    y = y / 4 + c[6] * 65536.0
    x = (c[5] * x * x / 524288 + c[4] * x) / 524288
    x = (1 + x / 32768) * c[3]
    if x:
        x = (1048576 - p - y / 4096) * 6250 / x
        x += (c[11] * x * x / 2147483648.0 + x * c[10] / 32768 + c[9]) / 16
    if len(c) > 13:
        y = fine - 76800
        h -= c[15] * 64 + c[16] / 16384 * y
        h *= c[13] / 65536 * (1 + c[17] / 67108864.0 * y * (1 + c[14] / 67108864.0 * y))
        h *= 1 - c[12] * h / 524288
    else:
        h = None
    return fine / 5120, x / 100, h


class Bme280(Probe):
    """{"kind": "data", "temp", "press"[, "rh"]} in degC, hPa and %. A value that was skipped is left out.

    `model` becomes bmp280 when the chip says so. Any other chip gives no values and counts as `unknown`.
    """

    addresses = (0x76, 0x77)
    HIGH = 85
    # Settings, which start a measurement: ctrl_hum, config, ctrl_meas; then those and the sample.
    STEPS = MEASURE = (b"\xf2\x01\xf5\x00\xf4\x25", 11, b"\xf2", 0, 13, 0)

    def __init__(self):
        Probe.__init__(self)
        self.model = "bme280"
        self._trim = self._last = ()
        use_once("bme280_setup", "begin", self)

    def reset(self):
        """Forget the dialogue and begin it anew."""
        Probe.reset(self)
        if self.STEPS is self.MEASURE:
            use_once("bme280_setup", "begin", self)

    def feed(self, data):
        if self.STEPS is not self.MEASURE:
            return use_once("bme280_setup", "feed", self, data)
        # All is read twice in a row.
        if not self._last:
            self._last = bytes(data)
            self._step -= 2
            return []
        if data != self._last:
            return self._fail("state")
        self._last = ()
        humid = self.model == "bme280"
        # ctrl_hum, measuring, ctrl_meas (now in sleep mode), config
        if data[1] & 8 or data[2] != 0x24 or data[3] & 0xFC or (humid and data[0] & 7 != 1):
            return self._fail("state")
        p = data[5] << 12 | data[6] << 4 | data[7] >> 4
        t = data[8] << 12 | data[9] << 4 | data[10] >> 4
        h = data[11] << 8 | data[12]
        temp, press, rh = compensate(self._trim, p, t, h)
        if t == 0x80000:
            temp = press = rh = None
        if p == 0x80000:
            press = None
        if h == 0x8000:
            rh = None
        # The formula's own crop, for what is tolerance; further out it is no humidity.
        if rh is not None and -10 < rh < 110:
            rh = min(max(rh, 0), 100)
        return self._end(data[5:], temp, rh, press)
