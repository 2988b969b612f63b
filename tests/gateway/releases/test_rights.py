"""Updates under the broker's documented rules, and what happens when one of them lacks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.service import Gateway
from tests.gateway.releases.fleet import NEW, QUICK, add, configure, dustline
from tests.gateway.releases.test_serving import Asker
from tests.gateway.talker import Talker, reading, topic
from tests.support import Mosquitto, require, wait_for


@pytest.fixture
def guarded(repo: Path, tmp_path: Path, mosquitto: Any) -> Callable[[str], Mosquitto]:
    """A broker with the documented rules, without one of the lines."""

    def start(without: str = "") -> Mosquitto:
        page = (repo / "docs" / "city-it.md").read_text()
        block = re.search(r"(?m)^    user dustline-gateway\n(?:    .*\n)+", page)
        assert block is not None
        rules = re.sub(r"(?m)^    ", "", block[0])
        assert without in rules
        acl, passwords = tmp_path / "acl", tmp_path / "passwords"
        acl.write_text(rules.replace(f"{without}\n", "") if without else rules)
        passwords.touch(0o600)
        for user in ("dustline-gateway", "praga-1", "wola-2"):
            subprocess.run([require("mosquitto_passwd"), "-b", passwords, user, f"secret-{user}"], check=True)
        return mosquitto([f"acl_file {acl}", f"password_file {passwords}", "allow_anonymous false"])

    return start


@pytest.fixture
def serving(tmp_path: Path, run_gateway: Any) -> Callable[[Mosquitto], Gateway]:
    """A gateway that logs in and offers a release."""

    def start(broker: Mosquitto) -> Gateway:
        config = configure(tmp_path, broker.port)
        add(config)
        dustline(config, "rollout", "start", NEW)
        user = {"username": "dustline-gateway", "password": "secret-dustline-gateway"}
        gateway: Gateway = run_gateway(broker.port, broker=user, releases=QUICK)
        updates = gateway.updates
        assert updates is not None
        wait_for(updates.line.subscribed.is_set, what="the subscription of updates")
        return gateway

    return start


def test_the_documented_rules_are_enough_and_no_node_gets_anothers(guarded: Any, serving: Any) -> None:
    broker = guarded()
    gateway = serving(broker)
    praga, wola = (Asker(broker.port, name, f"secret-{name}") for name in ("praga-1", "wola-2"))
    try:
        assert praga.piece(0)[:4] == b"\0\0\0\0"
        fetches = gateway.updates.server.counts.fetches
        wola.send({"v": 1, "version": NEW, "from": 0, "len": 9}, to=topic("praga-1", "fetch"))
        wola.send(b"\0\0\0\0bad", to=topic("praga-1", "chunk"))
        assert len(wola.piece(0, 100)) == 104
        assert praga.piece(2048)[:4] == (2048).to_bytes(4, "big")
        assert gateway.updates.server.counts.fetches == fetches + 2, "and not in another's name"
        assert len(praga.chunks) == 2
    finally:
        praga.close()
        wola.close()


def test_without_the_right_to_send_pieces_readings_go_on(guarded: Any, serving: Any, talk: Any) -> None:
    """MQTT 5: the broker says so; the log has the line that lacks, once."""
    broker = guarded(without="topic write dl/1/warsaw/+/+/chunk")
    with capture_logs() as logs:
        gateway = serving(broker)
        wola: Talker = talk(broker.port, "wola-2", "secret-wola-2")
        praga = Asker(broker.port, "praga-1", "secret-praga-1")
        try:
            praga.ask(0)
            wait_for(lambda: gateway.updates.line.refused, what="the refusal")
            praga.ask(0)
            wola.readings(reading(1))
            wait_for(lambda: wola.acked(1, 1), what="the ack")
        finally:
            praga.close()
    told = [each for each in logs if "refuses what is sent for updates" in each["event"]]
    assert [each["advice"].endswith(": topic write dl/1/warsaw/+/+/chunk") for each in told] == [True]
    assert gateway.session.counts.connections == 1, "the readings' session has not felt it"
    assert praga.chunks == []
