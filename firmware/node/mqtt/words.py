"""The sentences of MQTT's errors, loaded when one is to be said: kept, they would fill 3 KB of the heap."""

import errno

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_EPIPE = const(32)  # errno has no name for it

# By the numbers of codec.py and client.py; 101 and more are CONNACK codes (section 3.2.2.3).
SENTENCES = {
    1: "the broker sent a remaining length of more than four bytes",
    2: "the broker sent a packet of type %s with %s bytes",
    3: "the broker sent a SUBACK of %s bytes",
    4: "the broker sent a long QoS 1 PUBLISH without a packet id",
    5: "the broker sent a CONNACK with reserved bits set",
    6: "the broker sent packet id 0 in a packet of type %s",
    7: "the broker sent a SUBACK with the unknown code %s",
    8: "the broker sent a PUBLISH with QoS 3",
    9: "the broker sent a QoS 2 message, which the node never subscribes to",
    10: "the broker sent a QoS 0 message marked as a duplicate",
    11: "the broker sent a packet of type %s, which the node does not expect",
    12: "the broker sent a packet of type %s with reserved bits set",
    13: "the broker sent a PUBLISH whose topic is empty or cut off",
    14: "the broker sent a topic that is not UTF-8",
    15: "the broker sent packet id 0 in a PUBLISH",
    16: "the broker sent a %s before its CONNACK",
    17: "the broker answered with a %s where a %s is due",
    18: "the broker sent a second CONNACK",
    31: "no acknowledgement from the broker within %s s",
    32: "the broker is silent: nothing came for %s s",
    33: "the broker took nothing for %s s",
    34: "the connection was closed by this node",
    35: "there is no connection",
    36: "the broker closed the connection",
    37: "on_message raised %r at a message on %s",
    51: "the node made a field of %s bytes; 65535 is the most",
    52: "the node made a packet of %s bytes, longer than MQTT allows",
    53: "the node cannot publish to the topic %r",
    54: "the node used packet id %s, which is not in 1..65535",
    55: "the node knows QoS 0 and 1 only, not %s",
    56: "the node has a keepalive of %s s, which is not in 0..65535",
    57: "the node has a password without a user name",
    58: "the node needs a client id for a session that is kept",
    59: "the node marked a QoS 0 message as a duplicate",
    60: "the node cannot subscribe to an empty topic",
    101: "the broker does not speak MQTT 3.1.1",
    102: "the broker refused the client id",
    103: "the broker is not available",
    104: "the broker refused the user name or the password",
    105: "the broker refused the user name or the password, or this node is not allowed in",
}


def say(number, values):
    """The sentence of a number, with its values filled in."""
    return SENTENCES.get(number, "the broker refused the connection") % values


def refusal(code):
    """What a CONNACK other than 0 says, as an MqttError."""
    kind = "auth" if code in (4, 5) else "rejected"
    return MqttError(f"{say(100 + code, ())} (CONNACK code {code})", kind)


def reason(client, error):
    """What ended a client's connection as the exception that the application sees; None after a goodbye."""
    text, kind = describe(error, client)
    if client.leaving and kind in ("closed", "error"):
        return None
    if kind == "closed" and not client.connected:
        text += " before its CONNACK"
    return MqttError(text, kind)


def describe(error, client):
    """Any exception as (sentence, kind)."""
    if isinstance(error, MqttError):
        return str(error), error.kind
    if isinstance(error, MemoryError):
        return f"out of memory ({error})", "memory"
    # mbedTLS counts its errors below zero; a certificate that does not verify is a ValueError. A server that
    # refuses us may have broken off before its alert was read.
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    broken = number in (_EPIPE, errno.ECONNRESET) and not client.connected
    if client.ssl and (isinstance(error, ValueError) or number < 0 or broken):
        return use_once("mqtt.secure", "refusal", error, client.server_hostname), "tls"
    if isinstance(error, OSError):
        return f"the connection broke ({os_error(error)})", "error"
    return f"the MQTT client failed: {error!r}", "internal"


def os_error(error):
    """An OSError as a name such as EHOSTUNREACH where the system has one."""
    return errno.errorcode.get(error.errno, str(error)) if error else "no address"
