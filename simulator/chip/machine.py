"""Stand-in for MicroPython's `machine` on the ESP32, for the Unix port. Values as in the ESP32 port.

What is not here raises AttributeError, as it should: no pretending.
"""

import binascii
import io
import select
import sys
import termios
import time

import _chip

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_CAUSES = {
    "power": PWRON_RESET,
    "hard": HARD_RESET,
    "watchdog": WDT_RESET,
    "deepsleep": DEEPSLEEP_RESET,
    "soft": SOFT_RESET,
}
_FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
_freq = 160000000

# Requests of MicroPython's stream protocol (py/stream.h).
_STREAM_POLL = 3
_STREAM_CLOSE = 4
_STREAM_GET_FILENO = 10
_ERROR = -22

# Indices in the terminal's list of control characters.
_VMIN, _VTIME = (16, 17) if sys.platform == "darwin" else (6, 5)


def reset():
    """As the reset button does: no `finally` runs, no buffer is flushed, RAM is lost."""
    _chip.end("hard")


def soft_reset():
    """Leaves Wi-Fi up, as on the chip."""
    _chip.end("soft")


def deepsleep(time_ms=None):
    """Ends the process; the runner starts it again after `time_ms` (never by itself when not given)."""
    _chip.end("deepsleep", -1.0 if time_ms is None else time_ms / 1000)


def reset_cause():
    _chip.tick()
    return _CAUSES[_chip.description.get("reset_cause", "power")]


def unique_id():
    return binascii.unhexlify(_chip.description["unique_id"])


def freq(hertz=None):
    global _freq
    _chip.tick()
    if hertz is None:
        return _freq
    if hertz not in _FREQUENCIES:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _freq = hertz
    return None


def idle():
    _chip.tick()
    time.sleep_ms(1)


class Pin:
    """A pin that nothing is wired to: it keeps the level it was given."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    _NONE = (20, 24, 28, 29, 30, 31)
    _levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if not 0 <= id <= 39 or id in self._NONE:
            raise ValueError("invalid pin")
        self._id = id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        _chip.tick()
        if self._id >= 34 and mode in (self.OUT, self.OPEN_DRAIN):
            raise ValueError("pin can only be input")
        if pull == self.PULL_UP:
            self._levels.setdefault(self._id, 1)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        _chip.tick()
        if level is None:
            return self._levels.get(self._id, 0)
        self._levels[self._id] = 1 if level else 0
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def __repr__(self):
        return "Pin(%d)" % self._id


class WDT:
    """Task watchdog. It cannot be stopped once started. See _chip.tick for what it does not see."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("invalid watchdog")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _chip.watch(timeout)

    def feed(self):
        _chip.feed()


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


class UART(io.IOBase):
    """A serial port over the pty named in the chip's file; without a name there, an unconnected one.

    `dropped` counts bytes that came while the receive buffer was full: the newest are lost, as on the chip.
    """

    INV_TX = 32
    INV_RX = 4

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **rest):
        if id == 0:
            raise ValueError("UART(0) is disabled (dedicated to REPL)")
        if not 1 <= id <= 2:
            raise ValueError("UART(%d) does not exist" % id)
        self._id = id
        self._name = _chip.description.get("uart", {}).get(str(id))
        self._file = None
        self._rxbuf = 256
        self.dropped = 0
        self._scratch = bytearray(64)
        self.init(baudrate, bits, parity, stop, **rest)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        rts=None,
        cts=None,
        txbuf=256,
        rxbuf=None,
        timeout=0,
        timeout_char=0,
        invert=0,
    ):
        _chip.tick()
        if rxbuf is not None:
            self._rxbuf = max(rxbuf, 129)  # the IDF's driver refuses anything up to the FIFO's 128 bytes
        self.baudrate = baudrate
        self._timeout = timeout
        self._buffer = bytearray(self._rxbuf)
        self._start = self._count = 0
        if self._file is None and self._name:
            self._open()

    def _open(self):
        try:
            self._file = open(self._name, "r+b")
        except OSError:
            _chip.gone("the serial line %s of UART %d" % (self._name, self._id))
        handle = self._file.fileno()
        termios.setraw(handle)
        settings = termios.tcgetattr(handle)
        settings[6][_VMIN] = settings[6][_VTIME] = 0  # read() gives what is there, at once
        termios.tcsetattr(handle, termios.TCSANOW, settings)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN | select.POLLOUT)
        while self._file.readinto(self._scratch):  # sent before the port was open: nobody heard it
            pass

    def deinit(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def _writable(self):
        """Poll the line once: end the process if it hung up; say whether bytes can be written."""
        events = 0
        for item in self._poll.ipoll(0):
            events = item[1]
        if events & (select.POLLHUP | select.POLLERR):
            _chip.gone("the serial line %s of UART %d" % (self._name, self._id))
        return events & select.POLLOUT

    def _fill(self):
        """Move what the line brought into the receive buffer; drop what does not fit."""
        _chip.tick()
        if self._file is None:
            return
        self._writable()
        while self._count < self._rxbuf:
            tail = (self._start + self._count) % self._rxbuf
            stop = self._start if tail < self._start else self._rxbuf
            got = self._file.readinto(memoryview(self._buffer)[tail:stop])
            if not got:
                return
            self._count += got
        while True:
            got = self._file.readinto(self._scratch)
            if not got:
                return
            self.dropped += got

    def _await(self):
        """Wait up to `timeout` ms for the first byte. True if there is one."""
        self._fill()
        deadline = time.ticks_add(time.ticks_ms(), self._timeout)
        while not self._count and time.ticks_diff(deadline, time.ticks_ms()) > 0:
            time.sleep_ms(1)
            self._fill()
        return self._count

    def any(self):
        self._fill()
        return self._count

    def readinto(self, target, size=None):
        if not self._await():
            return None
        wanted = min(len(target) if size is None else size, len(target), self._count)
        first = min(wanted, self._rxbuf - self._start)
        view = memoryview(self._buffer)
        target[:first] = view[self._start : self._start + first]
        if wanted > first:
            target[first:wanted] = view[: wanted - first]
        self._start = (self._start + wanted) % self._rxbuf
        self._count -= wanted
        return wanted

    def read(self, size=-1):
        if not self._await():
            return None
        data = bytearray(self._count if size < 0 else min(size, self._count))
        self.readinto(data)
        return bytes(data)

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            more = self.read(1)
            if not more:
                break
            line += more
        return line or None

    def write(self, data):
        """Returns the number of bytes taken. An unconnected line takes all, as a wire in the air does."""
        _chip.tick()
        if self._file is not None and self._writable():
            self._file.write(data)
        return len(data)

    def ioctl(self, request, argument):
        """Stream protocol, so that select and asyncio.StreamReader work."""
        if request == _STREAM_POLL:
            self._fill()
            return argument & ((select.POLLIN if self._count else 0) | select.POLLOUT)
        if request == _STREAM_GET_FILENO:
            # With an empty buffer the kernel can do the waiting; else the data are here already.
            self._fill()
            return _ERROR if self._count or self._file is None else self._file.fileno()
        if request == _STREAM_CLOSE:
            self.deinit()
            return 0
        return _ERROR
