"""Commands and replies of a roll-out: what is written down, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.contract import Reply
from gateway.releases.bundle import read_release
from gateway.releases.conduct import conduct
from gateway.releases.rollouts import Member, Seen, Told, begin, newest, save_seen
from gateway.releases.store import Store
from gateway.releases.tell import take_replies, tell, tell_again
from tests.gateway.releases.fleet import NEW, OLD, body, key, signed
from tests.support import REPO

NOW = 1_800_000_000.0
MODULUS = key(0).public_key().public_numbers().n


def mine(_node: str) -> bool:
    return True


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With a release and a node whose turn it is."""
    with Store(tmp_path / "store.sqlite", create=True) as made:
        made.add(read_release(signed(body()), [MODULUS]))
        with made.change() as db:
            save_seen(db, [Seen("praga-1", OLD, True, False, 7, Told("1.0.1", "refused", "no room"))])
        begin(made, NEW, NOW)
        conduct(made, NOW, per_min=60, look_s=5)
        yield made


def member(store: Store) -> Member:
    return newest(store.db)[0].members["praga-1"]


def test_a_command_is_of_the_contract_and_written_down_first(store: Store) -> None:
    assert tell(store, lambda _: False, {NEW}, NOW) == [], "another gateway's node"
    assert tell(store, mine, (), NOW) == [], "not before nodes can fetch it"
    assert member(store).state == "due"
    ((node, payload),) = tell(store, mine, {NEW}, NOW)
    command = json.loads(payload)
    schema = json.loads((REPO / "tests" / "contract" / "schema.json").read_text())
    assert list(Draft202012Validator({**schema, "$ref": "#/$defs/command"}).iter_errors(command)) == []
    (release,) = store.releases()
    assert (node, command["do"], command["size"]) == ("praga-1", "update", release.size)
    told = member(store)
    assert (told.state, told.command, told.attempts) == ("told", command["id"], 1)
    assert told.before == (Told("1.0.1", "refused", "no room"), 7)
    assert tell(store, mine, {NEW}, NOW + 1) == []
    assert tell_again(store, mine) == [(node, payload)], "as it was, so that no node does it twice"


@pytest.mark.parametrize(
    ("ok", "text", "state"),
    [
        (True, "loading 5 bytes", "loading"),
        (False, "no room: 1 byte is needed", "refused"),
        (False, "this node knows no command update", "refused"),
        (False, "1.0.0 is on trial: ask again when that is over", "waiting"),
        (False, "too old: sent 700 s ago", "waiting"),
    ],
)
def test_replies(store: Store, ok: bool, text: str, state: str) -> None:
    tell(store, mine, {NEW}, NOW)
    told: dict[str, Any] = {"v": 1, "id": member(store).command, "ok": ok, "text": text}
    others = [("wola-2", Reply.model_validate(told)), ("praga-1", Reply.model_validate({**told, "id": "x"}))]
    assert take_replies(store, others, NOW) == 0, "another node's, or to another command"
    assert take_replies(store, [("praga-1", Reply.model_validate(told))], NOW + 1) == 1
    assert member(store).state == state
    assert tell_again(store, mine) == []
    if state == "waiting":
        conduct(store, NOW + 2, per_min=60, look_s=5)
        assert member(store).state == "waiting", "not at once"
        conduct(store, NOW + 602, per_min=60, look_s=5)
        assert member(store).state == "due"
