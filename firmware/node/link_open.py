"""Open the connection to the broker, as the settings say."""

import json

from node import use_once
from node.mqtt.client import Client


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
