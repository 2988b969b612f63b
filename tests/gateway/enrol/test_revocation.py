"""The end of an access at a real Mosquitto, at once, without a restart: with files, with dynamic security."""

from __future__ import annotations

from typing import Any

import paho.mqtt.client as mqtt

from gateway.enrol.store import Store
from tests.gateway.enrol.guarded import enrolled, lets_in, secret_of
from tests.gateway.talker import Talker
from tests.support import wait_for


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
