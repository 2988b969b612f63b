"""One MQTT 3.1.1 connection on MicroPython's asyncio. MicroPython only; the protocol itself is in codec.py.

    client = Client("broker", 1883, "node-1", on_message=print)
    await client.connect()                  # MqttError says why not
    await client.subscribe("a/b", 1)
    await client.publish("a/c", b"...", 1)  # returns once the broker has it
    await client.wait_closed()              # returns after a polite end, raises the reason of any other

A Client is one connection: for the next one make a new Client. What was not acknowledged when a connection
ended is not sent again from here: publish() raised, and the caller, who still has the message, decides.

Three tasks run while the connection is open. The reader calls on_message and then sends a PUBACK. The writer
is the only one that writes, so that a dead peer blocks nobody else. The keeper sends PINGREQ and ends the
connection when the peer is silent or takes nothing any more. MicroPython's io queue forgets the reader of a
socket when its writer is cancelled, and the other way round; so all are cancelled together, when it is over.
"""

import asyncio

from micropython import const

from node import use_once
from node.mqtt import codec
from node.mqtt.errors import MqttError, ProtocolError, describe, sentence
from node.mqtt.liveness import Liveness

# Pieces to send; above it the reader waits, so that a flood of PUBACKs stays bounded.
_QUEUE_LIMIT = const(16)
_JOIN_LIMIT = const(512)  # payloads up to this go out in one piece with their head

# What words.py says of what went wrong; from 51 on it is this node's fault.
_EARLY = const(16)
_OTHER_ANSWER = const(17)
_SECOND_CONNACK = const(18)
_CLOSED_HERE = "the connection was closed by this node"


