"""Files of certificates and keys in every bad state. In place of TLS stands what only takes them (a mock)."""

import sys

if sys.implementation.name == "cpython":
    sys.modules["tls"] = type(sys)("tls")  # it has none

from node import files
from node.mqtt import secure
from node.mqtt.errors import MqttError

DER = b"0\x03abc"
PEM = b"-----BEGIN CERTIFICATE-----\nMANhYmM=\n-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n" + PEM
BAD = (
    (b"garbage", "neither PEM nor DER"),
    (b"0\x82\x01\x00cut", "it is cut off"),
    (b"0", "neither PEM nor DER"),
    (b"-----BEGIN CERTIFICATE-----\nMANh", "a PEM block has no end"),
    (b"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n", ""),
    (KEY[: -len(PEM)], "nothing but a key's parameters"),
    (b"", "is missing or empty"),
    (None, "is missing or empty"),
)


class Tls:
    PROTOCOL_TLS_CLIENT = CERT_REQUIRED = 1

    def SSLContext(self, protocol):
        self.taken = []
        return self

    def load_verify_locations(self, certificate):
        self.taken.append(certificate)

    def load_cert_chain(self, certificate, key):
        self.taken.append((certificate, key))


secure.tls = Tls()
BROKER = {"ca": "test_ca", "cert": "test_cert", "key": "test_key"}


def teardown_module():
    for name in BROKER.values():
        files.remove(name)


def made(**contents):
    """The context made of right files, but for those given; or the error."""
    raw = {"ca": DER, "cert": PEM, "key": KEY}
    raw.update(contents)
    for field in raw:
        files.remove(BROKER[field])
        if raw[field] is not None:
            files.write(BROKER[field], raw[field])
    try:
        return secure.context(BROKER).taken
    except MqttError as error:
        return error


def test_der_and_pem_are_taken():
    assert made() == [DER, (DER, DER)]
    assert made(ca=PEM + PEM) == [DER, DER, (DER, DER)]


def test_a_damaged_file_is_named_and_raises_nothing_else():
    for field in BROKER:
        for raw, why in BAD:
            error = made(**{field: raw})
            assert isinstance(error, MqttError), (field, raw, error)
            assert error.kind == "tls"
            assert str(error).startswith(f"broker.{field}: test_{field} "), error
            assert why in str(error), (field, raw, error)


def test_a_file_too_large_for_the_heap():
    read = files.read

    def full(path):
        if path == "test_ca":
            raise MemoryError("memory allocation failed")
        return read(path)

    files.read = full
    try:
        assert "holds no certificate that can be read (memory" in str(made())
    finally:
        files.read = read
