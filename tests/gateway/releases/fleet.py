"""What tests of roll-outs share: small signed releases made by the format's words, and many light nodes over
one connection, each of which loads what it is told and then does as its fate says."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dustline.cli import main
from gateway.releases.rollouts import newest
from gateway.releases.settings import STORE_NAME
from gateway.releases.store import Store
from tests.gateway.talker import topic
from tests.support import wait_for

OLD, NEW = "1.0.0", "1.1.0"
PIECE = 2048
NOT_OFFERED = b"\xff\xff\xff\xff"
# Looks often, and as fast as a test likes.
QUICK = {"look_s": 0.1, "commands_per_min": 60000, "node_kb_per_s": 10000, "total_kb_per_s": 10000}


@functools.cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    """The network's, and others."""
    return rsa.generate_private_key(65537, 3072)


def public_pem(*numbers: int) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return b"".join(
        key(number).public_key().public_bytes(serialization.Encoding.PEM, form) for number in numbers
    )


def body(version: str = NEW, floor: str = OLD, size: int = 5000, **changes: Any) -> bytes:
    """A bundle without a signature, with `size` bytes of files."""
    head = {
        "magic": "DLFW1",
        "version": version,
        "floor": floor,
        "boards": ["esp32"],
        "size": size,
        "files": [["run.mpy", 0, size]],
        **changes,
    }
    content = hashlib.shake_256(version.encode()).digest(size)
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + content


def signed(data: bytes, by: int = 0) -> bytes:
    return data + key(by).sign(data, padding.PKCS1v15(), hashes.SHA256())


