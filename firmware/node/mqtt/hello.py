"""What a connection begins with: CONNECT, and subscriptions. Loaded for each: the broker's first messages
come between them, and are taken on top of what is loaded.
"""

from micropython import const

from node.mqtt import codec
from node.mqtt.errors import MqttError, ProtocolError

_BAD_KEEPALIVE = const(56)
_NO_USER = const(57)
_NO_CLIENT_ID = const(58)
_NO_TOPIC = const(60)


def encode_connect(client_id, user=None, password=None, keepalive=60, clean_session=False, will=None):
    """CONNECT. keepalive in seconds; will is (topic, payload, qos, retain) or None."""
    if not 0 <= keepalive <= 65535:
        raise ProtocolError(_BAD_KEEPALIVE, keepalive)
    if password is not None and user is None:
        raise ProtocolError(_NO_USER)  # 3.1.2.9
    if not client_id and not clean_session:
        raise ProtocolError(_NO_CLIENT_ID)  # 3.1.3.1
    flags = 2 if clean_session else 0
    body = codec.field(client_id)
    if will is not None:
        topic, payload, qos, retain = will
        codec.check(topic, qos)
        flags |= 4 | qos << 3 | (32 if retain else 0)
        body += codec.field(topic) + codec.field(payload)
    if user is not None:
        flags |= 128
        body += codec.field(user)
    if password is not None:
        flags |= 64
        body += codec.field(password)
    fixed = b"\x00\x04MQTT\x04" + bytes((flags, keepalive >> 8, keepalive & 255))
    return codec.head(0x10, len(fixed) + len(body)) + fixed + body


def encode_subscribe(packet_id, topic, qos=1):
    """SUBSCRIBE to one topic filter."""
    codec.check("t", qos, packet_id)
    if not topic:
        raise ProtocolError(_NO_TOPIC)
    body = bytes((packet_id >> 8, packet_id & 255)) + codec.field(topic) + bytes((qos,))
    return codec.head(0x82, len(body)) + body


async def subscribe(client, topic, qos=1, timeout_s=20):
    """Subscribe to one topic filter; returns the granted QoS."""
    codes = await client.request("suback", lambda number: (encode_subscribe(number, topic, qos),), timeout_s)
    if len(codes) != 1 or codes[0] > 1:
        raise MqttError(f"the broker refused the subscription to {topic}", "subscribe")
    return codes[0]
