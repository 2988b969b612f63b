"""What is done when the way to the gateway has broken or could not be opened: say and count why, decide how
long to wait, and mend what waiting alone does not."""

import random

from micropython import const

_FIRST_PAUSE_MS = const(500)
_LONGEST_PAUSE_MS = const(60000)
_HELD_MS = const(30000)  # a connection that held so long was a good one
_STUCK_AFTER = const(3)  # vain rounds to join, then the interface is switched off and on
_DEAF_AFTER = const(8)  # vain connections over a network that is joined, then too
_RESTART_MS = const(21600000)  # without Wi-Fi; 6 h
_VAIN_MS = const(43200000)  # over a network that is joined; 12 h
_CHANCE = const(31)  # from then on, one failure of 32 restarts: nodes that fail together restart one by one
_EARLIEST_MS = const(1735689600000)  # 2025-01-01
# The counter in `health` of a kind of failure. Every failure to connect is in mqtt_failures, too.
_COUNTERS = {
    "tls": "tls_failures",
    "resolve": "dns_failures",
    "auth": "mqtt_refused",
    "rejected": "mqtt_refused",
    "silent": "mqtt_silent",
    "blocked": "mqtt_silent",
}


def pause_ms(failures, spread_s=0):
    """How long to wait after so many failures in a row: doubling, at most a minute, somewhere in its upper
    half. With `spread_s` all nodes fail, because the broker is away: then it is that span, twice it from the
    second failure on, and again somewhere in the upper half."""
    longest = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures, 7))
    if spread_s:
        longest = spread_s * (1000 if failures < 2 else 2000)
    return longest // 2 + _part(longest // 2)


def after(link, error):
    """Milliseconds to wait after an MqttError has ended an attempt or a connection."""
    now = link.app.now()
    kind = error.kind
    was_up = link.up.is_set()
    if was_up:
        link.joined_at = now  # Wi-Fi was there until now
    if kind == "join":
        print(error)
        link.misses += 1
        if link.misses % _STUCK_AFTER == 0:
            _switch_off_and_on(link, "cannot join")
        if now - link.joined_at > _RESTART_MS and _is_radio(link):
            _restart(link, "away for hours")
        return pause_ms(link.misses)
    print("mqtt:", str(error) + _remark(link.app, kind))
    if kind in _COUNTERS:
        _count(link, _COUNTERS[kind])
    if was_up:
        # Wi-Fi took this node's connection only, the broker all nodes'.
        link.spread = kind != "wifi"
        if not link.spread or now - link.up_at > _HELD_MS:
            link.failures = 0
        link.up_at = now
    else:
        _count(link, "mqtt_failures")
    link.failures += 1
    spread_s = link.app.config.spread_s if link.spread else 0
    if was_up and spread_s and link.failures == 1:
        # Of thousands of nodes that lost their broker in one instant, each returns at one of its own.
        return _part(spread_s * 1000)
    # Who refuses this node is there, and it has reached him. All else may be its own fault, a wrong server's
    # certificate, too: of that, a chip without memory for TLS cannot be told apart.
    if kind not in ("refused", "auth", "rejected"):
        if link.failures % _DEAF_AFTER == 0:
            _switch_off_and_on(link, "joined, but there is no way to the broker")
        if now - link.up_at > _VAIN_MS and not random.getrandbits(16) & _CHANCE:
            _restart(link, "joined in vain for hours")
    return pause_ms(link.failures, spread_s)


def _part(ms):
    """A random part of it."""
    return random.getrandbits(16) * ms >> 16


def _count(link, name):
    link.counters[name] = link.counters.get(name, 0) + 1


def _remark(app, kind):
    """A wrong clock looks like a wrong certificate: then the time servers are asked again, as the network is
    there that they may have missed."""
    if kind == "tls" and app.board.rtc_ms() < _EARLIEST_MS:
        app.timekeeper.again = True
        return "; this node's clock is not set, which may be why"
    return ""


def _switch_off_and_on(link, why):
    print("wifi:", why, "- the interface is switched off and on")
    _count(link, "wifi_resets")
    link.joined.clear()
    try:
        link.wifi.stop()
        link.wifi.start("dustline-" + link.app.config.node)
    except OSError as error:
        print("wifi: cannot switch it:", error)


def _is_radio(link):
    """Whether the radio may be at fault. Not while others' networks are heard and ours is not: then it is the
    router that is away."""
    known = [network["ssid"] for network in link.app.config.wifi]
    return not link.heard or any(ssid in link.heard for ssid in known)


def _restart(link, why):
    """The last resort: the whole chip. Not when flash keeps nothing: readings would be lost."""
    app = link.app
    if app.counters["flash_errors"] != link.flash_errors:
        return
    print("wifi:", why, "- starting anew")
    try:
        app.board.nvs_set("wifi_restarts", (app.board.nvs_get("wifi_restarts") or 0) + 1)
    except OSError as error:
        print("wifi: cannot count the restart:", error)
    app.board.restart()
