"""A real Mosquitto whose users are in files or in its dynamic security plugin, and nodes that try it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from gateway.config import Settings
from gateway.enrol.kit import Kit, decode
from tests.gateway.talker import topic
from tests.support import REPO, require, wait_for

GATEWAY = {"username": "dustline-gateway", "password": "secret-dustline-gateway"}
_PLUGINS = ("/usr/lib/*/mosquitto_dynamic_security.so", "/usr/lib/mosquitto_dynamic_security.so")


def documented_rules() -> str:
    """The acl_file of docs/city-it.md."""
    from tests.gateway.test_broker_rules import documented

    return documented(REPO, "city-it.md")


def settings_for(directory: Path, port: int, enrol: dict[str, Any], **more: Any) -> Settings:
    return Settings(
        broker={"port": port, **GATEWAY},  # pyright: ignore[reportArgumentType]
        journal={"path": directory / "journal.sqlite"},  # pyright: ignore[reportArgumentType]
        enrol={  # pyright: ignore[reportArgumentType]
            "store": directory / "enrolment.sqlite",
            "host": "127.0.0.1",
            "port": port,
            "tls": False,
            **enrol,
        },
        **more,
    )


def with_files(directory: Path, mosquitto: Any) -> tuple[Any, dict[str, Any]]:
    """A broker by the documented rules, and the section [enrol]."""
    acl, passwords, pid = directory / "acl", directory / "passwords", directory / "pid"
    acl.write_text(documented_rules())
    passwords.touch(0o640)
    words = [require("mosquitto_passwd"), "-b", passwords, *GATEWAY.values()]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    broker = mosquitto(
        [
            f"acl_file {acl}",
            f"password_file {passwords}",
            f"pid_file {pid}",
            "allow_anonymous false",
            "log_type all",
        ]
    )
    wait_for(lambda: pid.exists() and pid.read_text().strip(), what="the broker's pid file")
    return broker, {"broker": "files", "password_file": passwords, "acl_file": acl, "pid_file": pid}


def plugin() -> Path:
    found = [file for pattern in _PLUGINS for file in Path("/").glob(pattern[1:])]
    if not found:
        pytest.skip("this Mosquitto has no dynamic security plugin")
    return found[0]


def with_dynsec(directory: Path, mosquitto: Any) -> tuple[Any, dict[str, Any]]:
    """The same with the plugin; the gateway's user is made by the commands of docs/enrolment.md."""
    config = directory / "dynamic-security.json"
    control = require("mosquitto_ctrl")
    subprocess.run(
        [control, "dynsec", "init", config, "admin", "secret-admin"], check=True, capture_output=True
    )
    broker = mosquitto(
        [
            "allow_anonymous false",
            "log_type all",
            f"plugin {plugin()}",
            f"plugin_opt_config_file {config}",
        ]
    )
    for line in documented_commands():
        words = line.replace("GATEWAY_PASSWORD", GATEWAY["password"]).split()
        subprocess.run(
            [control, "-p", str(broker.port), "-u", "admin", "-P", "secret-admin", *words[1:]],
            check=True,
            capture_output=True,
        )
    return broker, {"broker": "dynsec", "admin_username": "admin", "admin_password": "secret-admin"}


def documented_commands() -> list[str]:
    """Of docs/enrolment.md, those of mosquitto_ctrl that make the gateway's user; without its connection."""
    lines = (REPO / "docs" / "enrolment.md").read_text().splitlines()
    return [line.strip() for line in lines if line.startswith("    ctrl dynsec")]


def secret_of(kit: Kit) -> str:
    return str(decode(kit.code)["secret"])


def enrolled(guarded: Any, *names: str) -> list[str]:
    """The secrets."""
    return [secret_of(kit) for kit in guarded.enroller.enrol(dict.fromkeys(names))]


class Client:
    """One connection of MQTT 5, which says what the broker refuses. It does not connect again."""

    def __init__(self, port: int, user: str, secret: str, client_id: str | None = None) -> None:
        self.user = user
        self.heard: list[str] = []
        self._answers: dict[int, Any] = {}
        self.refused = ""
        self.connected = False
        self.ended = False
        self._client = client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=client_id or user,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.username_pw_set(user, secret)
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: setattr(self, "ended", True)
        client.on_message = lambda _client, _userdata, message: self.heard.append(message.topic)
        client.on_publish = lambda _client, _userdata, mid, reason, _: self._answers.update({mid: reason})
        client.on_subscribe = lambda _client, _userdata, mid, reasons, _: self._answers.update(
            {mid: reasons[0]}
        )
        client.connect("127.0.0.1", port)
        client.loop_start()
        wait_for(lambda: self.connected or self.refused, what=f"the broker's answer to {user}")

    def _on_connect(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            self.connected = True

    def publish(self, node: str, kind: str) -> bool:
        """Whether the broker took it."""
        mid = self._client.publish(topic(node, kind), json.dumps({"by": self.user}), 1).mid
        wait_for(lambda: mid in self._answers or self.ended, what="the PUBACK")
        return mid in self._answers and not self._answers[mid].is_failure

    def subscribe(self, topic_filter: str) -> bool:
        mid = self._client.subscribe(topic_filter, 1)[1]
        wait_for(lambda: mid in self._answers, what="the SUBACK")
        return not self._answers[mid].is_failure

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def lets_in(port: int, user: str, secret: str, client_id: str | None = None) -> bool:
    client = Client(port, user, secret, client_id)
    client.close()
    return client.connected
