"""Open the TCP connection, and TLS on it, without leaking a socket. MicroPython only."""

import asyncio
import errno
import select
import socket

from node import use_once
from node.mqtt.errors import MqttError


async def dial(owner, tls, server_hostname):
    """Connect owner.socket to owner.host and owner.port, each address in turn. Raises MqttError.

    asyncio.open_connection keeps the socket to itself until it is connected, so that a timeout leaks it. Here
    it is the owner's from the first moment, and the owner closes it, whatever happens.
    """
    where = f"{owner.host}:{owner.port}"
    try:
        addresses = socket.getaddrinfo(owner.host, owner.port, 0, socket.SOCK_STREAM)
    except OSError as error:
        raise MqttError(f"cannot resolve the name {owner.host} ({error})", "resolve") from None
    failure = None
    for address in addresses:
        owner.socket = socket.socket(address[0], address[1], address[2])
        try:
            await _connect(owner.socket, address[-1])
            break
        except OSError as error:
            failure = error
            owner.socket.close()
            owner.socket = None
    if not owner.socket:
        if failure and failure.errno == errno.ECONNREFUSED:
            raise MqttError(f"{where} refused the connection: no broker listens there", "refused")
        why = use_once("mqtt.words", "os_error", failure)
        raise MqttError(f"cannot reach {where} ({why})", "unreachable")
    if tls:
        try:
            owner.socket = tls.wrap_socket(
                owner.socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            raise MqttError(f"cannot begin TLS with {where} ({error})", "tls") from None


async def _connect(sock, address):
    sock.setblocking(False)
    try:
        sock.connect(address)
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            raise
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    while True:
        ready = poller.poll(0)
        if ready:
            break
        await asyncio.sleep_ms(10)
    if ready[0][1] & (select.POLLERR | select.POLLHUP):
        sock.recv(1)  # raises the reason
        raise OSError(errno.ECONNREFUSED)
