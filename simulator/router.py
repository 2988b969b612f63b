"""The router between a node and the world: relays its connections, and can be switched off in mid-flow.

Off means silence, as radio waves that nobody answers: open connections carry nothing and are not closed, and
flow again when it is on; new ones are refused. Datagrams sent meanwhile are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

HOST = "127.0.0.1"
CONNECT_S = 5.0
ANSWER_S = 5.0
CHUNK = 4096
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s

T = TypeVar("T")


class Router:
    """tcp() and udp() give the local port that stands for a remote address. Runs in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._on = asyncio.Event()
        self._on.set()
        self._servers: list[asyncio.Server] = []
        self._doors: dict[int, tuple[str, int]] = {}  # our TCP port: where it leads
        self._tasks: set[asyncio.Task[None]] = set()
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="router", daemon=True)
        self._thread.start()

    def tcp(self, host: str, port: int) -> int:
        return self._do(self._open_door(0, host, port))

    def udp(self, host: str, port: int) -> int:
        return self._do(self._open_mailbox(host, port))

    def switch(self, on: bool) -> None:
        """Returns when it has taken effect. Raises OSError when a port was taken in the meantime."""
        self._do(self._switch(on))

    def close(self) -> None:
        """Close every connection and end the thread."""
        if self._loop.is_closed():
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _open_door(self, ours: int, host: str, port: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                # close() cancels; asyncio before 3.13 reports a cancelled handler as an error.
                with contextlib.suppress(asyncio.CancelledError):
                    await self._relay(reader, writer, host, port)
            finally:
                self._tasks.discard(task)

        server = await asyncio.start_server(serve, HOST, ours)
        self._servers.append(server)
        ours = int(server.sockets[0].getsockname()[1])
        self._doors[ours] = (host, port)
        return ours

    async def _switch(self, on: bool) -> None:
        if on == self._on.is_set():
            return
        if not on:
            self._on.clear()
            for server in self._servers:
                server.close()
            self._servers.clear()
            return
        for ours, (host, port) in list(self._doors.items()):
            await self._open_door(ours, host, port)
        self._on.set()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        try:
            far = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_S)
        except OSError:  # TimeoutError is one
            # As near as a relay comes to "connection refused".
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
            return
        ways = [
            asyncio.ensure_future(self._pass_on(reader, far[1])),
            asyncio.ensure_future(self._pass_on(far[0], writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            far[1].close()
            writer.close()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Until one side closes or breaks off; that too is noticed only while the router is on."""
        with contextlib.suppress(ConnectionError):
            while True:
                data = await source.read(CHUNK)
                await self._on.wait()
                if not data:
                    return
                target.write(data)
                await target.drain()
        await self._on.wait()

    async def _open_mailbox(self, host: str, port: int) -> int:
        transport, mailbox = await self._loop.create_datagram_endpoint(
            lambda: _Mailbox(self, (host, port)), local_addr=(HOST, 0)
        )
        mailbox.transport = transport
        self._datagrams.append(transport)
        return int(transport.get_extra_info("sockname")[1])

    async def ask(self, data: bytes, remote: tuple[str, int]) -> bytes | None:
        """One datagram there and one back; None when it was lost on either way."""
        if not self._on.is_set():
            return None
        answer: asyncio.Future[bytes] = self._loop.create_future()
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _Reply(answer), remote_addr=remote)
        try:
            transport.sendto(data)
            got = await asyncio.wait_for(answer, ANSWER_S)
        except OSError:
            return None
        finally:
            transport.close()
        return got if self._on.is_set() else None

    def keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for transport in self._datagrams:
            transport.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close their sockets


class _Mailbox(asyncio.DatagramProtocol):
    """Our side of a UDP address: each datagram is asked on, the answer goes back to its sender."""

    def __init__(self, router: Router, remote: tuple[str, int]) -> None:
        self._router = router
        self._remote = remote
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._router.keep(asyncio.ensure_future(self._answer(data, addr)))

    async def _answer(self, data: bytes, sender: tuple[str | Any, int]) -> None:
        got = await self._router.ask(data, self._remote)
        if got is not None and self.transport is not None:
            self.transport.sendto(got, sender)


class _Reply(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc)
