"""A server that takes any node in, and counts what it is told."""

from __future__ import annotations

import socket
import ssl
import threading

from tests.firmware.certificates import Certificate

HANDSHAKE = 0x16  # what TLS begins with
HANDSHAKE_S = 20.0


class Liar:
    """`heard` counts the bytes of the application that it could read; `asked` the connections."""

    def __init__(self, certificate: Certificate | None) -> None:
        """Without a certificate it cannot speak TLS, and says nothing."""
        self.heard = 0
        self.asked = 0
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.pem, certificate.key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, name="liar", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            connection.settimeout(HANDSHAKE_S)
            self.asked += 1
            try:
                self._listen(connection)
            except OSError:
                pass  # the node has hung up, as it should
            finally:
                connection.close()

    def _listen(self, connection: socket.socket) -> None:
        first = connection.recv(1, socket.MSG_PEEK)
        if first and first[0] != HANDSHAKE:
            self.heard += len(connection.recv(4096))
            return
        if self._context is None:
            connection.recv(4096)
            return
        with self._context.wrap_socket(connection, server_side=True) as secure:
            while data := secure.recv(4096):
                self.heard += len(data)
