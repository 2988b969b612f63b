"""One MQTT 3.1.1 connection on MicroPython's asyncio. MicroPython only; the protocol itself is in codec.py.

    client = Client("broker", 1883, 60, on_message=print)
    await use_once("mqtt.dial", "connect", client, hello)       # MqttError says why not; hello.py makes it
    await use_once("mqtt.hello", "subscribe", client, "a/b")
    await client.publish("a/c", b"...", 1)  # returns once the broker has it
    await client.wait_closed()              # returns after a polite end, raises the reason of any other

A Client is one connection: for the next one make a new Client. What was not acknowledged when a connection
ended is not sent again from here: publish() raised, and the caller, who still has the message, decides.

Three tasks run while the connection is open. The reader calls on_message and then sends a PUBACK. The writer
is the only one that writes, so that a dead peer blocks nobody else. The keeper sends PINGREQ and ends the
connection when the peer is silent or takes nothing any more. MicroPython's io queue forgets the reader of a
socket when its writer is cancelled, and the other way round; so all are cancelled together, when it is over.

What happens once per connection, and every sentence, is loaded for that: dial.py, hello.py, words.py.
"""

# pyright: reportAttributeAccessIssue=false
# An event gets attributes here.

import asyncio

from micropython import const

from node import use_once
from node.mqtt import codec
from node.mqtt.errors import MqttError, ProtocolError, sentence
from node.mqtt.liveness import Liveness

# Pieces to send; above it the reader waits, so that a flood of PUBACKs stays bounded.
_QUEUE_LIMIT = const(16)
_JOIN_LIMIT = const(512)  # payloads up to this go out in one piece with their head
_MAX_INFLIGHT = const(4)

# What words.py says of what went wrong; from 51 on it is this node's fault.
_EARLY = const(16)
_OTHER_ANSWER = const(17)
_SECOND_CONNACK = const(18)
_NO_ANSWER = const(31)
_SILENT = const(32)
_BLOCKED = const(33)
_CLOSED_HERE = const(34)
_NOT_OPEN = const(35)
_CLOSED_THERE = const(36)
_CALLBACK = const(37)


def _trouble(number, kind, *values):
    return MqttError(sentence(number, *values), kind)


def _awaited(wanted):
    """Something that is waited for: an event with a value or an error."""
    event = asyncio.Event()
    event.wanted = wanted
    event.value = event.error = None
    return event


def _settle(event, value, error):
    if not event.is_set():
        event.value, event.error = value, error
        event.set()


