"""What can go wrong with MQTT, in plain words. `kind` is one word to count by, str() a sentence to show."""

import errno

REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refused the client id",
    3: "the broker is not available",
    4: "the broker refused the user name or the password",
    5: "the broker refused the user name or the password, or this node is not allowed in",
}


class MqttError(Exception):
    """Anything that goes wrong with MQTT. One class, told apart by kind: classes cost a node memory.

    connect()    resolve, refused, unreachable, tls, timeout, auth, rejected, closed, protocol, cancelled,
                 error
    an open one  silent, blocked, closed, error, tls, protocol, callback, memory, internal
    one request  timeout (not acknowledged in time, the connection is still open), subscribe, usage
    """

    def __init__(self, text, kind="mqtt"):
        super().__init__(text)
        self.kind = kind
        # The exception behind it, where a traceback helps.
        self.cause = None  # type: Exception | None


class ProtocolError(MqttError):
    """A packet that breaks MQTT 3.1.1. `fault` is "broker" (it sent it) or "node" (we tried to)."""

    def __init__(self, fault, text):
        super().__init__(f"the {fault} {text}", "protocol")
        self.fault = fault


def describe(error, with_tls=False):
    """Any exception as (sentence, kind)."""
    if isinstance(error, MqttError):
        return str(error), error.kind
    if isinstance(error, MemoryError):
        return f"out of memory ({error})", "memory"
    # mbedTLS counts its errors below zero; a certificate that does not verify is a ValueError.
    if with_tls and (
        isinstance(error, ValueError) or (isinstance(error, OSError) and (error.errno or 0) < 0)
    ):
        return f"TLS failed ({str(error).strip()})", "tls"
    if isinstance(error, OSError):
        return f"the connection broke ({os_error(error)})", "error"
    return f"the MQTT client failed: {error!r}", "internal"


def os_error(error):
    """An OSError as a name such as EHOSTUNREACH where the system has one."""
    return errno.errorcode.get(error.errno, str(error)) if error else "no address"
