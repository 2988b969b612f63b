"""A small SNTP server (RFC 4330) on 127.0.0.1 that can be told to lie or to keep silent."""

from __future__ import annotations

import socket
import struct
import threading
import time

FROM_1900_TO_1970 = 2208988800
CLIENT, SERVER = 3, 4
# LI VN mode, stratum, poll, precision, root delay and dispersion, reference, then four 64-bit times.
PACKET = struct.Struct(">BBbbII4s8s8s8s8s")


class NtpServer:
    """Public and settable while it runs: offset_s, stratum, leap, drop. `requests` counts what came."""

    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        """Port 0 takes a free one; OSError when a given one is taken."""
        self.offset_s = 0.0
        self.stratum = 2
        self.leap = 0  # 3: the server's own clock is not synchronised
        self.drop = False
        self.requests = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((self.host, port))
        except OSError:
            self._socket.close()
            raise
        self.port = int(self._socket.getsockname()[1])
        self._socket.settimeout(0.2)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="ntp", daemon=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> NtpServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                request, sender = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            reply = self._answer(request, time.time() + self.offset_s)
            if reply is not None:
                self._socket.sendto(reply, sender)

    def _answer(self, request: bytes, now: float) -> bytes | None:
        if len(request) < PACKET.size or request[0] & 7 != CLIENT:
            return None
        self.requests += 1
        if self.drop:
            return None
        version = request[0] & 0x38
        asked = request[40:48]  # the client's transmit time comes back as the originate time
        stamp = timestamp(now)
        return PACKET.pack(
            self.leap << 6 | version | SERVER,
            self.stratum,
            6,
            -20,
            0,
            1 << 10,
            b"SIMU",
            timestamp(now - 16),
            asked,
            stamp,
            stamp,
        )


def timestamp(unix: float) -> bytes:
    """Seconds since 1900 in 32.32 fixed point; wraps in 2036 as the protocol's does."""
    return int((unix + FROM_1900_TO_1970) * 2**32 % 2**64).to_bytes(8, "big")