def dustline(config: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["gateway", *words, "--config", str(config)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def configure(directory: Path, port: int, more: str = "") -> Path:
    """A configuration for the command line, with the journal of tests/gateway/conftest.py."""
    path = directory / "gateway.toml"
    (directory / "public.pem").write_bytes(public_pem(0))
    path.write_text(
        f"[broker]\nport = {port}\n[journal]\npath = 'journal.sqlite'\n"
        f"[web]\nenabled = false\n[monitor]\nenabled = false\n"
        f"[releases]\npublic_keys = 'public.pem'\n"
        + "".join(f"{name} = {value}\n" for name, value in QUICK.items())
        + more
    )
    return path


def add(config: Path, version: str = NEW, **how: Any) -> bytes:
    data = signed(body(version, **how))
    (config.parent / f"{version}.fw").write_bytes(data)
    dustline(config, "release", "add", str(config.parent / f"{version}.fw"))
    return data


def status(config: Path, code: int = 0) -> dict[str, Any]:
    """Of the newest roll-out."""
    return document(dustline(config, "rollout", "status", "--json", code=code).output)["rollouts"][-1]


def document(output: str) -> dict[str, Any]:
    """The one line of JSON: a gateway of this process may write its log into the same output meanwhile."""
    found: dict[str, Any] = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    return found


def state(config: Path) -> str:
    """Of the newest roll-out, whatever the exit code."""
    with Store(config.with_name(STORE_NAME)) as store:
        return newest(store.db)[-1].state


class Light:
    """One node. Its fate: good, fell_back, silent, no (replies so), deaf (does not reply)."""

    def __init__(self, name: str, fate: str) -> None:
        self.name, self.fate = name, fate
        self.fw, self.boot, self.up = OLD, 1, 0
        self.online, self.dead = True, False
        self.update: dict[str, str] | None = None
        self.job: dict[str, Any] | None = None
        self.loaded = b""
        self.commands: list[dict[str, Any]] = []
        self.chunks: list[bytes] = []


class Fleet:
    """Connected when made; every node has told its status and its health."""

    def __init__(
        self, port: int, names: Iterable[str], fate: Callable[[str], str] = lambda _: "good"
    ) -> None:
        self.nodes = {name: Light(name, fate(name)) for name in names}
        self.wrong: list[str] = []
        self._mutex = threading.RLock()
        self._ending = threading.Event()
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id="fleet", protocol=mqtt.MQTTv311
        )
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(1000)
        self._client.reconnect_delay_set(1, 1)
        subscribed = threading.Event()
        kinds = [("dl/1/warsaw/+/+/command", 1), ("dl/1/warsaw/+/+/chunk", 1)]
        self._client.on_connect = lambda client, *_: client.subscribe(kinds)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_for(subscribed.is_set, what="the fleet's subscription")
        for node in self.nodes.values():
            self._hello(node)
        self._beats = threading.Thread(target=self._beat, daemon=True)
        self._beats.start()

    def close(self) -> None:
        self._ending.set()
        self._beats.join()
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, node: Light, kind: str, content: Any, retain: bool = False) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._client.publish(topic(node.name, kind), data, 1, retain)

    def join(self, name: str) -> None:
        """A new node."""
        with self._mutex:
            self.nodes[name] = Light(name, "good")
            self._hello(self.nodes[name])

    def leave(self, name: str) -> None:
        """As the broker says it, by the last will."""
        with self._mutex:
            node = self.nodes[name]
            node.online = False
            self.say(node, "status", {"v": 1, "online": False}, retain=True)

    def come(self, name: str) -> None:
        with self._mutex:
            self.nodes[name].online = True
            self._hello(self.nodes[name])

    def with_version(self, version: str = NEW) -> set[str]:
        return {node.name for node in self.nodes.values() if node.fw == version}

    def told(self) -> set[str]:
        return {node.name for node in self.nodes.values() if node.commands}

    def _beat(self) -> None:
        """Signs of life, a few a second."""
        while not self._ending.wait(0.3):
            with self._mutex:
                for node in self.nodes.values():
                    if node.online and not node.dead:
                        self._health(node)

    def _hello(self, node: Light) -> None:
        online = {"v": 1, "online": True, "boot": node.boot, "fw": node.fw, "reset": "power"}
        self.say(node, "status", {**online, "config": 0, "sensors": []}, retain=True)
        self._health(node)

    def _health(self, node: Light) -> None:
        node.up += 1
        told = {} if node.update is None else {"update": node.update}
        health = {"v": 1, "boot": node.boot, "up": node.up, "t": None, "heap_free": 9, "reset": "power"}
        more = {"born": [[node.boot, 0]], "outbox": {"depth": 0, "bytes": 0, "aside": 0}}
        self.say(node, "health", {**health, **more, "sensors": [], "counters": {}, **told})

    def _take(self, _client: Any, _user: Any, message: mqtt.MQTTMessage) -> None:
        *_, name, kind = message.topic.split("/")
        with self._mutex:
            node = self.nodes.get(name)
            if node is None or node.dead or not node.online:
                return
            if kind == "command":
                self._command(node, json.loads(message.payload))
            else:
                node.chunks.append(message.payload)
                self._chunk(node, message.payload)

    def _command(self, node: Light, command: dict[str, Any]) -> None:
        reply = {"v": 1, "id": command["id"], "ok": True, "text": f"loading {command['size']} bytes"}
        if command["id"] in [each["id"] for each in node.commands]:
            self.say(node, "reply", {**reply, "text": "it came again and was done already"})
            return
        node.commands.append(command)
        if node.fate == "deaf":
            return
        if node.fate == "no":
            self.say(node, "reply", {**reply, "ok": False, "text": "no room: 1 byte is needed"})
        elif node.fw == command["version"]:
            self.say(node, "reply", {**reply, "text": f"{node.fw} runs already"})
        else:
            self.say(node, "reply", reply)
            node.job, node.loaded = command, b""
            self._tell(node, "loading")
            self.fetch(node)

    def fetch(self, node: Light) -> None:
        assert node.job is not None
        ask = {"v": 1, "version": node.job["version"], "from": len(node.loaded)}
        self.say(node, "fetch", {**ask, "len": min(PIECE, node.job["size"] - len(node.loaded))})

    def go_on(self) -> None:
        """Ask once more, as a node does without an answer."""
        with self._mutex:
            for node in self.nodes.values():
                if node.job is not None and node.online and not node.dead:
                    self.fetch(node)

    def _chunk(self, node: Light, payload: bytes) -> None:
        job = node.job
        if job is None or (payload != NOT_OFFERED and int.from_bytes(payload[:4], "big") != len(node.loaded)):
            return
        if payload == NOT_OFFERED:
            node.job = None
            self._tell(node, "refused", "the gateway does not offer it")
            return
        node.loaded += payload[4:]
        if len(node.loaded) < job["size"]:
            self.fetch(node)
            return
        if hashlib.sha256(node.loaded).hexdigest() != job["sha256"]:
            self.wrong.append(f"{node.name} loaded something else")
        node.job = None
        self._start_new(node, job["version"])

    def _start_new(self, node: Light, version: str) -> None:
        if node.fate == "silent":
            node.dead = True
            return
        before = node.fw
        node.fw = version
        node.boot += 1
        self._hello(node)
        self._tell(node, "trial", version=version)
        if node.fate == "fell_back":
            node.fw = before
            node.boot += 1
            self._hello(node)
            self._tell(node, "fell_back", "it was started 3 times and did not prove good", version)
        else:
            self._tell(node, "good", version=version)

    def _tell(self, node: Light, state: str, why: str = "", version: str = "") -> None:
        version = version or (node.commands[-1]["version"] if node.commands else NEW)
        node.update = {"version": version, "state": state, **({"why": why} if why else {})}
        self._health(node)
