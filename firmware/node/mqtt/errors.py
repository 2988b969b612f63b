"""What can go wrong with MQTT, in plain words. `kind` is one word to count by, str() a sentence to show."""

from node import use_once


class MqttError(Exception):
    """Anything that goes wrong with MQTT. One class, told apart by kind: classes cost a node memory.

    connect()    resolve, refused, unreachable, tls, timeout, auth, rejected, closed, protocol, cancelled,
                 error, usage
    an open one  silent, blocked, closed, error, tls, protocol, callback, memory, internal, wifi
    one request  timeout (not acknowledged in time, the connection is still open), subscribe, usage
    """

    def __init__(self, text, kind="mqtt"):
        super().__init__(text)
        self.kind = kind
        # The exception behind it, where a traceback helps.
        self.cause = None  # type: Exception | None


class ProtocolError(MqttError):
    """A packet that breaks MQTT 3.1.1: a number of words.py and its values. `fault` is "broker" (it sent the
    packet) or "node" (we tried to)."""

    def __init__(self, number, *values):
        super().__init__(sentence(number, *values), "protocol")
        self.fault = "broker" if number < 50 else "node"


def sentence(number, *values):
    """A sentence of words.py; its number alone when there is no memory to load them."""
    try:
        return use_once("mqtt.words", "say", number, values)
    except MemoryError:
        return f"MQTT error {number}"
