"""What every way to set a node up needs: networks, the kit code, a try of new settings, and keeping them.

The portal and the serial line ask the same functions, so a kit behaves alike whichever way it is set up.
Nothing here prints or returns a password.
"""

import asyncio
import binascii
import gc
import json
import os

from micropython import const

from node import files, forget, use_once

CONFIG = "config.json"
_LONGEST_CODE = const(5000)  # letters of a kit code
_MOST_NETWORKS = const(4)  # kept in config.json, the newest first
_JOIN_S = const(20)  # unless config.json says `portal.try_s`
_STEP_MS = const(200)
_EARLIEST_MS = const(1735689600000)  # 2025-01-01: before it the chip's clock was never set
_ABSENT = (201, 210, 211, 212)  # not heard, or not with a security that the chip takes
_KEY = (2, 15, 202, 204)  # no handshake: a wrong password, or a weak signal
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789-"


def scan(wifi):
    """[{"ssid", "rssi" in dBm, "open"}, ...], the strongest first, each name once. Blocks for seconds. Names
    that are not UTF-8 are left out: config.json cannot hold them. Raises OSError."""
    found = {}
    for one in wifi.scan():
        try:
            ssid = str(one[0], "utf-8")
        except (UnicodeError, TypeError):
            continue
        if ssid.strip("\0") and (ssid not in found or one[3] > found[ssid]["rssi"]):
            found[ssid] = {"ssid": ssid, "rssi": one[3], "open": one[4] == 0}
    return sorted(found.values(), key=lambda one: -one["rssi"])


def check_wifi(ssid, password):
    """None, or what is wrong: "ssid" (1 to 32 bytes), "password" (none, 8 to 63 bytes, 64 hex digits)."""
    if not 1 <= len(ssid.encode()) <= 32 or "\0" in ssid:
        return "ssid"
    size = len(password.encode())
    digits = all(letter in "0123456789abcdefABCDEF" for letter in password)
    if "\0" in password or not (size == 0 or 8 <= size <= 63 or (size == 64 and digits)):
        return "password"
    return None


def check_code(text):
    """(what a kit code holds, None), or (None, "form" | "sum" | "content"). Blanks and line ends that mail
    puts into it are taken out."""
    if len(text) > 2 * _LONGEST_CODE:
        return None, "form"
    text = "".join(text.split())
    parts = text.split(".")
    if len(text) > _LONGEST_CODE or len(parts) != 3 or parts[0] != "DL1":
        return None, "form"
    body = parts[1].replace("-", "+").replace("_", "/")
    try:
        raw = binascii.a2b_base64(body + "=" * (-len(body) % 4))
        right = int(parts[2], 16) == binascii.crc32(raw) and len(parts[2]) == 8
    except ValueError:
        return None, "form"
    return check_kit(raw) if right else (None, "sum")


def check_kit(raw):
    """The same of a kit code's JSON, as bytes."""
    kit = None
    try:
        kit = json.loads(raw)
        good = (
            isinstance(kit, dict)
            and b"\\ud" not in raw.lower()  # MicroPython makes two wrong letters of a pair of surrogates
            and _is_name(kit["node"])
            and _is_name(kit["network"])
            and _is_text(kit["secret"], 1, 128)
            and _is_text(kit["host"], 1, 253)
            and type(kit["port"]) is int
            and 1 <= kit["port"] <= 65535
            and isinstance(kit["tls"], bool)
            and _is_text(kit.get("name") or "", 0, 253)
            and (kit.get("portal") is None or _is_text(kit["portal"], 8, 63))
            and isinstance(binascii.a2b_base64(kit.get("ca") or ""), bytes)
        )
    except (ValueError, KeyError, TypeError):
        good = False
    return (kit, None) if good else (None, "content")


def _is_name(text):
    return _is_text(text, 1, 32) and all(letter in _NAME for letter in text)


def _is_text(text, least, most):
    return isinstance(text, str) and least <= len(text.encode()) <= most and "\0" not in text


def stored():
    """config.json as an object, {} when there is none that can be read."""
    try:
        raw = json.loads(files.read(CONFIG) or b"{}")
    except ValueError:
        raw = {}
    return raw if isinstance(raw, dict) else {}


def merged(raw, kit=None, ssid=None, password=""):
    """config.json's object with a kit code's content and a network put in; all else stays. Writes the
    authority's certificate, if there is one, beside the one in use. Raises OSError."""
    raw = dict(raw)
    if kit:
        raw["node"] = kit["node"]
        raw["network"] = kit["network"]
        broker = {"host": kit["host"], "port": kit["port"], "user": kit["node"], "password": kit["secret"]}
        broker["tls"] = kit["tls"]
        if kit.get("name"):
            broker["tls_name"] = kit["name"]
        if kit.get("ca"):
            der = binascii.a2b_base64(kit["ca"])
            # A name of its own: until config.json is replaced, the old settings must find their file.
            broker["ca"] = f"ca-{binascii.crc32(der):08x}.der"
            if files.read(broker["ca"]) != der:
                files.write(broker["ca"], der)
        raw["broker"] = broker
        if kit.get("portal"):
            portal = raw.get("portal")
            raw["portal"] = dict(portal) if isinstance(portal, dict) else {}
            raw["portal"]["password"] = kit["portal"]
    if ssid is not None:
        old = raw.get("wifi")
        others = [one for one in old if _ssid(one) not in (None, ssid)] if isinstance(old, list) else []
        raw["wifi"] = [{"ssid": ssid, "password": password}] + others[: _MOST_NETWORKS - 1]
    return raw


