"""What stands in for board.py: no radio, one particle sensor that never speaks, NVS on the stand-in disk."""

import simtime

BEGAN_MS = 1764000000000  # UTC at which the scripted day begins


class Restart(Exception):
    """The node asked for a new start."""


class _Uart:
    def any(self):
        return 0

    def read(self, _size=None):
        return None

    def readinto(self, _buffer, _size=None):
        return None

    def write(self, data):
        return len(data)

    def deinit(self):
        pass


class _Wifi:
    def start(self, hostname):
        pass

    def rssi(self):
        return -60

    def is_up(self):
        return True

    def status(self):
        return "idle"


class _Pin:
    """The boot button, which nobody presses."""

    IN = PULL_UP = 0

    def __init__(self, _number, _mode, _pull):
        pass

    def __call__(self):
        return 1


class _Machine:
    Pin = _Pin


class Board:
    """One start of the chip after a power cut: its clock and its memory begin anew."""

    Wifi = _Wifi
    machine = _Machine

    def __init__(self, disk):
        self.nvs_get = disk.nvs_get
        self.nvs_set = disk.nvs_set
        self.memory = b""
        self.rtc = 946684800000
        self.began = 0  # ms of uptime, set by a start that continues the one before a deep sleep

    def uptime_ms(self):
        return self.began + simtime.now()

    def set_uptime(self, ms):
        self.began = ms - simtime.now()

    def rtc_ms(self):
        return self.rtc + simtime.now()

    def rtc_set(self, utc_ms):
        self.rtc = utc_ms - simtime.now()

    def rtc_memory(self, data=None):
        if data is not None:
            self.memory = bytes(data)
        return self.memory

    def reset_cause(self):
        return "power"

    def restart(self):
        raise Restart

    def deepsleep(self, ms):
        raise Restart

    def open_watchdog(self, seconds):
        return self

    def feed(self):
        pass

    def open_led(self, number):
        return lambda *level: None

    open_switch = open_led

    def open_uart(self, number, tx, rx, baud, rxbuf):
        return _Uart()

    def level(self, number):
        return 0
