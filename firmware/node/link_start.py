"""What a Link begins with. Loaded once, at the start."""

import binascii

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_CONTRACT = const(1)


def shard(node):
    """The topic's shard: CRC-32 of the node's name mod 16, one hex digit."""
    return f"{binascii.crc32(node.encode()) & 15:x}"


def begin(link):
    """Give a Link its attributes. The TLS context is made now, while the heap has large pieces, and kept."""
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