def _ssid(entry):
    return entry.get("ssid") if isinstance(entry, dict) else None


def is_whole(raw):
    """Whether an object of config.json's form names a node, a broker and a network."""
    broker = raw.get("broker")
    named = _is_name(raw.get("node")) and isinstance(broker, dict) and broker.get("host")
    return bool(named and raw.get("wifi"))


def save(raw):
    """Replace config.json whole, by rename: a power cut leaves the old or the new. One that is no JSON, as a
    slip of the keyboard leaves it, is kept as config.bad. Raises OSError."""
    old = files.read(CONFIG)
    try:
        json.loads(old or b"{}")
    except ValueError:
        files.write("config.bad", old)
    files.write(CONFIG, json.dumps(raw).encode())
    clean(raw)


def clean(raw):
    """Remove certificates that merged() wrote and that this config.json does not name."""
    broker = raw.get("broker")
    kept = broker.get("ca") if isinstance(broker, dict) else None
    for name in os.listdir():
        if name.startswith("ca-") and ".der" in name and name != kept:
            files.remove(name)


async def try_settings(app, raw, say=None):
    """Try the first network and the broker of an object of config.json's form. Nothing is kept.

    None when the broker has taken the node, else "no_network", "wrong_password", "not_joined", "no_address",
    "no_broker" or "refused". `say(step, value)` is told what is under way: "join", "address", "broker"; and
    why not, where there is more to say: "rssi" in dBm, "detail" a sentence in English without any secret.
    Wi-Fi stays joined when it worked. The portal's access point may lose its guests for some seconds: one
    radio has both on one channel.
    """
    say = say or _nothing
    config = use_once("config_file", "parse", raw)
    forget("config_remote")
    gc.collect()
    wifi = app.link.wifi
    why = await _join(app, wifi, config.wifi[0], say) if config.wifi else "no_network"
    if not why:
        say("broker", config.broker["host"])
        why = await _reach(app, config, say)
    if why:
        wifi.leave()
    return why


def _nothing(_step, _value):
    pass


async def _join(app, wifi, network, say):
    """None when Wi-Fi is up with an address, else why not. Switched on anew: a chip that was told to join
    something else raises, or goes on with that."""
    say("join", network["ssid"])
    try:
        wifi.start("dustline-" + app.config.node)
        wifi.join(network["ssid"], network.get("password") or "")
    except (OSError, ValueError) as error:
        say("detail", str(error))
        return "not_joined"
    now = app.now
    longest = app.config.portal.get("try_s", _JOIN_S) * 1000
    begun = since = now()
    last = None
    linked = False
    while now() - begun < longest:
        await asyncio.sleep_ms(_STEP_MS)
        if wifi.is_up():
            return None
        rssi = wifi.rssi()
        if rssi is not None:
            # Only a chip that has joined knows it; what is lacking is an address.
            if not linked:
                say("address", rssi)
            linked = True
            say("rssi", rssi)
            continue
        status = wifi.status()
        if status != last:
            last, since = status, now()
        elif not linked and last in _ABSENT + _KEY and now() - since > longest // 2:
            # A reason that has stood so long is believed: the chip tells one after its first try already.
            break
    if linked:
        return "no_address"
    say("detail", use_once("link_words", "of_status", last))
    return "no_network" if last in _ABSENT else "wrong_password" if last in _KEY else "not_joined"


async def _reach(app, config, say):
    """None when the broker takes this node and lets it listen to its own topics, else why not."""
    from node.mqtt.client import Client
    from node.mqtt.errors import MqttError

    broker = config.broker
    client = None
    try:
        context = None
        if broker["tls"]:
            await _set_clock(app)
            context = use_once("mqtt.secure", "context", broker)
        hello = use_once("mqtt.hello", "encode_connect", config.node, broker["user"], broker["password"], 30)
        client = Client(broker["host"], broker["port"], 30, context, broker["tls_name"], _nothing, app.now)
        await use_once("mqtt.dial", "connect", client, hello)
        topic = f"dl/1/{config.network}/{use_once('link_start', 'shard', config.node)}/{config.node}/ack"
        await use_once("mqtt.hello", "subscribe", client, topic)
        await use_once("mqtt.dial", "disconnect", client)
    except MqttError as error:
        say("detail", str(error))
        return "refused" if error.kind in ("auth", "rejected", "subscribe") else "no_broker"
    finally:
        if client:
            client.close()
    return None


async def _set_clock(app):
    """TLS judges a certificate's dates. Where no time server answers it is tried all the same."""
    keeper = app.timekeeper
    for failed in (0, 3):  # the second time one server alone is believed
        if app.board.rtc_ms() > _EARLIEST_MS:
            return
        await use_once("sntp", "agreed", app, keeper.counters, failed, keeper._set)
