"""NTP replies that must not be believed, and servers that must agree. Real sockets: test_node_clock.py."""

import asyncio

from node import sntp
from node.clock import Clock

NOW_MS = 1763900000000
COOKIE = b"12345678"


def reply(cookie, seconds=3972888800, stratum=2, first=0x24):
    packet = bytearray(48)
    packet[0] = first
    packet[1] = stratum
    packet[24:32] = cookie
    packet[40:44] = seconds.to_bytes(4, "big")
    packet[44] = 0x80
    return bytes(packet)


def test_a_right_reply():
    assert sntp.parse(reply(COOKIE), COOKIE) == ((3972888800 - 2208988800) * 1000 + 500, None)


def test_a_reply_of_the_next_era():
    utc_ms, problem = sntp.parse(reply(COOKIE, seconds=1000), COOKIE)
    assert problem is None
    assert utc_ms // 1000 == 2**32 + 1000 - 2208988800


def test_replies_that_are_not_believed():
    cases = [
        (reply(COOKIE)[:40], "short"),
        (reply(COOKIE, first=0x23), "server's reply"),
        (reply(COOKIE, first=0xE4), "not set"),
        (reply(COOKIE, stratum=0), "stratum"),
        (reply(COOKIE, stratum=16), "stratum"),
        (reply(b"87654321"), "another request"),
        (reply(COOKIE, seconds=3155673600), "implausible"),
    ]
    for packet, reason in cases:
        utc_ms, problem = sntp.parse(packet, COOKIE)
        assert utc_ms is None
        assert reason in problem


def test_request_carries_the_cookie():
    packet = sntp.request(COOKIE)
    assert len(packet) == 48
    assert packet[0] & 7 == 3
    assert packet[40:48] == COOKIE


class Asyncio:
    """CPython's has no sleep_ms."""

    async def sleep_ms(self, ms):
        await asyncio.sleep(ms / 1000)


class Settings:
    def __init__(self, servers):
        self.ntp = servers


class Node:
    """What agreed() sees of the app. Uptime is 10 s."""

    def __init__(self, servers):
        self.config = Settings(servers)
        self.clock = Clock(self.now)

    def now(self):
        return 10000


def rounds(app, answers, failed=0):
    """(done, UTC ms that was taken or None, counters, servers asked). `answers`: server -> the UTC ms that it
    tells at uptime 0, or why not."""
    taken = []
    asked = []
    counters = {"ntp_failures": 0}

    async def ask(_now, server):
        asked.append(server)
        answer = answers[server]
        return answer if isinstance(answer, str) else (answer, 20)

    kept = sntp._ask, sntp.asyncio
    sntp._ask = ask
    sntp.asyncio = Asyncio()
    try:
        done = asyncio.run(sntp.agreed(app, counters, failed, lambda utc_ms, at: taken.append((utc_ms, at))))
    finally:
        sntp._ask, sntp.asyncio = kept
    assert done == bool(taken)
    if taken:
        assert taken[0][1] == 10000
    return done, taken[0][0] - 10000 if taken else None, counters, asked


def test_two_that_agree_are_believed_and_no_third_is_asked():
    app = Node(["a", "b", "c"])
    done, utc_ms, _, asked = rounds(app, {"a": NOW_MS, "b": NOW_MS + 300, "c": NOW_MS})
    assert done
    assert utc_ms == NOW_MS + 300
    assert asked == ["a", "b"]


def test_a_liar_is_outvoted():
    for liar in ("a", "b", "c"):
        app = Node(["a", "b", "c"])
        answers = {"a": NOW_MS, "b": NOW_MS, "c": NOW_MS}
        answers[liar] += 86400000
        _, utc_ms, _, _ = rounds(app, answers)
        assert utc_ms == NOW_MS


def test_two_that_disagree_are_not_believed_however_often():
    app = Node(["a", "b"])
    for failed in (0, 3, 100):
        done, _, counters, _ = rounds(app, {"a": NOW_MS, "b": NOW_MS + 2000}, failed)
        assert not done
        assert counters["ntp_disagree"] == 1


def test_one_alone_is_believed_late_and_only_by_a_node_without_a_time():
    app = Node(["a", "b"])
    answers = {"a": "no reply", "b": NOW_MS}
    assert not rounds(app, answers)[0]
    assert not rounds(app, answers, 2)[0]
    assert rounds(app, answers, 3)[1] == NOW_MS
    app.clock.sync(NOW_MS + 10000, 10000)
    answers["b"] += 60000
    assert not rounds(app, answers, 100)[0]


def test_the_nodes_own_clock_is_a_witness():
    app = Node(["a", "b"])
    app.clock.sync(NOW_MS + 10000, 10000)
    assert rounds(app, {"a": NOW_MS + 700, "b": "no reply"})[1] == NOW_MS + 700
    app.clock = Clock(app.now)
    app.clock.restore(NOW_MS, NOW_MS, {})
    assert not rounds(app, {"a": NOW_MS + 700, "b": "no reply"})[0], "what a restart left is no witness"


def test_one_alone_is_believed_late_by_a_node_that_has_only_what_a_sleep_left():
    """It may be minutes wrong, so the one that answers may look like a liar."""
    app = Node(["a", "b", "c"])
    app.clock.restore(NOW_MS, NOW_MS, {})
    answers = {"a": "no reply", "b": NOW_MS + 840000, "c": "no reply"}
    assert not rounds(app, answers, 2)[0]
    assert rounds(app, answers, 3)[1] == NOW_MS + 840000


def test_the_only_one_configured_is_believed():
    assert rounds(Node(["a"]), {"a": NOW_MS})[1] == NOW_MS
    done, _, counters, _ = rounds(Node(["a"]), {"a": "no reply"})
    assert not done
    assert counters["ntp_failures"] == 1


def test_names_that_cannot_be_resolved_leave_the_others_their_turns():
    """Each may block for seconds, and the watchdog is fed by another task."""
    app = Node(["a:no-port", "b:no-port", "c:no-port"])
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def both():
        task = asyncio.create_task(other())
        counters = {"ntp_failures": 0}
        assert not await sntp.agreed(app, counters, 0, None)
        assert counters["ntp_failures"] == 3
        task.cancel()

    kept = sntp.asyncio
    sntp.asyncio = Asyncio()
    try:
        asyncio.run(both())
    finally:
        sntp.asyncio = kept
    assert len(turns) >= 3