class Client:
    """keepalive in s; ssl an SSLContext or None, server_hostname the name to check if it is not the host's.

    on_message(topic, payload: bytearray) is a plain function, called even before connect() has returned: a
    kept session delivers at once. What it raises ends the connection, with the message not acknowledged;
    the reason's `cause` is that exception.
    now() gives milliseconds as a growing int. A PUBLISH with more than max_packet bytes after its fixed
    header is acknowledged, dropped and counted in `oversized`.
    """

    def __init__(
        self,
        host,
        port,
        keepalive,
        ssl=None,
        server_hostname=None,
        on_message=None,
        now=None,
        max_packet=8192,
    ):
        self.host = host
        self.port = port
        self.connected = self.leaving = self.session_present = False
        self.oversized = 0
        self.ssl = ssl
        self.server_hostname = server_hostname or host
        # The last is the one to talk through; TLS lies over another.
        self.sockets = ()  # type: tuple
        self.closed = _awaited("end")
        self._keepalive_s = keepalive
        self._on_message = on_message
        self._now = now
        self._max_packet = max_packet
        self._stream = self._life = None
        self._tasks = []
        self._out = []  # pieces to send, in order; the writer works on the first
        self._work = asyncio.Event()  # set while there is something to send
        self._written = asyncio.Event()  # set while there is not
        self._written.set()
        self._waiting = {}  # packet id -> event, until the broker has acknowledged it
        self._freed = asyncio.Event()  # an id has become free
        self._last_id = 0
        self._opened = _awaited("connack")

    async def begin(self, hello):
        """Say CONNECT over what dial.py has opened; returns with the CONNACK."""
        self._stream = asyncio.StreamReader(self.sockets[-1])
        self._life = Liveness(self._keepalive_s, self._now())
        self.send(hello)
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        await self._result(self._opened)

    async def publish(self, topic, payload, qos=1, retain=False, timeout_s=20):
        """Publish bytes or text. Returns when the broker has acknowledged; with QoS 0 when it is written."""
        if isinstance(payload, str):
            payload = payload.encode()

        def make(packet_id):
            head = codec.encode_publish_head(topic, len(payload), qos, retain, False, packet_id)
            return (head + payload,) if len(payload) <= _JOIN_LIMIT else (head, payload)

        await self.request("puback" if qos else None, make, timeout_s)

    async def wait_closed(self):
        """Wait for the end of the connection: return if this node ended it, else raise the reason."""
        await self._result(self.closed)

    async def disconnect(self):
        """Say goodbye, so that the broker does not publish the will; then close."""
        await use_once("mqtt.dial", "disconnect", self)

    def close(self):
        """Close at once and without a word. The broker publishes the will."""
        self.end(None)

    def end(self, reason):
        """End it, once: the first reason counts. Afterwards nothing of this client runs or is open."""
        if self.closed.is_set():
            return
        self.connected = False
        _settle(self.closed, None, reason)
        waiting = [self._opened] + list(self._waiting.values())
        if any(not event.is_set() for event in waiting):
            error = reason or _trouble(_CLOSED_HERE, "closed")
            for event in waiting:
                _settle(event, None, error)
        try:
            current = asyncio.current_task()
        except RuntimeError:
            current = None  # called after the event loop has ended
        for task in self._tasks:
            if task is not current:
                task.cancel()
        for each in self.sockets:
            each.close()
        self._tasks = []
        self._out = []
        self._written.set()
        self._freed.set()

    def check_open(self):
        if not self.connected or self.leaving:
            raise self.closed.error or _trouble(_NOT_OPEN, "closed")

    async def _result(self, event):
        await event.wait()
        if event.error:
            raise event.error
        return event.value

    # Sending.

    def send(self, *pieces):
        self._out.extend(pieces)
        self._written.clear()
        self._work.set()

    async def request(self, wanted, make, timeout_s):
        """Send make(packet id) and wait for its acknowledgement, or when none is wanted until it is written.
        An id stays taken until its acknowledgement has come."""
        try:
            return await asyncio.wait_for(self._request(wanted, make), timeout_s)
        except asyncio.TimeoutError:
            raise _trouble(_NO_ANSWER, "timeout", timeout_s) from None

    async def _request(self, wanted, make):
        self.check_open()
        if not wanted:
            self.send(*make(None))
            await self._written.wait()
            return self.check_open()
        while len(self._waiting) >= _MAX_INFLIGHT:
            self._freed.clear()
            await self._freed.wait()
            self.check_open()
        while True:
            self._last_id = self._last_id % 65535 + 1
            if self._last_id not in self._waiting:
                break
        pieces = make(self._last_id)
        event = self._waiting[self._last_id] = _awaited(wanted)
        self.send(*pieces)
        return await self._result(event)

    async def _write(self):
        life = self._life
        try:
            while True:
                await self._work.wait()
                piece = self._out[0]
                life.writing_at = self._now()
                self._stream.write(piece)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
                await self._stream.drain()  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
                life.written(self._now(), piece is codec.PINGREQ_PACKET)
                self._out.pop(0)
                if not self._out:
                    self._work.clear()
                    self._written.set()
        except Exception as error:  # noqa: BLE001 - whatever it is becomes the reason of the end
            self._fail(error)

    async def _keep(self):
        life = self._life
        while True:
            await asyncio.sleep_ms(life.pause)
            now = self._now()
            verdict = life.judge(now)
            if verdict == "ping":
                self.send(codec.PINGREQ_PACKET)
            elif verdict == "silent":
                return self.end(_trouble(_SILENT, verdict, (now - life.got_at) // 1000))
            elif verdict == "blocked":
                return self.end(_trouble(_BLOCKED, verdict, (now - life.writing_at) // 1000))

    # Receiving.

    async def _read(self):
        try:
            buffer = bytearray(512)
            view = memoryview(buffer)
            decoder = codec.Decoder(self._max_packet)
            while True:
                count = await self._stream.readinto(buffer)
                if count is None:
                    continue  # TLS: a record that carries no data
                if not count:
                    raise _trouble(_CLOSED_THERE, "closed")
                self._life.got_at = self._now()
                for event in decoder.feed(view[:count]):
                    self._handle(event)
                    if self.closed.is_set():
                        return
                while len(self._out) > _QUEUE_LIMIT:
                    await asyncio.sleep_ms(10)
        except Exception as error:  # noqa: BLE001 - whatever it is becomes the reason of the end
            self._fail(error)

    def _handle(self, event):
        name = event[0]
        if name == "error":
            raise event[1]
        if name == "connack":
            if self.connected:
                raise ProtocolError(_SECOND_CONNACK)
            if event[2]:
                raise use_once("mqtt.words", "refusal", event[2])
            self.session_present = event[1]
            self.connected = True
            self._life.judged_at = self._now()
            self._tasks.append(asyncio.create_task(self._keep()))
            self._opened.set()
        elif not self.connected:
            raise ProtocolError(_EARLY, name)
        elif name == "publish":
            self._deliver(event[1], event[2])
            if event[3]:  # after the application has it, or never
                self._acknowledge(event[4])
        elif name == "oversize":
            self.oversized += 1
            if event[2]:
                self._acknowledge(event[2])
        elif name == "pingresp":
            self._life.pong()
        else:
            waiting = self._waiting.pop(event[1], None)
            self._freed.set()
            if waiting:
                if waiting.wanted != name:
                    error = ProtocolError(_OTHER_ANSWER, name, waiting.wanted)
                    _settle(waiting, None, error)
                    raise error
                _settle(waiting, event[2] if name == "suback" else None, None)

    def _deliver(self, topic, payload):
        if not self._on_message:
            return
        try:
            self._on_message(topic, payload)
        except Exception as error:  # noqa: BLE001 - the application's error ends the connection, see `cause`
            lost = _trouble(_CALLBACK, "callback", error, topic)
            lost.cause = error
            self.end(lost)

    def _acknowledge(self, packet_id):
        if not self.closed.is_set():
            self.send(codec.encode_puback(packet_id))

    def _fail(self, error):
        """An exception is the end. What it was is told as words.py says it."""
        if not self.closed.is_set():
            try:
                error = use_once("mqtt.words", "reason", self, error)
            except MemoryError:
                error = MqttError("out of memory", "memory")
            self.end(error)
