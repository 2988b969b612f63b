"""Opening a TCP connection as the ESP32's sockets tell of it; on CPython and on MicroPython."""

import asyncio
import errno
import select

from node.mqtt import dial

HOST = ("192.0.2.1", 1883)


class Socket:
    """As the ESP32 port's over lwIP. `end`: the error that the connection comes to, or None."""

    def __init__(self, end):
        self.end = end

    def setblocking(self, flag):
        assert not flag

    def connect(self, address):
        raise OSError(errno.EINPROGRESS, "connecting")

    def recv(self, count):
        if self.end:
            raise OSError(self.end, "ended")
        return b""


class Poll:
    """socket_stream_ioctl there: a hang-up is looked for only when it is asked for."""

    def register(self, sock, events):
        self.sock = sock
        self.events = events
        self.turns = 0

    def poll(self, timeout):
        self.turns += 1
        if self.turns < 3:
            return []
        got = select.POLLOUT
        if self.sock.end and self.events & select.POLLHUP:
            got |= select.POLLHUP
        return [(self.sock, got & (self.events | select.POLLERR))]


class FakeSelect:
    POLLOUT = select.POLLOUT
    POLLHUP = select.POLLHUP
    POLLERR = select.POLLERR
    poll = Poll


class FakeAsyncio:
    async def sleep_ms(self, ms):
        pass


def connect(end):
    """The errno that it fails with, None when it is connected."""
    kept = dial.select, dial.asyncio
    dial.select, dial.asyncio = FakeSelect, FakeAsyncio()
    try:
        asyncio.run(dial._connect(Socket(end), HOST))
    except OSError as error:
        return error.args[0]
    finally:
        dial.select, dial.asyncio = kept
    return None


def test_a_connection():
    assert connect(None) is None


def test_a_refusal_is_one_although_the_chip_calls_it_a_reset():
    assert connect(errno.ECONNRESET) == errno.ECONNREFUSED
    assert connect(errno.ECONNREFUSED) == errno.ECONNREFUSED


def test_other_reasons_are_told_as_they_are():
    assert connect(errno.EHOSTUNREACH) == errno.EHOSTUNREACH
