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

Equal raw words: 3.3 Pa are 1.3 steps of the pressure's 16 bits, so pressure alone repeats once in four or
five samples, and 24 times in a row never; BMP280 alike.
"""

from micropython import const

from .climate_check import Probe

_ID = const(1)
_BUSY = const(4)
_TRIM = const(6)
_TRIM_RH = const(8)
_MEASURE = const(9)


def _u16(b, i):
    return b[i] | b[i + 1] << 8


def _s16(b, i):
    return (_u16(b, i) ^ 0x8000) - 0x8000


def _s12(high, low):
    return ((high << 4 | low) ^ 0x800) - 0x800


def celsius(b, adc):
    """degC and t_fine, from the calibration bytes 88..A1 and the 20 bits of the temperature."""
    t1 = _u16(b, 0)
    x = adc / 16384 - t1 / 1024
    y = adc / 131072 - t1 / 8192
    fine = x * _s16(b, 2) + y * y * _s16(b, 4)
    return fine / 5120, fine


def hectopascals(b, fine, adc):
    """hPa; 0 where the formula would divide by zero."""
    x = fine / 2 - 64000
    y = x * x * _s16(b, 16) / 32768 + x * _s16(b, 14) * 2
    y = y / 4 + _s16(b, 12) * 65536.0
    x = (_s16(b, 10) * x * x / 524288 + _s16(b, 8) * x) / 524288
    x = (1 + x / 32768) * _u16(b, 6)
    if x == 0:
        return 0
    p = (1048576 - adc - y / 4096) * 6250 / x
    x = _s16(b, 22) * p * p / 2147483648.0
    y = p * _s16(b, 20) / 32768
    return (p + (x + y + _s16(b, 18)) / 16) / 100


def percent(h1, b, fine, adc):
    """%RH, not yet cropped; b is the calibration E1..E7."""
    x = fine - 76800
    h = adc - (_s12(b[3], b[4] & 15) * 64 + _s12(b[5], b[4] >> 4) / 16384 * x)
    h6 = (b[6] ^ 0x80) - 0x80
    h *= _s16(b, 0) / 65536 * (1 + h6 / 67108864.0 * x * (1 + b[2] / 67108864.0 * x))
    return h * (1 - h1 * h / 524288)


class Bme280(Probe):
    """{"kind": "data", "temp", "press"[, "rh"]} in degC, hPa and %. A value that was skipped is left out.

    `model` becomes bmp280 when the chip says so. Any other chip gives no values and counts as `unknown`.
    """

    addresses = (0x76, 0x77)
    # fmt: off
    STEPS = (
        b"\xd0", 0, 1, 0,  # chip id
        b"\xe0\xb6", 4,  # soft reset
        b"\xf3", 0, 1, 0,  # status
        b"\x88", 0, 26, 0,  # calibration
        b"\xe1", 0, 7, 0,  # and of the humidity
        b"\xf2\x01\xf5\x00\xf4\x25", 11,  # ctrl_hum, config, ctrl_meas: starts a measurement
        b"\xf2", 0, 13, 0,  # settings and sample
    )
    # fmt: on
    FIRST = _MEASURE

    def __init__(self):
        Probe.__init__(self)
        self.model = "bme280"
        self._trim = self._trim_rh = self._last = b""

    def _take(self, data, step):
        if step == _ID:
            self._last = b""
            if data[0] == 0x60:
                self.model = "bme280"
            elif 0x56 <= data[0] <= 0x58:
                self.model = "bmp280"
            else:
                return self._fail("unknown")
        elif step == _BUSY:
            if data[0] & 1:  # it still copies its calibration
                return self._fail("state")
        elif step == _TRIM:
            # T1 and P1 are never 0 or FFFF; a failed read is all 00 or all FF.
            if not 0 < _u16(data, 0) < 0xFFFF or not 0 < _u16(data, 6) < 0xFFFF:
                return self._fail("state")
            self._trim = self._agreed(self._trim, data)
            if self._step == step + 1 and self.model[2] == "p":
                self._step = _MEASURE
        elif step == _TRIM_RH:
            if not 0 < _u16(data, 0) < 0xFFFF:
                return self._fail("state")
            self._trim_rh = self._agreed(self._trim_rh, data)
        else:
            return self._sample(data)
        return None

    def _agreed(self, before, data):
        """Read it again until it is as it was the last time."""
        if data != before:
            if before:
                self._fail("state")
            else:
                self._step -= 2
        return bytes(data)

    def _sample(self, data):
        before = self._last
        self._last = b"" if before else bytes(data)
        if not before:
            self._step -= 2
            return None
        wet = self.model[2] == "e"
        # ctrl_hum, measuring, ctrl_meas (now in sleep mode), config
        if data != before or data[1] & 8 or data[2] != 0x24 or data[3] & 0xFC or (wet and data[0] & 7 != 1):
            return self._fail("state")
        event = {"kind": "data"}
        adc = data[8] << 12 | data[9] << 4 | data[10] >> 4
        if adc != 0x80000:
            temp, fine = celsius(self._trim, adc)
            self._put(event, "temp", temp, -40, 85)
            adc = data[5] << 12 | data[6] << 4 | data[7] >> 4
            if adc != 0x80000:
                self._put(event, "press", hectopascals(self._trim, fine, adc), 300, 1100)
            adc = data[11] << 8 | data[12]
            if wet and adc != 0x8000:
                rh = percent(self._trim[25], self._trim_rh, fine, adc)
                # The formula's own crop, for what is tolerance; further out it is no humidity.
                self._put(event, "rh", min(max(rh, 0), 100) if -10 < rh < 110 else rh, 0, 100)
        return self._end(event, data[5:])
