"""The broker's rules as documented, in a real Mosquitto: enough for everyone, too little to cheat."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from gateway.journal import JournalReader
from gateway.operate.health import not_ready
from gateway.standby.check import examine_lease
from tests.gateway.talker import Talker, reading, topic
from tests.support import Mosquitto, require, wait_for

ONLINE = {"v": 1, "online": True, "boot": 1, "fw": "1", "reset": "power", "config": 0, "sensors": []}


def documented(repo: Path, page: str) -> str:
    """The indented block that begins with the gateway's user."""
    block = re.search(r"(?m)^    user dustline-gateway\n(?:    .*\n)+", (repo / "docs" / page).read_text())
    assert block is not None, page
    return re.sub(r"(?m)^    ", "", block[0])


def with_rules(rules: str, directory: Path, mosquitto: Any) -> Mosquitto:
    """A broker with these rules; every user's password is secret-NAME."""
    acl, passwords = directory / "acl", directory / "passwords"
    acl.write_text(rules)
    passwords.touch(0o600)
    for user in ("dustline-gateway", "praga-1", "wola-2"):
        subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, f"secret-{user}"], check=True)
    files = [f"acl_file {acl}", f"password_file {passwords}"]
    return mosquitto([*files, "allow_anonymous false", "log_type all"])


@pytest.fixture
def guarded(repo: Path, tmp_path: Path, mosquitto: Any) -> Mosquitto:
    """A broker with the documented rules."""
    return with_rules(documented(repo, "city-it.md"), tmp_path, mosquitto)


def publish_and_see_it_denied(broker: Mosquitto, user: str, to: str, payload: Any) -> None:
    """From a connection of its own: some versions of Mosquitto close it, which MQTT 3.1.1 allows."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="cheat", protocol=mqtt.MQTTv311)
    client.username_pw_set(user, f"secret-{user}")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_for(client.is_connected, what="the connection")
    client.publish(to, json.dumps(payload), 0)
    denied = re.compile(rf"Denied PUBLISH from cheat .*'{to}'")
    wait_for(lambda: denied.search(broker.log.read_text()), what=f"the broker to deny {to}")
    client.disconnect()
    client.loop_stop()


def test_both_pages_have_the_same_rules(repo: Path) -> None:
    assert documented(repo, "contract.md") == documented(repo, "city-it.md")


def test_everyone_can_do_their_part_and_no_node_anothers(
    guarded: Mosquitto, run_gateway: Any, talk: Any, tmp_path: Path
) -> None:
    user = {"username": "dustline-gateway", "password": "secret-dustline-gateway"}
    run_gateway(guarded.port, broker=user)
    praga: Talker = talk(guarded.port, "praga-1", "secret-praga-1")
    wola: Talker = talk(guarded.port, "wola-2", "secret-wola-2")
    praga.send(ONLINE, kind="status", retain=True)
    praga.readings(reading(1))
    wait_for(lambda: praga.acked(1, 1), what="the ack through the rules")

    cheat = {"v": 1, "boot": 9, "readings": [reading(1)]}
    publish_and_see_it_denied(guarded, "praga-1", topic("wola-2", "readings"), cheat)
    publish_and_see_it_denied(guarded, "praga-1", topic("wola-2", "status"), ONLINE)
    publish_and_see_it_denied(guarded, "praga-1", topic("wola-2", "ack"), {"v": 1, "boot": 9, "upto": 99})
    praga.readings(reading(2))
    wait_for(lambda: praga.acked(1, 2), what="the ack of what came after")
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        assert {row.node for row in reader.ledger()} == {"praga-1"}
        assert set(reader.statuses()) == {"praga-1"}
        assert reader.statuses()["praga-1"]["online"]
    wola.round_trip()
    assert wola.answers == []

    # Nor can it listen to another's: a node that asks for everything hears of its own.
    heard: list[str] = []
    praga._client.on_message = lambda _client, _userdata, message: heard.append(message.topic)
    before = len(praga._subscribed)
    praga._client.subscribe("dl/1/#", 1)
    wait_for(lambda: len(praga._subscribed) > before, what="the subscription")
    wola.readings(reading(1))
    wait_for(lambda: wola.acked(1, 1), what="the other node's ack")
    praga.readings(reading(3))
    wait_for(lambda: topic("praga-1", "ack") in heard, what="its own ack")
    assert {each.split("/")[4] for each in heard} == {"praga-1"}


USER = {"username": "dustline-gateway", "password": "secret-dustline-gateway"}
SHARED = {"enabled": True, "patience_s": 2}


def test_lease_is_the_gateways_and_no_nodes(guarded: Mosquitto, run_gateway: Any, tmp_path: Path) -> None:
    gateway = run_gateway(guarded.port, broker=USER, standby=SHARED)
    assert gateway.duty.role == "owner"
    (finding,) = examine_lease(gateway.settings)
    assert finding.level == "ok", finding.text
    assert gateway.duty.me in finding.text
    publish_and_see_it_denied(guarded, "praga-1", "dl/1/warsaw/gateway/1_of_1", {"v": 1})


@pytest.mark.parametrize("protocol", [5, 311])
def test_missing_right_to_the_lease_is_told(
    repo: Path, tmp_path: Path, mosquitto: Any, run_gateway: Any, protocol: int
) -> None:
    rules = documented(repo, "city-it.md").splitlines(keepends=True)
    without = [line for line in rules if "/gateway/" not in line]
    assert len(without) == len(rules) - 1
    broker = with_rules("".join(without), tmp_path, mosquitto)
    gateway = run_gateway(
        broker.port, wait=False, broker={**USER, "protocol": protocol}, standby={**SHARED, "patience_s": 1}
    )
    wanted = "give this user the right to read and write dl/1/warsaw/gateway/1_of_1"
    wait_for(lambda: any(wanted in each.why for each in not_ready(gateway)), 20, "the missing right")
    assert gateway.duty.role != "owner"
    assert gateway.counters.received == 0
    (finding,) = examine_lease(gateway.settings)
    assert finding.level == "fail"
    assert wanted in finding.text
    assert finding.change == ("acl_file, user dustline-gateway: topic readwrite dl/1/warsaw/gateway/+",)
