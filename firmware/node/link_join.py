"""Join one of the known Wi-Fi networks. Loaded when the node is not connected to the broker."""

import asyncio
import gc
import random

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_JOIN_MS = const(15000)
_ABSENT_MS = const(6000)  # so long a network that is not seen is looked for when there are others
_STEP_MS = const(200)
_CLOCK_MS = const(60000)  # so long TLS waits for the clock
_WAKE_CLOCK_MS = const(10000)  # and after a deep sleep, as doze.py waits for little longer
_SETTLED = const(60)  # readings of earlier boots: a node that has so many was at work before
_EARLIEST_MS = const(1735689600000)  # 2025-01-01: the chip's clock, by which TLS judges, begins in 2000


async def join(link):
    """Return when Wi-Fi is up, for TLS the clock is known or was waited for, and this node's own instant has
    come when others return, too. Raises MqttError."""
    until = 0
    if not link.wifi.is_up():
        link.joined.clear()
        await _join_any(link)
        until = link.app.now() + _apart_ms(link)
    link.misses = 0
    link.joined.set()
    link.joined_at = link.app.now()
    link.flash_errors = link.app.counters["flash_errors"]
    await _wait_for_clock(link)
    while link.app.now() < until and link.wifi.is_up():
        link.beat += 1
        await asyncio.sleep_ms(_STEP_MS)


def _apart_ms(link):
    """How long to keep away from the broker after joining: a random part of `spread_s` where whole districts
    may come back in this second, after a power cut or a long time without Wi-Fi. Nobody waits at a node that
    is new or was away for less than that span. A node in deep sleep wakes at times of its own, and waiting
    costs it."""
    app = link.app
    span = app.config.spread_s * 1000
    if app.config.deep_sleep:
        return 0
    if link.counters["wifi_joins"] == 1:
        if app.reset != "power" or sum([last for _, last in app.outbox.boots]) < _SETTLED:
            return 0
    elif app.now() - link.joined_at < span:
        return 0
    wait = random.getrandbits(16) * span >> 16
    print("mqtt: connecting in", wait // 1000, "s, as other nodes may return now, too")
    return wait


async def _join_any(link):
    """Try each known network once: the last good one first, the others by their strength."""
    networks = link.app.config.wifi
    if not networks:
        raise MqttError("wifi: no network is configured", "join")
    left = list(networks)
    air = {}
    if link.known in left:
        left.remove(link.known)
        left.insert(0, link.known)
    # A scan takes seconds, and nothing else runs meanwhile: only when there is something to choose, or when
    # it did not go without.
    looked = False
    while left:
        if not looked and (link.misses or len(left) != len(networks) or (len(left) > 1 and not link.known)):
            looked = True
            air = look(link)
            left.sort(key=lambda known: -air.get(known["ssid"], (-999,))[0])
        network = left.pop(0)
        if await _join_one(link, network, air.get(network["ssid"]), len(networks) > 1):
            link.known = network
            link.counters["wifi_joins"] += 1
            return
        link.counters["wifi_failures"] += 1
    raise MqttError("wifi: none of the known networks could be joined", "join")


def look(link):
    """{ssid: (rssi, bssid)} of the strongest access point of each network that is heard."""
    gc.collect()
    air = {}
    try:
        for found in link.wifi.scan():
            ssid = str(found[0], "utf-8", "ignore") if found[0] else ""
            if ssid not in air or found[3] > air[ssid][0]:
                air[ssid] = found[3], found[1]
        link.heard = list(air)
    except (OSError, MemoryError, UnicodeError) as error:
        print("wifi: cannot look for networks:", repr(error))
    return air


async def _join_one(link, network, heard, others):
    ssid = network["ssid"]
    print("wifi: joining", ssid + (f" ({heard[0]} dBm)" if heard else ""))
    wifi = link.wifi
    now = link.app.now
    try:
        # Which access point only when it was looked for: a chip that is told one finds no other.
        wifi.join(ssid, network.get("password") or "", heard[1] if heard else None)
    except (OSError, ValueError) as error:
        print("wifi: cannot join now:", error)
        return False
    begun = now()
    while now() - begun < _JOIN_MS:
        await asyncio.sleep_ms(_STEP_MS)
        link.beat += 1
        if wifi.is_up():
            print("wifi: up")
            return True
        if others and now() - begun > _ABSENT_MS and wifi.status() in (201, 210, 211, 212):
            break
    print("wifi:", ssid, "-", use_once("link_words", "of_status", wifi.status()))
    wifi.leave()
    return False


async def _wait_for_clock(link):
    """TLS before the clock was asked would only find the broker's certificate not valid yet. The time servers
    may be out of reach for good, so this ends: once in a node's life."""
    app = link.app
    if not link.context or not app.config.ntp:
        return
    if link.clock_until is None:
        link.clock_until = app.now() + (_WAKE_CLOCK_MS if app.slept else _CLOCK_MS)
    while app.board.rtc_ms() < _EARLIEST_MS and app.now() < link.clock_until and link.wifi.is_up():
        link.beat += 1
        await asyncio.sleep_ms(_STEP_MS)
