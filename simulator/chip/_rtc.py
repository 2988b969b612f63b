"""machine.RTC, loaded when first asked for."""

import binascii
import time

import _chip


class RTC:
    """Clock that starts at 2000-01-01 after a power cut and runs on through resets.

    It does not change time.time(), which is the host's here.
    """

    _EPOCH_US = 946684800 * 1000000
    _memory_max = 2048

    def __init__(self):
        self._kept = _chip.load(".rtc")
        if "offset_us" not in self._kept:
            self._kept["offset_us"] = self._EPOCH_US - self._host_us()
            self._save()

    def _host_us(self):
        return time.time_ns() // 1000

    def _save(self):
        _chip.save(".rtc", self._kept)

    def datetime(self, when=None):
        """(year, month, day, weekday 0-6 from Monday, hour, minute, second, microsecond)"""
        _chip.tick()
        if when is None:
            now = self._host_us() + self._kept["offset_us"]
            t = time.gmtime(now // 1000000)
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], now % 1000000)
        year, month, day, _, hour, minute, second, micro = when
        days = _days_since_1970(year, month, day)
        us = (days * 86400 + hour * 3600 + minute * 60 + second) * 1000000 + micro
        self._kept["offset_us"] = us - self._host_us()
        self._save()
        return None

    init = datetime

    def memory(self, data=None):
        _chip.tick()
        if data is None:
            return binascii.unhexlify(self._kept.get("memory", ""))
        if len(data) > self._memory_max:
            raise ValueError("buffer too long")
        self._kept["memory"] = binascii.hexlify(data).decode()
        self._save()
        return None


def _days_since_1970(year, month, day):
    """Proleptic Gregorian day number; mktime would apply the host's time zone."""
    year -= month <= 2
    era_year = year % 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year // 400 * 146097 + era_year * 365 + era_year // 4 - era_year // 100 + day_of_year - 719468
