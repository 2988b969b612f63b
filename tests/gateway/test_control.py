"""`dustline gateway command` and `configure` against a real Mosquitto with the documented rules."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from tests.gateway.talker import Talker, topic
from tests.support import Mosquitto, require, wait_for

ONLINE = {"v": 1, "online": True, "boot": 1, "fw": "1", "reset": "power", "config": 0, "sensors": []}
USERS = ("dustline-gateway", "praga-1", "stranger")


@pytest.fixture
def guarded(repo: Path, tmp_path: Path, mosquitto: Any) -> Mosquitto:
    """A broker with the documented rules; every user's password is secret-NAME."""
    page = (repo / "docs" / "city-it.md").read_text()
    block = re.search(r"(?m)^    user dustline-gateway\n(?:    .*\n)+", page)
    assert block is not None
    rules, passwords = tmp_path / "acl", tmp_path / "passwords"
    rules.write_text(re.sub(r"(?m)^    ", "", block[0]))
    passwords.touch(0o600)
    for user in USERS:
        subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, f"secret-{user}"], check=True)
    return mosquitto([f"acl_file {rules}", f"password_file {passwords}", "allow_anonymous false"])


@pytest.fixture
def dustline(tmp_path: Path, guarded: Mosquitto) -> Callable[..., Result]:
    def call(*words: str, user: str = "dustline-gateway", protocol: int = 5) -> Result:
        path = tmp_path / "gateway.toml"
        path.write_text(
            f'nodes_file = "nodes.toml"\n[broker]\nport = {guarded.port}\nusername = "{user}"\n'
            f'password = "secret-{user}"\nprotocol = {protocol}\n'
        )
        (tmp_path / "nodes.toml").write_text("[nodes.praga-1]\nlat=52.25\nlon=21.03\n")
        result = CliRunner().invoke(main, ["gateway", *words, "--config", str(path)])
        print(words, result.exit_code, result.output)
        return result

    return call


class Node:
    """Answers commands as told, and takes settings as the firmware does."""

    def __init__(self, port: int) -> None:
        self.talker = Talker(port, "praga-1", "secret-praga-1")
        self.heard: list[dict[str, Any]] = []
        self.reply: dict[str, Any] = {"ok": True, "text": "yes"}
        self.rejects = False
        client = self.talker._client
        client.message_callback_add(topic("praga-1", "command"), self._command)
        client.message_callback_add(topic("praga-1", "config"), self._config)
        for kind in ("command", "config"):
            before = len(self.talker._subscribed)
            client.subscribe(topic("praga-1", kind), 1)
            wait_for(lambda before=before: len(self.talker._subscribed) > before, what="the subscription")

    def _command(self, client: Any, _userdata: Any, message: Any) -> None:
        self.heard.append(json.loads(message.payload))
        own = {"v": 1, "id": self.heard[-1]["id"], **self.reply}
        for reply in ({"v": 1, "id": "another", "ok": False}, {"v": 1, "id": own["id"]}, own):
            client.publish(topic("praga-1", "reply"), json.dumps(reply), 1)

    def _config(self, client: Any, _userdata: Any, message: Any) -> None:
        if not message.payload:
            return
        self.heard.append(json.loads(message.payload))
        version = self.heard[-1]["version"]
        status = {**ONLINE, "config_rejected": version} if self.rejects else {**ONLINE, "config": version}
        client.publish(topic("praga-1", "status"), json.dumps(status), 1, True)


@pytest.fixture
def node(guarded: Mosquitto) -> Any:
    made = Node(guarded.port)
    made.talker.send(ONLINE, kind="status", retain=True)
    yield made
    made.talker.close()


@pytest.mark.parametrize("protocol", [5, 311])
def test_a_command_and_its_reply(node: Node, dustline: Callable[..., Result], protocol: int) -> None:
    result = dustline("command", "praga-1", "identify", "--seconds", "9", protocol=protocol)
    assert result.exit_code == 0
    assert "praga-1: identify: done: yes" in result.output
    assert "a reply of praga-1 breaks the contract: ok is missing" in result.output
    (command,) = node.heard
    assert (command["v"], command["do"], command["seconds"]) == (1, "identify", 9)
    node.reply = {"ok": False, "text": "no \x1b[31m LED"}
    result = dustline("command", "praga-1", "reboot", protocol=protocol)
    assert result.exit_code == 1
    assert "praga-1: reboot: NOT done: no \\x1b[31m LED" in result.output


def test_a_selftest_as_a_table(node: Node, dustline: Callable[..., Result]) -> None:
    part = {"part": "wifi", "ok": False, "en": "Weak.", "pl": "Słabe."}
    node.reply = {"ok": False, "results": [part, {**part, "part": "supply", "ok": None}]}
    result = dustline("command", "praga-1", "selftest", "--lang", "pl")
    assert result.exit_code == 1
    assert result.output.endswith("BAD wifi    Słabe.\n?   supply  Słabe.\n")
    assert "Weak" not in result.output
    result = dustline("command", "praga-1", "selftest")
    assert "BAD wifi    Weak.\n            Słabe.\n" in result.output
    result = dustline("command", "praga-1", "selftest", "--json")
    assert json.loads(result.output.splitlines()[-1])["results"][1]["ok"] is None


def test_settings_are_merged_under_the_next_version(node: Node, dustline: Callable[..., Result]) -> None:
    assert dustline("configure", "--all-listed", "--show").output == (
        "praga-1: nothing is set; it runs version 0\n"
    )
    result = dustline("configure", "praga-1", "window_s=30", "measure=false")
    assert result.exit_code == 0
    assert "praga-1: version 1 is in force, on trial" in result.output
    dustline("configure", "--all-listed", "sleep_s=60", "measure=")
    assert node.heard[-1] == {"v": 1, "version": 2, "settings": {"window_s": 30, "sleep_s": 60}}
    result = dustline("configure", "praga-1", "--show")
    assert result.output == "praga-1: version 2: window_s=30, sleep_s=60; it runs version 2\n"
    node.rejects = True
    result = dustline("configure", "praga-1", "sleep_s=61")
    assert result.exit_code == 1
    assert "praga-1: version 3 was REJECTED" in result.output
    assert "has REJECTED this one" in dustline("configure", "praga-1", "--show").output
    # A broker that has forgotten all: the node still knows a version, and would not take it again.
    node.talker.send(b"", kind="config", retain=True)
    node.rejects = False
    dustline("configure", "praga-1", "--clear")
    assert node.heard[-1] == {"v": 1, "version": 4, "settings": {}}


def test_what_the_contract_does_not_allow_is_not_published(
    node: Node, dustline: Callable[..., Result]
) -> None:
    for word, said in (
        ("window_s=0", "window_s: must be greater than or equal to 1, not 0"),
        ("window_s=abc", "window_s: must be a valid integer, not 'abc'"),
        ("broker=x", "broker cannot be set; measure, warmup_s"),
        ("colour=", "colour cannot be set; measure, warmup_s"),
        ("measure=1", "measure: must be a valid boolean, not 1"),
    ):
        result = dustline("configure", "praga-1", word)
        assert (result.exit_code, said in result.output) == (2, True), result.output
    assert dustline("configure", "Praga", "window_s=5").exit_code == 2
    assert dustline("configure", "window_s=5").exit_code == 2
    assert dustline("configure", "praga-1").exit_code == 2
    assert node.heard == []


def test_who_has_no_right_is_told(node: Node, dustline: Callable[..., Result]) -> None:
    result = dustline("configure", "praga-1", "window_s=5", user="stranger")
    assert result.exit_code == 2
    assert "give this user the right to write it" in result.output
    assert node.heard == []
