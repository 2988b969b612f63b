"""Sensirion SPS30 over I2C. Datasheet version 1.0, section 6 (table 8: commands, times, answers)."""

from .sensirion_i2c import I2cDialogue
from .sps30 import values


class Sps30I2c(I2cDialogue):
    """Firmware 1 knows no sleep: stopped is then all."""

    model = "sps30"
    STEPS = (
        b"\x00\x00\x00\x00"
        b"\x11\x03\x05\x00"
        b"\xd3\x04\x64\x00"
        b"\xd0\x33\x05\x30"
        b"\xd1\x00\x05\x03"
        b"\x00\x10\x14\x00"
        b"\x01\x04\x14\x00"
        b"\x10\x01\x05\x00"
        b"\x02\x02\x05\x03"
        b"\x03\x00\x05\x3c"
        b"\x56\x07\x05\x00"
        b"\xd2\x06\x05\x06"
        b"\xd2\x10\x05\x00"
    )
    FORMAT = b"\x03\x00\xac"  # floats

    def __init__(self):
        super().__init__()
        self._values = values
        self._woken = -1000

    def _hello(self, data):
        """The wake-up is sent twice within 100 ms: the first only opens the interface, section 6.3.6."""
        first = self._now - self._woken > 500
        self._woken = self._now
        return first
