"""Open the connection to the broker, as the settings say."""

import binascii
import json

from micropython import const

from node import use_once
from node.mqtt.client import Client
from node.mqtt.errors import MqttError

_CONTRACT = const(1)


def shard(node):
    """The topic's shard: CRC-32 of the node's name mod 16, one hex digit."""
    return f"{binascii.crc32(node.encode()) & 15:x}"


def begin(link):
    """What a Link begins with. The TLS context is made now, while the heap has large pieces, and kept."""
    app = link.app
    config = app.config
    link.prefix = f"dl/{_CONTRACT}/{config.network}/{shard(config.node)}/{config.node}/"
    link.failures = 0  # to connect, in a row
    link.spread = False  # whether all nodes have them: the broker went away
    link.misses = 0  # to join a network, in a row
    link.joined_at = link.up_at = app.now()
    link.flash_errors = 0  # when Wi-Fi was up last
    link.known = None  # the network that was joined last
    link.heard = ()  # the networks that were heard last
    link.clock_until = None
    link.context = None
    restarts = app.board.nvs_get("wifi_restarts")
    if restarts:
        link.counters["wifi_restarts"] = restarts
    if config.broker["tls"]:
        try:
            link.context = use_once("mqtt.secure", "context", config.broker)
        except MqttError as error:
            config.problems.append(str(error))
            print("config:", error)
    try:
        link.wifi.start("dustline-" + config.node)
    except OSError as error:
        # Measuring goes on without. After some vain rounds to join it is switched off and on.
        print("wifi: cannot be switched on now:", error)


async def open_mqtt(link):
    """Make link.client, connected and subscribed, with the node's status told. Raises MqttError."""
    app = link.app
    config = app.config
    broker = config.broker
    if broker["tls"] and not link.context:
        # Never without: a file that was missing may have come.
        link.context = use_once("mqtt.secure", "context", broker)
    hello = use_once(
        "mqtt.hello",
        "encode_connect",
        config.node,
        broker["user"],
        broker["password"],
        config.keepalive_s,
        False,
        (link.prefix + "status", b'{"v":1,"online":false}', 1, True),
    )
    client = Client(
        broker["host"],
        broker["port"],
        config.keepalive_s,
        link.context,
        broker["tls_name"],
        link.received,
        app.now,
    )
    # Not yet up, but run() closes it, whatever happens.
    link.client = client
    async with app._room:
        await use_once("mqtt.dial", "connect", client, hello)
        for kind in ("ack", "config", "command"):
            link.beat += 1
            await use_once("mqtt.hello", "subscribe", client, link.prefix + kind)
        status = json.dumps(app.status()).encode()
        await client.publish(link.prefix + "status", status, 1, True)
    print("mqtt: connected to", broker["host"], "with TLS" if client.ssl else "without TLS")
    link.counters["mqtt_connects"] += 1
    link.up_at = app.now()
    link.up.set()
