"""What a Client does once per connection: open TCP and TLS without leaking a socket, connect, say goodbye.
Loaded for that. MicroPython only."""

import asyncio
import errno
import select
import socket

from node import use_once
from node.mqtt import codec
from node.mqtt.errors import MqttError


async def connect(client, hello, timeout_s=15):
    """Open, and return whether the broker had kept our session. `hello`: the CONNECT packet.

    Raises MqttError.
    Resolving the name blocks everything else while the system takes: MicroPython has no other way.
    """
    if client.sockets or client.closed.is_set():
        raise MqttError("this client has been used; make a new one", "usage")
    try:
        await asyncio.wait_for(_open(client, hello), timeout_s)
    except asyncio.TimeoutError:
        what = "no CONNACK from" if client.sockets else "no TCP connection to"
        if client.ssl and client.sockets:
            what = "no TLS session with, or " + what
        error = MqttError(f"{what} {client.host}:{client.port} within {timeout_s} s", "timeout")
        client.end(error)
        raise error from None
    except MqttError as error:
        client.end(error)
        raise
    finally:
        if not client.connected:
            client.end(MqttError("connecting was given up", "cancelled"))
    client.check_open()
    return client.session_present


async def disconnect(client, timeout_s=2):
    """Say goodbye, so that the broker does not publish the will; then close."""
    try:
        if client.connected and not client.leaving:
            client.leaving = True
            client.send(codec.DISCONNECT_PACKET)
            # The broker closes after DISCONNECT. Closing first, with its bytes unread, would reset the
            # connection, and the broker might never read what we said.
            await asyncio.wait_for(client.closed.wait(), timeout_s)
    except asyncio.TimeoutError:
        pass
    finally:
        client.close()


async def _open(client, hello):
    """Connect to each address in turn. asyncio.open_connection keeps the socket to itself until it is
    connected, so that a timeout leaks it. Here it is the client's once it is connected, and closed before."""
    where = f"{client.host}:{client.port}"
    try:
        addresses = socket.getaddrinfo(client.host, client.port, 0, socket.SOCK_STREAM)
    except OSError as error:
        raise MqttError(f"cannot resolve the name {client.host} ({error})", "resolve") from None
    failure = None
    for address in addresses:
        sock = socket.socket(address[0], address[1], address[2])
        try:
            await _connect(sock, address[-1])
            client.sockets = (sock,)
            break
        except OSError as error:
            failure = error
        finally:
            if not client.sockets:
                sock.close()
    if not client.sockets:
        if failure and failure.errno == errno.ECONNREFUSED:
            raise MqttError(f"{where} refused the connection: no broker listens there", "refused")
        why = use_once("mqtt.words", "os_error", failure)
        raise MqttError(f"cannot reach {where} ({why})", "unreachable")
    if client.ssl:
        try:
            # After a failed handshake the TLS socket no longer closes the one below it: we must, so both
            # are kept. The handshake itself is made by the first read or write.
            client.sockets += (
                client.ssl.wrap_socket(
                    client.sockets[0], server_hostname=client.server_hostname, do_handshake_on_connect=False
                ),
            )
        except (OSError, ValueError) as error:
            raise MqttError(f"cannot begin TLS with {where} ({error})", "tls") from None
    await client.begin(hello)


async def _connect(sock, address):
    sock.setblocking(False)
    try:
        sock.connect(address)
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            raise
    poller = select.poll()
    # The ESP32 tells a hang-up to those only who ask for it. Without, a refused socket looks connected there.
    poller.register(sock, select.POLLOUT | select.POLLHUP | select.POLLERR)
    while True:
        ready = poller.poll(0)
        if ready:
            break
        await asyncio.sleep_ms(10)
    if ready[0][1] & (select.POLLERR | select.POLLHUP):
        try:
            sock.recv(1)  # raises the reason
        except OSError as error:
            if error.errno != errno.ECONNRESET:  # the ESP32's word for a refusal
                raise
        raise OSError(errno.ECONNREFUSED)
