"""The end of an access at a real Mosquitto, at once, without a restart: with files, with dynamic security."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from gateway.enrol.store import Store
from gateway.journal import JournalReader
from tests.gateway.enrol.guarded import GATEWAY, enrolled, lets_in, secret_of
from tests.gateway.talker import Talker, topic
from tests.support import wait_for

ONLINE = {"v": 1, "online": True, "boot": 1, "fw": "1", "reset": "power", "config": 0, "sensors": []}


def test_a_revoked_node_is_thrown_out_and_stays_out(guarded: Any, client: Any) -> None:
    mine, theirs = enrolled(guarded, "praga-1", "wola-2")
    node = client(guarded.port, "praga-1", mine)
    other = client(guarded.port, "wola-2", theirs)
    assert guarded.enroller.revoke("praga-1") is None
    wait_for(lambda: node.ended, what="the end of its connection")
    assert not lets_in(guarded.port, "praga-1", mine)
    assert other.connected
    assert not other.ended
    assert other.publish("wola-2", "readings")
    with Store(guarded.settings.enrol.store) as store:
        assert {row.name: row.state for row in store.nodes()} == {"praga-1": "revoked", "wola-2": "enrolled"}


def test_a_stolen_secret_under_another_client_id_ends_as_well(guarded: Any, client: Any) -> None:
    (mine,) = enrolled(guarded, "praga-1")
    thief = client(guarded.port, "praga-1", mine, "somebody")
    if guarded.settings.enrol.broker == "dynsec":
        assert thief.refused  # the plugin fixes the client id
        return
    guarded.enroller.revoke("praga-1")
    wait_for(lambda: thief.ended, what="the end of the thief's connection")
    assert not lets_in(guarded.port, "praga-1", mine, "somebody")


def test_a_revoked_node_has_no_session_left(guarded: Any, talk: Any) -> None:
    (mine,) = enrolled(guarded, "praga-1")
    node: Talker = talk(guarded.port, "praga-1", mine)  # a session that stays, with a subscription
    guarded.enroller.revoke("praga-1")
    node.close()
    (again,) = enrolled(guarded, "praga-1")
    found: list[bool] = []
    back = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="praga-1", clean_session=False)
    back.username_pw_set("praga-1", again)
    back.on_connect = lambda _client, _userdata, flags, _reason, _: found.append(flags.session_present)
    back.connect("127.0.0.1", guarded.port)
    back.loop_start()
    wait_for(lambda: found, what="the connection")
    back.disconnect()
    back.loop_stop()
    assert found == [False]


def test_replacing_kills_the_old_secret_at_once(guarded: Any, client: Any) -> None:
    (old,) = enrolled(guarded, "praga-1")
    node = client(guarded.port, "praga-1", old)
    new = secret_of(guarded.enroller.replace("praga-1"))
    wait_for(lambda: node.ended, what="the end of the connection by the old secret")
    assert not lets_in(guarded.port, "praga-1", old)
    assert lets_in(guarded.port, "praga-1", new)


def test_a_revoked_node_comes_back_by_enrolling_it_again(guarded: Any) -> None:
    (old,) = enrolled(guarded, "praga-1")
    guarded.enroller.revoke("praga-1")
    (new,) = enrolled(guarded, "praga-1")
    assert lets_in(guarded.port, "praga-1", new)
    assert not lets_in(guarded.port, "praga-1", old)


def test_a_revoked_node_is_not_shown_as_connected(guarded: Any, run_gateway: Any, tmp_path: Path) -> None:
    (secret,) = enrolled(guarded, "praga-1")
    run_gateway(guarded.port, broker=GATEWAY)
    node = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="praga-1", reconnect_on_failure=False)
    node.username_pw_set("praga-1", secret)
    node.will_set(topic("praga-1", "status"), b'{"v":1,"online":false}', 1, True)
    node.connect("127.0.0.1", guarded.port)
    node.loop_start()

    def online() -> bool | None:
        with JournalReader(tmp_path / "journal.sqlite") as reader:
            return reader.statuses().get("praga-1", {}).get("online")

    wait_for(node.is_connected, what="the connection")
    node.publish(topic("praga-1", "status"), json.dumps(ONLINE), 1, True)
    wait_for(lambda: online() is True, what="its status")
    # Mosquitto does not send the last will of whom it throws out.
    assert guarded.enroller.revoke("praga-1") is None
    wait_for(lambda: online() is False, what="the end of its status")
    node.loop_stop()


def test_a_node_that_cannot_sign_off_is_revoked_all_the_same(guarded_by: Any) -> None:
    guarded = guarded_by("files")
    (secret,) = enrolled(guarded, "praga-1")
    guarded.settings.enrol.acl_file.write_text("# nothing\n")
    left = guarded.enroller.revoke("praga-1")
    assert left is not None
    assert "could not be signed off" in left
    assert not lets_in(guarded.port, "praga-1", secret)
