"""TLS: the settings of a connection that trusts the pinned authority only, and why a server was refused.

MicroPython only. Loaded when a context is made, once, and when a handshake failed.
"""

import tls
from micropython import const

from node import files
from node.mqtt.errors import MqttError

_ALERT = const(-0x7780)  # mbedTLS: the peer sent a fatal alert
_NO_RECORD = const(-0x7200)  # what came is no TLS record
_PEM = b"-----BEGIN "
# What mbedTLS says of a certificate, several at a time; and what we say.
_FLAWS = (
    ("expired", "has expired"),
    ("starts in the future", "is not valid yet"),
    ("does not match", "is for another name than {}"),
    ("not correctly signed", "is not signed by the pinned CA"),
)


def context(broker):
    """An SSLContext as the settings say: server and host name are verified, or nothing is sent. Raises
    MqttError with what is wrong with the files."""
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
    try:
        # One at a time: given in one piece, what is wrong with the second would pass unseen.
        for certificate in _read(broker, "ca"):
            made.load_verify_locations(certificate)
    except (ValueError, OSError) as error:
        raise _unread(broker, "ca", error) from None
    if broker["cert"] or broker["key"]:
        certificate, key = _read(broker, "cert")[0], _read(broker, "key")[-1]
        try:
            made.load_cert_chain(certificate, key)
        except (ValueError, OSError) as error:
            raise _wrong(broker, "cert", f"and broker.key cannot be used together ({error})") from None
    return made


def refusal(error, name):
    """Why the handshake failed, as a sentence."""
    text = str(error).strip()
    flaws = [ours.format(name) for theirs, ours in _FLAWS if theirs in text]
    if flaws:
        return f"refused the broker: its certificate {' and '.join(flaws)}"
    number = error.errno if isinstance(error, OSError) else 0
    if number == _ALERT or number > 0:
        text = "the broker broke off; it may want a client certificate"
    elif number == _NO_RECORD:
        text = "what answers at this port does not speak TLS"
    return f"TLS failed ({text})"


def _wrong(broker, field, what):
    return MqttError(f"broker.{field}: {broker[field]} {what}; without it nothing is sent", "tls")


def _unread(broker, field, error):
    if field == "key":
        return _wrong(broker, field, f"holds no key that can be read ({error})")
    return _wrong(broker, field, f"holds no certificate that can be read ({error})")


def _read(broker, field):
    """The DER objects of a setting's file, at least one."""
    try:
        raw = files.read(broker[field]) if broker[field] else None
        if raw:
            return _parts(raw)
    except (ValueError, MemoryError) as error:  # a browser's list of authorities is larger than the heap
        raise _unread(broker, field, error) from None
    raise _wrong(broker, field, "is missing or empty")


def _parts(raw):
    """The DER objects of a file, at least one: of PEM blocks, or DER with nothing between them."""
    if _PEM in raw:
        return _from_pem(raw)
    parts = []
    while raw:
        if len(raw) < 4 or raw[0] != 0x30:
            raise ValueError("neither PEM nor DER")
        # A DER length is one byte, or the number of bytes that it takes and those.
        size, at = raw[1], 2
        if size > 128:
            at += size - 128
            size = int.from_bytes(raw[2:at], "big")
        if at + size > len(raw):
            raise ValueError("it is cut off")
        parts.append(raw[: at + size])
        raw = raw[at + size :].strip(b"\r\n")
    return parts


def _from_pem(raw):
    from binascii import a2b_base64

    parts = []
    at = raw.find(_PEM)
    while at >= 0:
        begin = raw.find(b"-----", at + len(_PEM)) + 5
        end = raw.find(b"-----END ", begin)
        if begin < 5 or end < 0:
            raise ValueError("a PEM block has no end")
        # `openssl ecparam` writes the curve before the key.
        if b"PARAMETERS" not in raw[at:begin]:
            parts.append(a2b_base64(raw[begin:end].replace(b"\n", b"").replace(b"\r", b"")))
        at = raw.find(_PEM, end)
    if not parts:
        raise ValueError("nothing but a key's parameters")
    return parts
