"""A bad network between a node and its broker: bytes come late, in pieces, or no more; connections break.

Works on bytes, and so under TLS as well. What needs to know MQTT's packets is in bad_packets.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.bad_packets import PacketFault, Packets

HOST = "127.0.0.1"
CONNECT_S = 5.0
CHUNK = 4096
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What befalls a connection. `up` is from the node to the broker; as it stands, nothing happens."""

    delay_s: float = 0.0  # every piece waits so long,
    jitter_s: float = 0.0  # and up to so much longer
    piece: int = 0  # most bytes in one piece; 0 is as they come
    bytes_per_s: int = 0
    cut_up: int | None = None  # reset when so many bytes have passed
    cut_down: int | None = None
    cut_after_ack: bool = False  # reset right behind the gateway's first ack (needs plain text)
    silent_up: int | None = None  # half-open when so many bytes have passed: open, and nothing gets through
    silent_down: int | None = None
    answer: bytes | None = None  # this is said in the broker's place, and the connection closed
    packets: PacketFault | None = None


GOOD = Fault()


@dataclass
class Passed:
    """One connection's bytes, as they were handed on."""

    up: int = 0
    down: int = 0
    acked: tuple[int, int] | None = None  # (up, down) when the gateway's first ack had been handed on


class BadNetwork:
    """Leads from `port` of 127.0.0.1 to a server, badly. Runs in a thread of its own; use it from any.

    `script` says from a connection's number, counted from 0 since it was set, what befalls it.
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self.passed: list[Passed] = []  # one for each connection, in their order
        self._target = (host, port)
        self._seed = seed
        self._script: Callable[[int], Fault] = lambda _number: GOOD
        self._scripted = 0  # connections before the script was set
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad network", daemon=True)
        self._thread.start()
        self.port = 0
        self._do(self._listen())

    def script(self, fault_of: Callable[[int], Fault]) -> None:
        """For the connections to come."""
        self._script, self._scripted = fault_of, len(self.passed)

    def always(self, fault: Fault) -> None:
        """For the connections to come, and those that are open."""
        self.script(lambda _number: fault)
        self._do(self._change(fault))

    def lead_to(self, port: int) -> None:
        """Connections to come lead to this port of the same host."""
        self._target = (self._target[0], port)

    def silence(self) -> None:
        """Open connections are half-open from now on; new ones are not."""
        self._do(self._each(_Connection.silence))

    def cut(self) -> None:
        """Reset what is open."""
        self._do(self._each(_Connection.cut))

    def refuse(self, refusing: bool) -> None:
        """Refused connections are the system's doing: nobody listens. Raises OSError when somebody took the
        port in the meantime."""
        self._do(self._close_door() if refusing else self._listen())

    @property
    def connections(self) -> int:
        return len(self.passed)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
            self.port = int(self._server.sockets[0].getsockname()[1])

    async def _close_door(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _change(self, fault: Fault) -> None:
        for connection in self._open:
            connection.change(fault)

    async def _each(self, what: Callable[[_Connection], None]) -> None:
        for connection in list(self._open):
            what(connection)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = len(self.passed)
        fault = self._script(number - self._scripted)
        self.passed.append(Passed())
        connection = _Connection(reader, writer, fault, self.passed[-1], random.Random(self._seed + number))
        self._open.add(connection)
        try:
            # close() cancels; asyncio before 3.13 reports a cancelled handler as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await connection.run(self._target)
        finally:
            self._open.discard(connection)
            self._tasks.discard(task)

    async def _close(self) -> None:
        await self._close_door()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close their sockets


class _Connection:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault,
        passed: Passed,
        rng: random.Random,
    ) -> None:
        self._near = (reader, writer)
        self._far: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._fault = fault
        self._passed = passed
        self._rng = rng
        self._packets = Packets(fault.packets, rng)
        self._framed = fault.packets is not None
        self._over = asyncio.Event()
        self._silent = False
        self._ends = 0
        _no_delay(writer)

    def change(self, fault: Fault) -> None:
        """Packets are looked at from a connection's start or not at all."""
        self._fault = fault
        self._packets.fault = fault.packets

    def silence(self) -> None:
        self._silent = True

    def cut(self) -> None:
        """The broker has what was handed on, and sees an end; the node sees a reset."""
        if self._far is not None:
            self._far[1].close()
        _reset(self._near[1])
        self._over.set()

    async def run(self, target: tuple[str, int]) -> None:
        """Until one side ends it, or it is cut."""
        near = self._near
        try:
            if self._fault.answer is not None:
                await self._say(self._fault.answer)
                return
            try:
                self._far = far = await asyncio.wait_for(asyncio.open_connection(*target), CONNECT_S)
            except OSError:  # TimeoutError is one
                _reset(near[1])
                return
            _no_delay(far[1])
            ways = [
                asyncio.ensure_future(self._carry(near[0], True)),
                asyncio.ensure_future(self._carry(far[0], False)),
                asyncio.ensure_future(self._over.wait()),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        finally:
            for end in (near, self._far):
                if end is not None:
                    end[1].close()

    async def _say(self, answer: bytes) -> None:
        reader, writer = self._near
        with contextlib.suppress(ConnectionError):
            self._passed.up += len(await reader.read(CHUNK))
            writer.write(answer)
            await writer.drain()
            self._passed.down += len(answer)

    async def _carry(self, source: asyncio.StreamReader, up: bool) -> None:
        """One direction. On a silent connection neither side hears of the other's end."""
        with contextlib.suppress(ConnectionError):
            while True:
                data = await source.read(CHUNK)
                if not data:
                    break
                if not self._silent:
                    await self._hand_on(data, up)
        self._ends += 1
        if self._silent and self._ends < 2:
            if up:
                self._near[1].close()
            await self._over.wait()

    async def _hand_on(self, data: bytes, up: bool) -> None:
        if self._framed:
            # Whole packets only, and some for the side that they came from.
            to_broker, to_node = self._packets.take(data, up)
            await self._write(to_broker, True)
            await self._write(to_node, False)
            return
        if not up and self._passed.acked is None:
            behind = self._packets.behind_first_ack(data)
            if behind is not None:
                await self._write(data[:behind], False)
                self._passed.acked = (self._passed.up, self._passed.down)
                if self._fault.cut_after_ack:
                    self.cut()
                    return
                data = data[behind:]
        await self._write(data, up)

    async def _write(self, data: bytes, up: bool) -> None:
        far = self._far
        assert far is not None
        while data:
            fault = self._fault
            if fault.delay_s or fault.jitter_s:
                await asyncio.sleep(fault.delay_s + self._rng.random() * fault.jitter_s)
            piece = data[: fault.piece] if fault.piece else data
            passed = self._passed.up if up else self._passed.down
            limit = _least(
                fault.cut_up if up else fault.cut_down, fault.silent_up if up else fault.silent_down
            )
            if limit is not None:
                piece = piece[: max(0, limit - passed)]
            writer = far[1] if up else self._near[1]
            writer.write(piece)
            await writer.drain()
            if up:
                self._passed.up += len(piece)
            else:
                self._passed.down += len(piece)
            if limit is not None and passed + len(piece) >= limit:
                if limit == (fault.cut_up if up else fault.cut_down):
                    self.cut()
                else:
                    self.silence()
                return
            data = data[len(piece) :]
            if fault.bytes_per_s:
                await asyncio.sleep(len(piece) / fault.bytes_per_s)
            elif fault.piece:
                await asyncio.sleep(0.0005)  # or the next one would join it in the system's buffer


def _least(one: int | None, other: int | None) -> int | None:
    known = [limit for limit in (one, other) if limit is not None]
    return min(known, default=None)


def _no_delay(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
