"""Roll-outs over a real Mosquitto, with light nodes: in stages, to the end, and stopping by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from gateway.journal import JournalReader
from gateway.operate.metrics import registry_of
from gateway.releases.rules import rank
from gateway.service import Gateway
from tests.gateway.releases.fleet import NEW, OLD, Fleet, add, dustline, state, status
from tests.gateway.web.pages import ask
from tests.support import wait_for

START = ("rollout", "start", NEW, "--settle-s", "0.5", "--silent-s", "3")
SECONDS = 30


def known(gateway: Gateway, count: int) -> None:
    """Wait until the gateway has heard of so many nodes."""

    def heard() -> bool:
        with JournalReader(gateway.journal.path) as reader:
            return sum(row[5] is not None for row in reader.status_texts("warsaw")) >= count

    wait_for(heard, what=f"{count} nodes")


def ordered(fleet: Fleet) -> list[str]:
    return sorted(fleet.nodes, key=lambda name: rank(NEW, name))


def first_ones(count: int, number: int) -> set[str]:
    """Of node-0 to node-(count-1), those whose turn is first."""
    return set(sorted((f"node-{one}" for one in range(count)), key=lambda name: rank(NEW, name))[:number])


def test_in_stages_to_the_end(config: Path, updating: Callable[..., Gateway], fleet: Any) -> None:
    add(config)
    gateway = updating()
    lights: Fleet = fleet(40)
    known(gateway, 40)
    dustline(config, *START, "--settle-s", "1.5")
    wait_for(lambda: len(lights.with_version()) == 1, SECONDS, "the first stage, 1 % of 40")
    # It waits before it goes on: nobody else is told meanwhile.
    assert lights.told() == set(ordered(lights)[:1])
    assert status(config)["state"] == "running"
    wait_for(lambda: len(lights.with_version()) == 4, SECONDS, "the second stage, 10 %")
    assert lights.told() == set(ordered(lights)[:4]), "by their rank, which is the same each time"
    wait_for(lambda: len(lights.with_version()) == 40, SECONDS, "all")
    wait_for(lambda: status(config)["state"] == "done", SECONDS, "the end")
    found = status(config)
    assert (found["stage"], found["nodes"]) == (3, {"good": 40})
    assert all(len(node.commands) == 1 for node in lights.nodes.values()), "each was told once"


@pytest.mark.parametrize("fate", ["fell_back", "silent"])
def test_it_stops_by_itself(config: Path, updating: Callable[..., Gateway], fleet: Any, fate: str) -> None:
    """Of the second stage (10 % of 40: 3 nodes more) one fails, and a stage so small tolerates none."""
    add(config)
    gateway = updating(web={"enabled": True, "port": 0})
    second = sorted(first_ones(40, 4) - first_ones(40, 1))
    lights: Fleet = fleet(40, lambda name: fate if name == second[0] else "good")
    known(gateway, 40)
    with capture_logs() as logs:
        dustline(config, *START)
        wait_for(lambda: state(config) == "stopped", SECONDS, "it to stop")
        wait_for(lambda: any(each["log_level"] == "error" for each in logs), what="the log to tell")
    found = status(config, code=1)
    assert any(each.get("why") == found["why"] for each in logs)
    assert (found["state"], found["by_itself"], found["stage"]) == ("stopped", True, 2)
    assert found["why"].startswith("stage 2 (10 %): 1 of 3 nodes failed, 0 may: " + second[0])
    # Everybody may see it on the page, without the words of the node.
    assert gateway.web_url is not None
    (shown,) = ask(gateway.web_url, "/api/stations/rollouts").json["rollouts"]
    assert (shown["state"], shown["by_itself"], shown["stage"], shown["nodes"]) == ("stopped", True, 2, 40)
    assert shown["cause"] == {"what": "failed", "stage": 2, "count": 1, "of": 3, "allowed": 0}
    assert shown["failed_nodes"] == [{"node": second[0], "state": fate}]
    assert sum(shown[name] for name in ("good", "pending", "failed", "refused")) == 4
    text = dustline(config, "rollout", "status", code=1).output
    assert f"{second[0]}: {fate.replace('_', ' ')}: " in text
    if fate == "fell_back":
        assert "did not prove good" in text
    assert lights.told() <= first_ones(40, 4), "no other node was told"
    updates = gateway.updates
    assert updates is not None
    wait_for(lambda: updates.server.offers == {}, what="nothing to be offered any more")
    figures = generate_latest(registry_of(gateway)).decode()
    assert 'dustline_rollout_stopped{channel="stable"} 1.0' in figures
    assert f'dustline_rollout_nodes{{channel="stable",state="{fate}"}} 1.0' in figures
    dustline(config, *START)  # by a person, when the cause is known


def test_who_refuses_is_listed_and_who_was_away_gets_it(
    config: Path, updating: Callable[..., Gateway], fleet: Any
) -> None:
    add(config)
    gateway = updating()
    order = sorted((f"node-{one}" for one in range(12)), key=lambda name: rank(NEW, name))
    no, away = order[0], order[1]
    lights: Fleet = fleet(12, lambda name: "no" if name == no else "good")
    lights.leave(away)
    known(gateway, 12)
    dustline(config, *START)
    wait_for(lambda: status(config)["state"] == "done", SECONDS, "the end")
    found = status(config)
    assert found["nodes"] == {"good": 10, "refused": 1, "waiting": 1}
    assert f"{no}: refused: no room: 1 byte is needed" in dustline(config, "rollout", "status").output
    lights.come(away)
    wait_for(lambda: away in lights.with_version(), SECONDS, "the node that came back to be updated")
    wait_for(lambda: status(config)["nodes"] == {"good": 11, "refused": 1}, SECONDS, "its state")
    # So does one that is new to the network.
    lights.join("node-99")
    wait_for(lambda: "node-99" in lights.with_version(), SECONDS, "a new node to be updated")


def test_pause_resume_stop(config: Path, updating: Callable[..., Gateway], fleet: Any) -> None:
    add(config)
    gateway = updating()
    lights: Fleet = fleet(20)
    known(gateway, 20)
    dustline(config, *START, "--stages", "5,100", "--settle-s", "2")
    wait_for(lambda: len(lights.with_version()) == 1, SECONDS, "the first node")
    dustline(config, "rollout", "pause")
    assert "is paused" in dustline(config, "rollout", "pause", code=1).output
    looks = Looks(gateway)
    looks.some(30)
    assert lights.told() == set(ordered(lights)[:1])
    dustline(config, "rollout", "resume")
    wait_for(lambda: len(lights.with_version()) == 20, SECONDS, "all")
    dustline(config, "rollout", "stop")
    assert (status(config)["state"], status(config)["by_itself"]) == ("stopped", False)
    assert "begin it anew" in dustline(config, "rollout", "resume", code=1).output


class Looks:
    """Counts the gateway's looks at its roll-outs."""

    def __init__(self, gateway: Gateway) -> None:
        updates: Any = gateway.updates
        self.count = 0
        look = updates._look

        def counted(store: Any) -> None:
            look(store)
            self.count += 1

        updates._look = counted

    def some(self, more: int) -> None:
        target = self.count + more
        wait_for(lambda: self.count >= target, SECONDS, f"{more} looks")


