"""machine.UART: reading and writing are the file's own, all else is done at the other end."""

import io

import _chip

_files = {}  # a file that nobody holds any more would close the line for good


class UART(io.IOBase):
    def __init__(self, *args, **more):
        self._path = _chip.ask("uart", args, more)._path
        fd = self.fd
        if fd not in _files:
            _files[fd] = open(fd, "r+b")
        self.read = _files[fd].read
        self.readinto = _files[fd].readinto
        self.write = _files[fd].write

    def __getattr__(self, name):
        return _chip.ask(self._path, name)

    def ioctl(self, request, _):
        """Stream protocol, for select and asyncio: wait for the file (MP_STREAM_GET_FILENO is 10)."""
        return self.fd if request == 10 else 0
