"""What the node's sockets reach: a door to a real broker, and two time servers that know the simulated time.

All is carried in one thread, and only when the node asks for it: settle() returns once nothing more moves.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable
from typing import cast

from simulator.days.gateway import Gateway
from simulator.ntp import CLIENT, PACKET, SERVER, timestamp

HOST = "127.0.0.1"
WAIT_S = 20.0  # real seconds in which the broker must answer
CHUNK = 65536


def quick_ack(one: socket.socket) -> None:
    """Linux only; elsewhere the kernel's delays make a run slower."""
    if hasattr(socket, "TCP_QUICKACK"):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Net:
    """`truth`: the true time, Unix seconds. `radio`: off = silence; nothing is closed, nothing is carried."""

    def __init__(
        self, broker_port: int, gateway: Gateway, truth: Callable[[], float], broker_host: str = HOST
    ) -> None:
        self.gateway = gateway
        self.ntp_answers = True
        self.carried = 0  # bytes from and to the broker
        self._truth = truth
        self._broker = (broker_host, broker_port)
        self._selector = selectors.DefaultSelector()
        self._far: dict[socket.socket, socket.socket] = {}  # each end of a relayed connection -> the other
        self._door = socket.create_server((HOST, 0), backlog=16)
        self._clocks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for clock in self._clocks:
            clock.bind((HOST, 0))
        self._radio = False
        self._selector.register(gateway.socket, selectors.EVENT_READ, self._from_gateway)
        self.radio = True

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    @property
    def ntp(self) -> list[str]:
        return [f"{HOST}:{clock.getsockname()[1]}" for clock in self._clocks]

    @property
    def connected(self) -> bool:
        """Whether the node reaches the broker."""
        return self._radio and bool(self._far)

    @property
    def radio(self) -> bool:
        return self._radio

    @radio.setter
    def radio(self, on: bool) -> None:
        if on == self._radio:
            return
        self._radio = on
        if not on:
            for one in (self._door, *self._clocks, *self._far):
                self._selector.unregister(one)
            return
        for clock in self._clocks:
            with contextlib.suppress(BlockingIOError):
                while clock.recv(512, socket.MSG_DONTWAIT):
                    pass  # datagrams are lost meanwhile
            self._selector.register(clock, selectors.EVENT_READ, self._answer_time)
        self._selector.register(self._door, selectors.EVENT_READ, self._open)
        for one in self._far:
            self._selector.register(one, selectors.EVENT_READ, self._relay)

    def cut(self) -> None:
        """Reset each connection."""
        for one in list(self._far):
            self._end(one)

    def settle(self) -> bool:
        """Carry until nothing moves: until two marks in a row came back alone. Whether anything moved."""
        if not self._carry(0):
            return False
        alone = 0
        while alone < 2:
            self.gateway.mark()
            moved = False
            while not self.gateway.marked:
                moved |= self._carry(WAIT_S)
            moved |= self._carry(0)
            alone = 0 if moved else alone + 1
        return True

    def close(self) -> None:
        self.cut()
        self._selector.close()
        for one in (self._door, *self._clocks):
            one.close()

    def _carry(self, wait_s: float) -> bool:
        """What is there now, or comes within `wait_s`. Whether anything but a mark moved."""
        before = self.gateway.moved
        ready = self._selector.select(wait_s)
        if not ready and wait_s:
            raise TimeoutError(f"the broker did not answer within {wait_s} s")
        moved = False
        for key, _ in ready:
            one = cast(socket.socket, key.fileobj)
            if one.fileno() >= 0:  # not closed by one before
                moved |= key.data(one)
        return moved or self.gateway.moved != before

    def _from_gateway(self, _: socket.socket) -> bool:
        self.gateway.read()
        quick_ack(self.gateway.socket)
        return False

    def _open(self, door: socket.socket) -> bool:
        near, _ = door.accept()
        far = socket.create_connection(self._broker)
        for one, other in ((near, far), (far, near)):
            one.settimeout(WAIT_S)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            quick_ack(one)
            self._far[one] = other
            self._selector.register(one, selectors.EVENT_READ, self._relay)
        return True

    def _relay(self, source: socket.socket) -> bool:
        try:
            data = source.recv(CHUNK)
            # Else the node's kernel keeps its next small write back for 40 ms, which are seconds to the node.
            quick_ack(source)
            if data:
                self._far[source].sendall(data)
                self.carried += len(data)
        except OSError:
            data = b""
        if not data:
            self._end(source)
        return True

    def _end(self, one: socket.socket) -> None:
        if one not in self._far:
            return
        other = self._far.pop(one)
        del self._far[other]
        for each in (one, other):
            with contextlib.suppress(KeyError):
                self._selector.unregister(each)
            each.close()

    def _answer_time(self, clock: socket.socket) -> bool:
        request, sender = clock.recvfrom(512)
        if len(request) < PACKET.size or request[0] & 7 != CLIENT or not self.ntp_answers:
            return True
        stamp = timestamp(self._truth())
        head = request[0] & 0x38 | SERVER
        reply = PACKET.pack(
            head, 2, 6, -20, 0, 1 << 10, b"SIMU", timestamp(self._truth() - 16), request[40:48], stamp, stamp
        )
        clock.sendto(reply, sender)
        return True
