"""HTTP for a few guests at a time, with bounds on all that they send. One request a connection.

Own code, not Microdot: see docs/node/portal.md for both sizes; and what a guest may do to it is bounded here:
line, headers, body, time and connections.
"""

import asyncio

from micropython import const

_HEAD = const(3072)  # bytes of request line and headers
_BODY = const(8192)
_TARGET = const(512)
_PIECE = const(512)
_READ_S = const(10)  # for the whole of a request
_WRITE_S = const(20)
_MOST = const(4)  # connections at a time
_WORDS = {
    200: "OK",
    302: "Found",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Connection: close\r\n"
)


class RefusedError(Exception):
    """A request that is not answered as it wished; its number is HTTP's."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Request:
    """`form` has the fields of a POST; `query` those of the address."""

    def __init__(self, method, path, query, headers):
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.form = {}


class Server:
    """`handle(request)` returns (number, place to go to or None, pieces of text to send)."""

    def __init__(self, handle):
        self.handle = handle
        self.open = 0
        self.server = None

    async def start(self, host, port):
        self.server = await asyncio.start_server(self._serve, host, port, 4)

    def close(self):
        if self.server:
            self.server.close()

    async def _serve(self, reader, writer):
        self.open += 1
        try:
            if self.open > _MOST:
                await asyncio.wait_for(_answer(writer, 503, None, (), False), 2)
            else:
                await self._one(reader, writer)
        except (OSError, asyncio.TimeoutError):
            pass  # the guest is gone, or too slow
        except Exception as error:  # noqa: BLE001 - a page that fails must not hold its socket
            print("setup: cannot answer:", repr(error))
        finally:
            self.open -= 1
            await writer.wait_closed()  # MicroPython's close() leaves the socket open

    async def _one(self, reader, writer):
        place, pieces, head = None, (), False
        try:
            request = await asyncio.wait_for(read(reader), _READ_S)
            head = request.method == "HEAD"
            number, place, pieces = self.handle(request)
        except RefusedError as error:
            number = error.number
        except asyncio.TimeoutError:
            number = 408
        except MemoryError:
            number = 503
        await asyncio.wait_for(_answer(writer, number, place, pieces, head), _WRITE_S)


async def _answer(writer, number, place, pieces, head):
    writer.write(f"HTTP/1.1 {number} {_WORDS[number]}\r\n".encode())
    writer.write(_HEADERS.encode())
    if place is not None:
        writer.write(f"Location: {place}\r\n".encode())
    writer.write(b"\r\n")
    await writer.drain()
    if number not in (200, 302, 303):
        pieces = (f"{number} {_WORDS[number]}",)
    if not head:
        for piece in pieces:
            writer.write(piece.encode())
            await writer.drain()


async def read(reader):
    """A whole request. Raises RefusedError, OSError when the guest went away."""
    got = b""
    while True:
        end = got.find(b"\r\n\r\n")
        if end >= 0:
            break
        if len(got) > _HEAD:
            raise RefusedError(431)
        got += await _more(reader, _PIECE)
    if end > _HEAD:
        raise RefusedError(431)
    request = _parse(got[:end])
    body = got[end + 4 :]
    if request.method == "POST":
        size = request.headers.get("content-length", "")
        if not (0 < len(size) < 6 and all(letter in "0123456789" for letter in size)):
            raise RefusedError(411)
        size = int(size)
        if size > _BODY:
            raise RefusedError(413)
        got = bytearray(body[:size])
        while len(got) < size:
            got.extend(await _more(reader, min(_PIECE, size - len(got))))
        request.form = fields(bytes(got), b"&")
    elif "content-length" in request.headers and request.headers["content-length"] != "0":
        raise RefusedError(400)
    return request


async def _more(reader, size):
    got = await reader.read(size)
    if not got:
        raise OSError("the guest went away")
    return got


def _parse(head):
    try:
        lines = str(head, "utf-8").split("\r\n")
    except UnicodeError:
        raise RefusedError(400) from None
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise RefusedError(400)
    method, target = parts[:2]
    if len(target) > _TARGET or not target.startswith("/"):
        raise RefusedError(400)
    if method not in ("GET", "HEAD", "POST"):
        raise RefusedError(405)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line or "\0" in line:
            raise RefusedError(400)
        if name in headers and name in ("content-length", "host"):
            raise RefusedError(400)  # two that may not agree
        headers[name] = value.strip()
    if "transfer-encoding" in headers:
        raise RefusedError(411)
    path, _, query = target.partition("?")
    return Request(method, path, fields(query.encode(), b"&"), headers)


def fields(data, between):
    """{name: value} of application/x-www-form-urlencoded. Raises RefusedError for what is no UTF-8."""
    found = {}
    for part in data.split(between):
        name, _, value = part.partition(b"=")
        if name:
            found[decoded(name)] = decoded(value)
    return found


def decoded(data):
    """`%C5%BB+x` as text. A percent sign without two digits stands for itself."""
    data = data.replace(b"+", b" ")
    parts = data.split(b"%")
    raw = bytearray(parts[0])
    for part in parts[1:]:
        try:
            raw.append(_hex(part[:1]) << 4 | _hex(part[1:2]))
            raw.extend(part[2:])
        except ValueError:
            raw.extend(b"%")
            raw.extend(part)
    try:
        return str(bytes(raw), "utf-8")
    except UnicodeError:
        raise RefusedError(400) from None


def _hex(digit):
    if not digit:
        raise ValueError
    return b"0123456789abcdef".index(digit.lower())
