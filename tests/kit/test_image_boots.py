"""The node starts from the image's own file system, mounted by real MicroPython, and goes on after a cut."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dustline import firmware_path
from dustline.kit import contents, image
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from dustline.node import signing
from dustline.node.build import build
from dustline.node.bundle import make
from simulator.options import NodeOptions
from tests.firmware.node_bench import QUICK, ScriptedGateway
from tests.kit import official
from tests.kit.rig import flashed, shown
from tests.support import Mosquitto, wait_for


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A version with a signature, as a new board gets it."""
    folder = tmp_path_factory.mktemp("signed")
    key = signing.new_key(folder / "key")
    (folder / "key.pub").write_text(signing.public_text(key.public_key()))
    (folder / "it.fw").write_bytes(signing.sign(build(firmware_path.folder()), key).whole)
    return contents.signed("esp32", folder / "it.fw", [folder / "key.pub"])


@pytest.mark.needs_mosquitto
@pytest.mark.needs_micropython
@pytest.mark.parametrize("kind", ["signed", "a developer's"])
def test_a_node_runs_from_the_partition(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, signed: dict[str, bytes], kind: str
) -> None:
    broker = mosquitto()
    gateway = ScriptedGateway(broker.port)
    settings = {**QUICK, "router": False}
    options = NodeOptions("kuchnia", broker_port=broker.port, extra={"clock_wait_s": 0}, **settings)
    files = dict(signed if kind == "signed" else contents.unsigned())
    files["config.json"] = json.dumps(options.config()).encode()
    built = image.build(BOARDS["esp32"], official.real().read_bytes(), files)
    try:
        with flashed(tmp_path / "node", built, options) as node:
            wait_for(lambda: gateway.readings, 40, f"a reading, see {node.log}")
            boots = {boot for boot, _ in gateway.readings}
            node.kill()
            node.start()
            wait_for(
                lambda: {boot for boot, _ in gateway.readings} - boots, 40, "a reading after a power cut"
            )
    finally:
        gateway.close()
    assert not gateway.broken
    assert set(_mounted(shown(node))) == {path.partition("/")[0] for path in files} | {"host"}


def _mounted(text: str) -> list[str]:
    """The names at the root, at the first start."""
    for line in text.splitlines():
        if line.startswith("boot: mounted "):
            return ast.literal_eval(line.removeprefix("boot: mounted ").strip())
    pytest.fail("nothing was mounted")


@pytest.mark.parametrize(
    ("board", "signer", "words"),
    [
        ("esp32", "other", "is not signed with"),
        ("esp32", None, "is not signed with"),
        ("esp32c3", "key", "is for esp32"),
    ],
)
def test_what_the_board_would_not_start_goes_into_no_image(
    tmp_path: Path, board: str, signer: str | None, words: str
) -> None:
    keys = {name: signing.new_key(tmp_path / name) for name in ("key", "other")}
    (tmp_path / "key.pub").write_text(signing.public_text(keys["key"].public_key()))
    unsigned = make({"run.mpy": b"M"}, "1.0.0", "1.0.0", boards=["esp32"])
    bundle = unsigned if signer is None else signing.sign(unsigned, keys[signer])
    (tmp_path / "it.fw").write_bytes(bundle.whole)
    with pytest.raises(KitError, match=words):
        contents.signed(board, tmp_path / "it.fw", [tmp_path / "key.pub"])
