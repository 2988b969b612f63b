"""machine.UART, loaded when first asked for."""

import io
import select
import sys
import termios
import time

import _chip

# Requests of MicroPython's stream protocol (py/stream.h).
_STREAM_POLL = 3
_STREAM_CLOSE = 4
_STREAM_GET_FILENO = 10
_ERROR = -22

# Indices in the terminal's list of control characters.
_VMIN, _VTIME = (16, 17) if sys.platform == "darwin" else (6, 5)


class UART(io.IOBase):
    """A serial port over the pty named in the chip's file; without a name there, an unconnected one.

    `dropped` counts bytes that came while the receive buffer was full: the newest are lost, as on the chip.
    """

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