class _Outcome:
    """Something awaited: a value or an error."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.done = asyncio.Event()
        self.value = self.error = None

    def set(self, value, error):
        if not self.done.is_set():
            self.value, self.error = value, error
            self.done.set()

    async def get(self):
        await self.done.wait()
        if self.error:
            raise self.error
        return self.value


class Client:
    """keepalive in s, 1..65535; will is (topic, payload, qos, retain); ssl an SSLContext or None.

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
        client_id,
        user=None,
        password=None,
        keepalive=60,
        will=None,
        clean_session=False,
        ssl=None,
        server_hostname=None,
        on_message=None,
        now=None,
        max_packet=8192,
        max_inflight=4,
    ):
        if not 1 <= keepalive <= 65535:
            raise ValueError(
                f"keepalive {keepalive} s is not in 1..65535; without it no dead peer is noticed"
            )
        self.host = host
        self.port = port
        self.connected = False
        self.session_present = False
        self.oversized = 0
        self._hello = codec.encode_connect(client_id, user, password, keepalive, clean_session, will)
        self._keepalive_s = keepalive
        self._ssl = ssl
        self._server_hostname = server_hostname or host
        self._on_message = on_message
        self._now = now
        self._max_packet = max_packet
        self._max_inflight = max_inflight
        self.socket = self._stream = self._life = None
        self._tasks = []
        self._out = []  # pieces to send, in order; the writer works on the first
        self._work = asyncio.Event()  # set while there is something to send
        self._written = asyncio.Event()  # set while there is not
        self._written.set()
        self._waiting = {}  # packet id -> _Outcome, until the broker has acknowledged it
        self._freed = asyncio.Event()  # an id has become free
        self._last_id = 0
        self._opened = _Outcome("connack")
        self._closed = _Outcome("end")
        self._leaving = False

    # What the application calls.

    async def connect(self, timeout_s=15):
        """Open, and return whether the broker had kept our session. Raises MqttError.

        Resolving the name blocks everything else while the system takes: MicroPython has no other way.
        """
        if self.socket or self._closed.done.is_set():
            raise MqttError("this client has been used; make a new one", "usage")
        try:
            await asyncio.wait_for(self._open(), timeout_s)
        except asyncio.TimeoutError:
            what = "no CONNACK from" if self._stream else "no TCP connection to"
            error = MqttError(f"{what} {self.host}:{self.port} within {timeout_s} s", "timeout")
            self._end(error)
            raise error from None
        except MqttError as error:
            self._end(error)
            raise
        finally:
            if not self.connected:
                self._end(MqttError("connecting was given up", "cancelled"))
        self._check_open()
        return self.session_present

    async def subscribe(self, topic, qos=1, timeout_s=20):
        """Subscribe to one topic filter; returns the granted QoS."""
        codes = await self._within(
            timeout_s, self._request("suback", lambda i: (codec.encode_subscribe(i, topic, qos),))
        )
        if len(codes) != 1 or codes[0] > 1:
            raise MqttError(f"the broker refused the subscription to {topic}", "subscribe")
        return codes[0]

    async def publish(self, topic, payload, qos=1, retain=False, timeout_s=20):
        """Publish bytes or text. Returns when the broker has acknowledged; with QoS 0 when it is written."""
        if isinstance(payload, str):
            payload = payload.encode()

        def make(packet_id):
            head = codec.encode_publish_head(topic, len(payload), qos, retain, False, packet_id)
            return (head + payload,) if len(payload) <= _JOIN_LIMIT else (head, payload)

        await self._within(timeout_s, self._request("puback", make) if qos else self._write_out(make))

    async def wait_closed(self):
        """Wait for the end of the connection: return if this node ended it, else raise the reason."""
        await self._closed.get()

    async def disconnect(self, timeout_s=2):
        """Say goodbye, so that the broker does not publish the will; then close."""
        try:
            if self.connected and not self._leaving:
                self._leaving = True
                self._send(codec.DISCONNECT_PACKET)
                # The broker closes after DISCONNECT. Closing first, with its bytes unread, would reset the
                # connection, and the broker might never read what we said.
                await asyncio.wait_for(self._closed.done.wait(), timeout_s)
        except asyncio.TimeoutError:
            pass
        finally:
            self.close()

    def close(self):
        """Close at once and without a word. The broker publishes the will."""
        self._end(None)

    # Opening and ending.

    async def _open(self):
        await use_once("mqtt.dial", "dial", self, self._ssl, self._server_hostname)
        self._stream = asyncio.StreamReader(self.socket)
        self._life = Liveness(self._keepalive_s, self._now())
        self._send(self._hello)
        self._hello = None
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        await self._opened.get()

    def _end(self, reason):
        """End it, once: the first reason counts. Afterwards nothing of this client runs or is open."""
        if self._closed.done.is_set():
            return
        self.connected = False
        self._closed.set(None, reason)
        error = reason or MqttError(_CLOSED_HERE, "closed")
        self._opened.set(None, error)
        for outcome in self._waiting.values():
            outcome.set(None, error)
        try:
            current = asyncio.current_task()
        except RuntimeError:
            current = None  # called after the event loop has ended
        for task in self._tasks:
            if task is not current:
                task.cancel()
        if self.socket:
            self.socket.close()
        self._tasks = []
        self._out = []
        self._written.set()
        self._freed.set()

    def _check_open(self):
        if not self.connected or self._leaving:
            raise self._closed.error or MqttError("there is no connection", "closed")

    # Sending.

    def _send(self, *pieces):
        self._out.extend(pieces)
        self._written.clear()
        self._work.set()

    async def _within(self, timeout_s, work):
        try:
            return await asyncio.wait_for(work, timeout_s)
        except asyncio.TimeoutError:
            raise MqttError(f"no acknowledgement from the broker within {timeout_s} s", "timeout") from None

    async def _request(self, wanted, make):
        """Send make(packet id) and wait for its acknowledgement. An id stays taken until that has come."""
        self._check_open()
        while len(self._waiting) >= self._max_inflight:
            self._freed.clear()
            await self._freed.wait()
            self._check_open()
        while True:
            self._last_id = self._last_id % 65535 + 1
            if self._last_id not in self._waiting:
                break
        pieces = make(self._last_id)
        outcome = self._waiting[self._last_id] = _Outcome(wanted)
        self._send(*pieces)
        return await outcome.get()

    async def _write_out(self, make):
        self._check_open()
        self._send(*make(None))
        await self._written.wait()
        self._check_open()

    async def _write(self):
        try:
            while True:
                await self._work.wait()
                piece = self._out[0]
                self._life.writing_at = self._now()
                self._stream.write(piece)  # pyright: ignore[reportAttributeAccessIssue]
                await self._stream.drain()  # pyright: ignore[reportAttributeAccessIssue]
                self._life.written(self._now(), piece is codec.PINGREQ_PACKET)
                self._out.pop(0)
                if not self._out:
                    self._work.clear()
                    self._written.set()
        except Exception as error:  # noqa: BLE001 - whatever it is becomes the reason of the end
            self._end(self._reason(error))

    async def _keep(self):
        life = self._life
        while True:
            await asyncio.sleep_ms(life.pause)
            now = self._now()
            verdict = life.judge(now)
            if verdict == "ping":
                self._send(codec.PINGREQ_PACKET)
            elif verdict == "silent":
                text = f"the broker is silent: nothing came for {(now - life.got_at) // 1000} s"
                return self._end(MqttError(text, verdict))
            elif verdict == "blocked":
                text = f"the broker took nothing for {(now - life.writing_at) // 1000} s"
                return self._end(MqttError(text, verdict))

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
                    raise MqttError("the broker closed the connection", "closed")
                self._life.got_at = self._now()
                for event in decoder.feed(view[:count]):
                    self._handle(event)
                    if self._closed.done.is_set():
                        return
                while len(self._out) > _QUEUE_LIMIT:
                    await asyncio.sleep_ms(10)
        except Exception as error:  # noqa: BLE001 - whatever it is becomes the reason of the end
            self._end(self._reason(error))

    def _handle(self, event):
        name = event[0]
        if name == "error":
            raise event[1]
        if name == "connack":
            self._accept(event)
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
            outcome = self._waiting.pop(event[1], None)
            self._freed.set()
            if outcome:
                if outcome.wanted != name:
                    raise ProtocolError(_OTHER_ANSWER, name, outcome.wanted)
                outcome.set(event[2] if name == "suback" else None, None)

    def _accept(self, event):
        if self.connected:
            raise ProtocolError(_SECOND_CONNACK)
        code = event[2]
        if code:
            text = sentence(100 + code)
            raise MqttError(f"{text} (CONNACK code {code})", "auth" if code in (4, 5) else "rejected")
        self.session_present = event[1]
        self.connected = True
        self._life.judged_at = self._now()
        self._tasks.append(asyncio.create_task(self._keep()))
        self._opened.set(None, None)

    def _deliver(self, topic, payload):
        if not self._on_message:
            return
        try:
            self._on_message(topic, payload)
        except Exception as error:  # noqa: BLE001 - the application's error ends the connection, see `cause`
            lost = MqttError(f"on_message raised {error!r} at a message on {topic}", "callback")
            lost.cause = error
            self._end(lost)

    def _acknowledge(self, packet_id):
        if not self._closed.done.is_set():
            self._send(codec.encode_puback(packet_id))

    def _reason(self, error):
        """What ended the connection as the exception that the application sees; None after a goodbye."""
        text, kind = describe(error, bool(self._ssl))
        if self._leaving and kind in ("closed", "error"):
            return None
        if self.connected:
            return MqttError(text, kind)
        return MqttError(f"{text} before its CONNACK" if kind == "closed" else text, kind)
