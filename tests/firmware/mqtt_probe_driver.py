"""Drives mqtt_probe.py on MicroPython, and plays brokers that misbehave."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support import REPO, wait_for

PROBE = Path(__file__).with_name("mqtt_probe.py")
CONNACK = b"\x20\x02\x00\x00"


class Node:
    """A MicroPython process in a heap of 128 KiB that runs the probe."""

    def __init__(self, micropython: str, directory: Path) -> None:
        self.lines: list[str] = []
        self.seen = 0
        self.process = subprocess.Popen(
            [micropython, "-X", "heapsize=128k", str(PROBE)],
            cwd=directory,
            env={**os.environ, "MICROPYPATH": f"{REPO}/simulator/chip:{REPO}/firmware:.frozen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.expect("ready")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def do(self, what: str, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **command}) + "\n")
        self.process.stdin.flush()

    def expect(self, beginning: str, seconds: float = 10) -> str:
        """The next line that begins so; it and all before it are then used up."""
        deadline = time.monotonic() + seconds
        while True:
            for at in range(self.seen, len(self.lines)):
                if self.lines[at].startswith(beginning):
                    self.seen = at + 1
                    return self.lines[at]
            assert time.monotonic() < deadline, f"no {beginning!r} in {seconds} s after:\n" + "\n".join(
                self.lines
            )
            time.sleep(0.01)

    def open(self, port: int, **named: Any) -> str:
        self.do("open", port=port, **named)
        return self.expect("opened")

    def sockets(self) -> int:
        """Open sockets of the process."""
        links = Path(f"/proc/{self.process.pid}/fd").iterdir()
        return sum(os.readlink(link).startswith("socket:") for link in links)

    def nothing_left(self) -> None:
        """No socket and no task outlives its connection."""
        wait_for(lambda: self.sockets() == 0, 5, "the node to close its sockets")
        self.do("tasks")
        assert self.expect("tasks").endswith("running 0")

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class Peer:
    """A paho-mqtt client of the same broker."""

    def __init__(self, port: int, topic: str | None = None, protocol: int = paho.MQTTv311) -> None:
        self.got: list[tuple[str, str, int, bool]] = []
        self.subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"peer{id(self)}", protocol=protocol)
        self.client.on_message = self._message
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        if topic:
            self.client.subscribe(topic, 1)
            assert self.subscribed.wait(10)

    def _message(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        self.got.append((message.topic, message.payload.decode(), message.qos, message.retain))

    def say(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        self.client.publish(topic, payload, 1, retain).wait_for_publish(10)

    def expect(self, *message: object) -> None:
        wait_for(lambda: message in self.got, 10, f"{message}, came: {self.got}")

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Server:
    """Accepts connections on 127.0.0.1 and hands each to `talk(connection)` in a thread."""

    def __init__(self, talk: Callable[[socket.socket], None], receive_buffer: int = 0) -> None:
        self.talk = talk
        self.listener = socket.create_server(("127.0.0.1", 0))
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # end() was called
            connection.settimeout(20)
            self.connections.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the node or end() closed it
            self.talk(connection)

    def end(self) -> None:
        for each in (self.listener, *self.connections):
            with suppress(OSError):  # closed already by the other side
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for each in (self.listener, *self.connections):
            each.close()  # only now: a thread may be in the midst of select()


def packet(connection: socket.socket) -> tuple[int, bytes]:
    """Read one MQTT packet with a remaining length below 128: (first byte, body)."""
    head = take(connection, 2)
    assert head[1] < 128
    return head[0], take(connection, head[1])


def take(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


def byte_by_byte(port: int) -> Callable[[socket.socket], None]:
    """A proxy to the port that passes on one byte at a time, in both directions."""

    def talk(node: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as broker:
            for each in (node, broker):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for each in select.select([node, broker], [], [], 20)[0]:
                    data = each.recv(1)
                    if not data:
                        return
                    (broker if each is node else node).sendall(data)

    return talk
