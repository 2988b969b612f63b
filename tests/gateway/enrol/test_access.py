"""What an enrolled node may do at a real Mosquitto, and for how long: with files, with dynamic security."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.enrol.errors import EnrolError
from gateway.enrol.files import DOWN, UP
from gateway.enrol.store import Store
from tests.gateway.enrol.guarded import GATEWAY, enrolled, lets_in, secret_of
from tests.gateway.talker import Talker, reading, topic
from tests.support import wait_for


def test_an_enrolled_node_delivers_and_is_acked(guarded: Any, run_gateway: Any, talk: Any) -> None:
    (secret,) = enrolled(guarded, "praga-1")
    run_gateway(guarded.port, broker=GATEWAY)
    node: Talker = talk(guarded.port, "praga-1", secret)
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the ack")


def test_no_node_publishes_as_another(guarded: Any, client: Any) -> None:
    mine, _ = enrolled(guarded, "praga-1", "wola-2")
    node = client(guarded.port, "praga-1", mine)
    for kind in UP:
        assert node.publish("praga-1", kind), kind
    for kind in (*UP, *DOWN):
        # A connection each: some versions of Mosquitto end it.
        assert not client(guarded.port, "praga-1", mine).publish("wola-2", kind), kind
    assert not client(guarded.port, "praga-1", mine).publish("gateway", "1_of_1")


def test_no_node_reads_what_is_for_another(guarded: Any, client: Any) -> None:
    mine, theirs = enrolled(guarded, "praga-1", "wola-2")
    nosy = client(guarded.port, "praga-1", mine)
    wola = client(guarded.port, "wola-2", theirs)
    everything = (
        "dl/1/#",
        "#",
        topic("wola-2", "command"),
        "dl/1/+/+/wola-2/#",
        "dl/1/warsaw/+/+/command",
        f"$share/nosy/{topic('wola-2', 'command')}",
    )
    for each in everything:
        nosy.subscribe(each)  # Mosquitto with files grants it, and holds back what comes
    assert nosy.subscribe(topic("praga-1", "command"))
    assert wola.subscribe(topic("wola-2", "command"))
    gateway = client(guarded.port, *GATEWAY.values(), "the-gateway")
    for kind in DOWN:
        assert gateway.publish("wola-2", kind), kind
    wait_for(lambda: topic("wola-2", "command") in wola.heard, what="the command at its own node")
    # Behind all of these in the broker's order:
    assert gateway.publish("praga-1", "command")
    wait_for(lambda: topic("praga-1", "command") in nosy.heard, what="its own command")
    assert {each.split("/")[4] for each in nosy.heard} == {"praga-1"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("praga-1", "is a user of the broker already: `dustline gateway replace praga-1`"),
        ("dustline-gateway", "is a user of the gateway's own"),
        ("dustline-probe", "is a user of the gateway's own"),
        ("Praga", "is no name of a node"),
        ("a" * 24, "at most 23 characters"),
    ],
)
def test_who_cannot_be_enrolled(guarded_by: Any, name: str, why: str) -> None:
    guarded = guarded_by("files")
    (secret,) = enrolled(guarded, "praga-1")
    before = guarded.settings.enrol.password_file.read_text()
    with pytest.raises(EnrolError, match=why):
        guarded.enroller.enrol({"wola-2": None, name: None})
    assert guarded.settings.enrol.password_file.read_text() == before
    assert lets_in(guarded.port, "praga-1", secret)
    with Store(guarded.settings.enrol.store) as store:
        assert [row.name for row in store.nodes()] == ["praga-1"]


@pytest.mark.parametrize("name", ["dustline-gateway", "nobody"])
def test_neither_the_gateway_nor_a_stranger_is_revoked(guarded: Any, name: str) -> None:
    with pytest.raises(EnrolError, match=r"gateway's own|is not known"):
        guarded.enroller.revoke(name)
    assert lets_in(guarded.port, *GATEWAY.values())


def test_no_secret_stays_with_the_gateway(guarded: Any, tmp_path: Any) -> None:
    secrets = enrolled(guarded, "praga-1", "wola-2")
    secrets.append(secret_of(guarded.enroller.replace("wola-2")))
    guarded.enroller.revoke("praga-1")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), file
    assert guarded.settings.enrol.store.stat().st_mode & 0o777 == 0o600
