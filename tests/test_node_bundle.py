"""`dustline node bundle|keygen|keys|sign|verify`, and reading a bundle."""

from __future__ import annotations

import json
import random
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from dustline.node.bundle import BundleError, make, read
from tests.support import require

FILES = {"run.mpy": b"M\x06 run", "node/__init__.mpy": b"M\x06 node" * 50, "node/mqtt/client.mpy": b""}


def call(*words: object) -> Result:
    result = CliRunner().invoke(main, ["node", *map(str, words)])
    print(*words, "->", result.exit_code, result.output)
    assert result.exception is None or isinstance(result.exception, SystemExit), "no traceback for a mistake"
    return result


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("one.pem", "two.pem"):
        assert call("keygen", folder / name).exit_code == 0
    assert call("keys", folder / "one.pem.pub", "--board", "esp32", "-o", folder / "keys.json").exit_code == 0
    return folder


def test_what_is_made_is_read_back() -> None:
    made = make(FILES, "1.2.0", "1.0.0", ["esp32s3", "esp32"])
    assert read(made.whole) == made
    assert read(made.whole + bytes(384)).signature == bytes(384)
    assert made.body == make(dict(reversed(FILES.items())), "1.2.0", "1.0.0", ["esp32", "esp32s3"]).body
    line, _, rest = made.body.partition(b"\n")
    head = json.loads(line)
    assert head["magic"] == "DLFW1"
    assert head["size"] == len(rest) == sum(map(len, FILES.values()))
    for path, at, size in head["files"]:
        assert rest[at : at + size] == FILES[path]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": "1.2"}, "is no version"),
        ({"version": "1.2.0-rc1"}, "is no version"),
        ({"floor": "1.2.1"}, "above the version"),
        ({"boards": ["esp8266"]}, "boards must be some of"),
        ({"boards": []}, "boards must be some of"),
        ({"files": {"main.py": b""}}, "only compiled modules"),
        ({"files": {"../up.mpy": b""}}, "only compiled modules"),
        ({"files": {"large.mpy": bytes(1 << 20)}}, "more than a node takes"),
    ],
)
def test_what_cannot_be_a_bundle(changes: dict[str, object], why: str) -> None:
    wanted: dict[str, object] = {"files": FILES, "version": "1.2.0", "floor": "1.0.0", "boards": ["esp32"]}
    with pytest.raises(BundleError, match=why):
        make(**{**wanted, **changes})  # type: ignore[arg-type]


def test_reading_never_dies_of_what_it_reads() -> None:
    """Cut anywhere, and with bytes changed at random: a bundle or a BundleError."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    whole = make(FILES, "1.2.0", "1.0.0").whole
    for end in range(len(whole)):
        with pytest.raises(BundleError):
            read(whole[:end])
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read(bytes(data))
        except BundleError:
            continue


@pytest.mark.needs_micropython
def test_the_same_sources_give_the_same_bytes(tmp_path: Path, keys: Path) -> None:
    for name in ("one.fw", "two.fw"):
        assert call("bundle", "-o", tmp_path / name, "--floor", "0.1.0", "--board", "esp32").exit_code == 0
    one = (tmp_path / "one.fw").read_bytes()
    assert one == (tmp_path / "two.fw").read_bytes()
    found = read(one)
    assert found.boards == ("esp32",)
    assert "run.mpy" in found.files
    assert not {"main.py", "stage.mpy", "slot.mpy"} & found.files.keys(), "they outlive versions"
    signed = tmp_path / "signed.fw"
    assert call("sign", tmp_path / "one.fw", keys / "one.pem", "-o", signed).exit_code == 0
    assert signed.read_bytes()[:-384] == one
    again = tmp_path / "again.fw"
    call("sign", signed, keys / "one.pem", "-o", again)
    assert again.read_bytes() == signed.read_bytes(), "this kind of signature has nothing random in it"


def test_signing_and_verifying(tmp_path: Path, keys: Path) -> None:
    assert stat.S_IMODE((keys / "one.pem").stat().st_mode) == 0o600
    bundle = tmp_path / "a.fw"
    bundle.write_bytes(make(FILES, "1.2.0", "1.0.0", ["esp32"]).whole)
    known = ("--keys", keys / "keys.json")
    assert call("verify", bundle, *known).exit_code == 1
    assert call("sign", bundle, keys / "one.pem").exit_code == 0
    assert call("verify", bundle, *known).output.endswith("\nsigned\n")
    assert call("verify", bundle, "--key", keys / "one.pem.pub").exit_code == 0
    other = call("verify", bundle, "--key", keys / "two.pem.pub")
    assert (other.exit_code, "NOT signed with this key" in other.output) == (1, True)
    call("keys", keys / "one.pem.pub", keys / "two.pem.pub", "--board", "esp32c3", "-o", tmp_path / "c3.json")
    wrong = call("verify", bundle, "--keys", tmp_path / "c3.json")
    assert (wrong.exit_code, "signed, but NOT for esp32c3" in wrong.output) == (1, True)
    # OpenSSL agrees on what was signed.
    data = bundle.read_bytes()
    (tmp_path / "body").write_bytes(data[:-384])
    (tmp_path / "signature").write_bytes(data[-384:])
    subprocess.run(
        [
            *(require("openssl"), "dgst", "-sha256", "-verify", str(keys / "one.pem.pub")),
            *("-signature", str(tmp_path / "signature"), str(tmp_path / "body")),
        ],
        check=True,
        timeout=60,
    )


def test_mistakes_are_said_plainly(tmp_path: Path, keys: Path) -> None:
    before = (keys / "one.pem").read_bytes()
    refused = call("keygen", keys / "one.pem")
    assert (refused.exit_code, "is there already" in refused.output) == (1, True)
    assert (keys / "one.pem").read_bytes() == before
    (tmp_path / "text").write_text("hello")
    assert "does not begin with the header" in call("sign", tmp_path / "text", keys / "one.pem").output
    assert "cannot be read" in call("verify", tmp_path / "none", "--keys", keys / "keys.json").output
    assert "is no private key" in call("sign", _bundle(tmp_path), tmp_path / "text").output
    assert "is no keys.json" in call("verify", _bundle(tmp_path), "--keys", tmp_path / "text").output
    assert call("verify", _bundle(tmp_path)).exit_code == 2
    short = tmp_path / "short.pem"
    subprocess.run(
        [require("openssl"), "genrsa", "-out", str(short), "2048"], check=True, capture_output=True
    )
    assert "keys of 3072 bits" in call("sign", _bundle(tmp_path), short).output


def _bundle(folder: Path) -> Path:
    path = folder / "some.fw"
    path.write_bytes(make(FILES, "1.2.0", "1.0.0").whole)
    return path
