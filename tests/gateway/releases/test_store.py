"""`dustline gateway release` and `channel`: what is taken, what is refused, and in what words."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dustline.node import bundle as theirs
from dustline.node import signing
from gateway.releases import store
from gateway.releases.keys import is_signed, read_keys
from gateway.releases.store import Store
from tests.gateway.releases.fleet import NEW, OLD, body, configure, dustline, key, public_pem, signed


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configure(tmp_path, 1)


def put(config: Path, data: bytes, *words: str, code: int = 0) -> str:
    file = config.with_name("some.fw")
    file.write_bytes(data)
    return dustline(config, "release", "add", str(file), *words, code=code).output


def test_what_node_sign_makes_is_taken(config: Path, tmp_path: Path) -> None:
    """The two sides share no code: `dustline node` made this one and its key."""
    made = signing.new_key(tmp_path / "private.pem")
    (tmp_path / "own.pem").write_text(signing.public_text(made.public_key()))
    data = signing.sign(theirs.make({"run.mpy": b"x" * 3000}, "2.0.1", "1.0.0", ["esp32"]), made).whole
    assert f"2.0.1 is kept: {len(data)} bytes for esp32, floor 1.0.0" in put(
        config, data, "--key", str(tmp_path / "own.pem")
    )
    assert "was there already" in put(config, data, "--key", str(tmp_path / "own.pem"))
    rows = json.loads(dustline(config, "release", "list", "--json").output)["releases"]
    assert [(each["version"], each["size"], each["offered"]) for each in rows] == [
        ("2.0.1", len(data), False)
    ]
    dustline(config, "release", "remove", "2.0.1")
    assert dustline(config, "release", "list").output == "no releases\n"
    assert "no release 2.0.1" in dustline(config, "release", "remove", "2.0.1", code=1).output


def test_those_who_begin_at_once_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own patience does not hold while another has begun to write into the new file."""
    file = tmp_path / "new.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        naps: list[float] = []

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                other.execute("ROLLBACK")

        monkeypatch.setattr(store.time, "sleep", nap)
        Store(file, create=True).close()
    assert len(naps) == 3
    with Store(file) as made:
        assert made.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


GOOD = signed(body())
HEAD = body().partition(b"\n")[0] + b"\n"
BAD: dict[str, tuple[bytes, str]] = {
    "unsigned": (body(), "is not signed; sign it with `dustline node sign`"),
    "zeros": (body() + bytes(384), "is not signed by the network's key"),
    "another key": (signed(body(), by=1), "is not signed by the network's key"),
    "another's signature": (body("1.2.0") + GOOD[-384:], "is not signed by the network's key"),
    "a flipped byte": (flip(GOOD, 1000), "is not signed by the network's key"),
    "a flipped signature": (flip(GOOD, len(GOOD) - 1), "is not signed by the network's key"),
    "truncated": (GOOD[:-1], "would be right: copy it again"),
    "longer": (GOOD + b"\0", "would be right: copy it again"),
    "empty": (b"", "is no bundle: it does not begin with DLFW1"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(5000), "is no bundle"),
    "too long": (bytes(1048577), "is longer than the 1048576 bytes"),
    "header of nonsense": (b'{"magic":"DLFW1",]\n', "has a header that cannot be read"),
    "header without a size": (HEAD.replace(b"5000", b"null"), "has a header without a size"),
    "floor above": (signed(body("1.1.0", floor="1.2.0")), "the floor not above"),
    "no version": (signed(body("1.1")), "has a version or a floor that no node takes"),
    "no boards": (signed(body(boards=[])), "names no boards"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_refused(config: Path, what: str) -> None:
    data, why = BAD[what]
    said = put(config, data, code=1)
    assert why in said
    assert "Traceback" not in said
    if config.with_name("dustline-releases.sqlite").exists():
        assert json.loads(dustline(config, "release", "list", "--json").output)["releases"] == []


def test_a_version_is_one_content(config: Path) -> None:
    put(config, signed(body(size=100)))
    assert "known with other content" in put(config, signed(body(size=101)), code=1)
    # Not even when it was removed, once nodes may have it.
    dustline(config, "rollout", "start", NEW)
    assert "already" in dustline(config, "rollout", "start", NEW, code=1).output
    assert "is being offered to channel stable" in dustline(config, "release", "remove", NEW, code=1).output
    dustline(config, "rollout", "stop")
    dustline(config, "release", "remove", NEW)
    assert "known with other content" in put(config, signed(body(size=101)), code=1)
    put(config, signed(body(size=100)))


def test_keys(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "public.pem"
    file.write_bytes(public_pem(1, 0))  # the present one and the next
    put(config, signed(body()))
    put(config, signed(body(OLD), by=1))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key().private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    small = rsa.generate_private_key(65537, 2048).public_key()
    short = small.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    for text, why in (
        (secret, "is a private key, which has no business at the gateway"),
        (short, "is no RSA key of 3072 bits"),
        (b"hello", "must hold one or 2 public keys in PEM, and holds 0"),
        (public_pem(0, 1, 2), "and holds 3"),
        (b"-----BEGIN PUBLIC KEY-----\n?\n-----END PUBLIC KEY-----", "is no PEM"),
    ):
        file.write_bytes(text)
        assert why in put(config, signed(body()), code=1)
    file.unlink()
    assert "cannot be read" in put(config, signed(body()), code=1)
    config.write_text(config.read_text().replace("public_keys", "#"))
    assert "by what key? Set releases.public_keys" in put(config, signed(body()), code=2)


def test_signature_blocks_are_compared_whole(tmp_path: Path) -> None:
    """No shorter padding, no other hash, no number above the modulus."""
    (tmp_path / "public.pem").write_bytes(public_pem(0))
    keys = read_keys(tmp_path / "public.pem")
    good = int.from_bytes(GOOD[-384:])
    assert is_signed(GOOD[:-384], GOOD[-384:], keys)
    assert not is_signed(GOOD[:-384], (good + keys[0]).to_bytes(385), keys)
    assert not is_signed(GOOD[:-384], b"", keys)


def test_words_that_are_wrong(config: Path) -> None:
    def says(*words: str, code: int = 2) -> str:
        return dustline(config, *words, code=code).output

    assert "begin with `dustline gateway release add FILE.fw`" in says("rollout", "status", code=1)
    assert "write nodes, and then one of stable, test" in says("channel", "praga-1")
    assert "a node's name is 1 to 32" in says("channel", "Praga", "test")
    put(config, signed(body()))
    assert "no release 9.9.9" in says("rollout", "start", "9.9.9", code=1)
    assert "there is no roll-out to channel test" in says("rollout", "pause", "--channel", "test", code=1)
    for stages in ("10,1,100", "0,100", "1,10", "x", "", "1,1,100"):
        assert "write" in says("rollout", "start", NEW, "--stages", stages)
    assert says("rollout", "status", code=0) == "no roll-outs\n"


def test_a_store_that_is_no_store(config: Path, tmp_path: Path) -> None:
    (tmp_path / "dustline-releases.sqlite").write_text("hello, I am a text of many lines\n" * 50)
    said: Any = put(config, signed(body()), code=1)
    assert "dustline-releases.sqlite: cannot be used" in said