def test_channels_and_the_floor(config: Path, updating: Callable[..., Gateway], fleet: Any) -> None:
    """Test nodes get it first, and alone; afterwards nothing below its floor goes to anybody who ran it."""
    add(config, NEW, floor="1.0.5")
    add(config, "1.0.4")
    add(config, "1.0.6")
    gateway = updating()
    lights: Fleet = fleet(6)
    known(gateway, 6)
    dustline(config, "channel", "node-1", "node-4", "test")
    assert "node-1: test\nnode-4: test\nall others: stable\n" in dustline(config, "channel").output
    dustline(config, *START, "--channel", "test", "--stages", "100")
    wait_for(lambda: status(config)["state"] == "done", SECONDS, "the end")
    assert lights.with_version() == {"node-1", "node-4"} == lights.told()
    refused = dustline(config, "rollout", "start", "1.0.4", "--channel", "test", code=1).output
    assert "1.0.4 is older than 1.0.5, the oldest version that nodes of channel test take" in refused
    # A node that ran it and is in another channel now is not told either.
    dustline(config, "channel", "node-4", "stable")
    dustline(config, "rollout", "start", "1.0.6", "--stages", "100")
    wait_for(
        lambda: len(lights.with_version("1.0.6")) == 5, SECONDS, "stable nodes; 1.0.6 is above the floor"
    )
    assert (
        "is being offered to channel stable" in dustline(config, "release", "remove", "1.0.6", code=1).output
    )
    dustline(config, "release", "remove", "1.0.4")
    assert OLD not in {node.fw for node in lights.nodes.values()}
