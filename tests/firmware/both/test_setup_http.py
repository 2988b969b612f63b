"""What the portal's server and its names make of whatever a guest sends; on CPython and on MicroPython."""

import asyncio
import random

from setup import dns, http, pages, portal

WHOLE = b"POST /try?lang=pl HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: 12\r\n\r\na=%C5%BB+x&b"
SEED = random.getrandbits(30)


class Guest:
    """Gives what it has in pieces, then nothing."""

    def __init__(self, data, size=7):
        self.data, self.size = data, size
        self.asked = 0

    async def read(self, most):
        got = self.data[: min(most, self.size)]
        self.data = self.data[len(got) :]
        self.asked += len(got)
        return got


def read(data, size=7):
    return asyncio.run(http.read(Guest(data, size)))


def refused(data):
    """The number that a request is refused with; 0 when the guest went away before its end."""
    try:
        read(data, 300)
    except http.RefusedError as error:
        return error.number
    except OSError:
        return 0
    return None


def test_a_request_is_read_in_whatever_pieces_it_comes():
    for size in (1, 7, 1000):
        got = read(WHOLE, size)
        assert (got.method, got.path, got.query) == ("POST", "/try", {"lang": "pl"})
        assert got.form == {"a": "\u017b x", "b": ""}
        assert got.headers["host"] == "192.168.4.1"
    assert read(b"GET / HTTP/1.0\r\n\r\n").headers == {}


def test_what_goes_beyond_the_bounds_is_refused():
    head = b"POST /try HTTP/1.1\r\n"
    for data, number in (
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 4000, 431),
        (b"x" * 5000, 431),
        (b"GET /" + b"x" * 600 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", 400),
        (b"PUT / HTTP/1.1\r\n\r\n", 405),
        (head + b"\r\n", 411),
        (head + b"Content-Length: -1\r\n\r\n", 411),
        (head + b"Content-Length: +5\r\n\r\nabcde", 411),
        (head + b"Content-Length: 5, 6\r\n\r\n", 411),
        (head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
        (head + b"Transfer-Encoding: chunked\r\n\r\n", 411),
        (head + b"Content-Length: 9000\r\n\r\n", 413),
        (head + b"Content-Length: 99999999\r\n\r\n", 411),
        (head + b"Content-Length: 3\r\n\r\na=\xff", 400),
        (head + b"Content-Length: 30\r\n\r\na=b", 0),
        (b"GET / HT", 0),
        (b"", 0),
    ):
        assert refused(data) == number, (data[:60], number)


def test_no_bytes_do_more_than_being_refused():
    print("seed", SEED)
    random.seed(SEED)
    numbers = set()
    for _ in range(400):
        data = bytearray(WHOLE)
        for _ in range(random.getrandbits(3) + 1):
            at = random.getrandbits(12) % len(data)
            kind = random.getrandbits(2)
            if kind == 0:
                data[at] = random.getrandbits(8)
            elif kind == 1:
                data = data[:at] + data[at + 1 :]
            else:
                data = data[:at] + bytes([random.getrandbits(8) for _ in range(3)]) + data[at:]
        numbers.add(refused(bytes(data)))
    assert None in numbers
    assert numbers <= {None, 0, 400, 405, 411, 413, 431}


def test_no_more_is_read_than_the_bounds_allow():
    guest = Guest(b"A" * 20000, 2000)
    try:
        asyncio.run(http.read(guest))
        raise AssertionError("it was taken")
    except http.RefusedError:
        assert guest.asked < 5000


def query(name=b"\x03foo\x02pl\0", kind=1, flags=0x0100, count=1):
    return (
        b"\x12\x34" + flags.to_bytes(2, "big") + bytes((0, count)) + bytes(6) + name + bytes((0, kind, 0, 1))
    )


def test_every_name_has_one_address():
    address = bytes((192, 168, 4, 1))
    got = dns.answer(query(), address)
    assert got[:2] == b"\x12\x34"
    assert got[2:4] == b"\x85\x80"
    assert got[4:12] == b"\0\1\0\1\0\0\0\0"
    assert got[12:].startswith(query()[12:])
    assert got.endswith(b"\0\4" + address)
    assert dns.answer(query(kind=28), address)[6:8] == b"\0\0", "no IPv6 address, and no error"
    assert dns.answer(query(kind=65), address)[6:8] == b"\0\0"


def test_what_is_no_question_gets_no_answer():
    address = bytes(4)
    for data in (
        b"",
        b"x" * 11,
        query(flags=0x8180),
        query(flags=0x2800),
        query(count=0),
        query(count=2),
        query(name=b"\xc0\x0c"),
        query(name=b"\x3f" + b"a" * 10),
        query(name=b"\x05abc"),
        query() + b"x" * 600,
    ):
        assert dns.answer(data, address) is None, data
    print("seed", SEED)
    random.seed(SEED)
    for _ in range(1500):
        data = bytearray(query())
        for _ in range(1 + random.getrandbits(2)):
            data[random.getrandbits(8) % len(data)] = random.getrandbits(8)
        got = dns.answer(
            bytes(data)[: random.getrandbits(6)] if random.getrandbits(1) else bytes(data), address
        )
        assert got is None or len(got) < len(data) + 20


def test_the_language_is_the_browsers():
    for header, language in (
        ("", "en"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de-DE,en;q=0.5,pl;q=0.4", "en"),
        ("de,PL", "pl"),
        ("pl;q=x,en;q=0.1", "en"),
        ("plt,de", "en"),
    ):
        assert portal.language(header) == language, header


def test_nothing_of_a_name_is_html():
    assert pages.escape("<b>&\"'</b>") == "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;"
    assert pages.escape("a\n\x7fb\u017b\U0001f600") == "a\ufffd\ufffdb\u017b\U0001f600"


def test_both_languages_have_the_same_sentences_with_the_same_gaps():
    english, polish = dict(pages.words_of("en")), dict(pages.words_of("pl"))
    assert sorted(english) == sorted(polish)
    for name in english:
        assert english[name].count("%s") == polish[name].count("%s"), name
        assert english[name].count("%d") == polish[name].count("%d"), name
        assert "<" not in english[name] + polish[name], name
        assert english[name] != polish[name] or name == "wifi", name
