"""What roll-outs know of nodes, out of the journal: news only, and nobody silent for what was not heard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal
from gateway.records import Batch, Sighting
from gateway.releases.observe import HEARD_SECONDS, Observer
from gateway.releases.rollouts import Member, Seen, Told, all_seen, begin, newest, save
from gateway.releases.store import Store
from gateway.topics import shard_of

NOW = float(int(time.time()))
STATUS: dict[str, Any] = {"fw": "1.1.0", "boot": 4}


class Site:
    """A journal, a store, and an observer of the nodes of `digits`."""

    def __init__(self, directory: Path, digits: str = "0123456789abcdef") -> None:
        self.journal = Journal(directory / "journal.sqlite")
        self.store = Store(directory / "store.sqlite", create=True)
        self.observer = Observer(self.journal.path, "warsaw", lambda node: shard_of(node) in digits)

    def say(self, node: str, at: float, network: str = "warsaw", **told: Any) -> None:
        batch = Batch(network)
        batch.sightings.append(Sighting(int(at * 1000), node, told.pop("live", True), **told))
        self.journal.commit(batch)

    def look(self, now: float, listening: float | None = 0.0) -> dict[str, Seen]:
        self.observer.look(self.store, listening, now)
        return all_seen(self.store.db)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.store.close()
    made.journal.close()


def test_version_and_update(site: Site) -> None:
    update = {"version": "1.1.0", "state": "fell_back", "why": "it crashed"}
    site.say("praga-1", NOW, online=True, boot=4, status=STATUS)
    assert site.look(NOW) == {"praga-1": Seen("praga-1", "1.1.0", True, False, 4, Told())}
    site.say("praga-1", NOW, boot=5, health={"boot": 5, "update": update})
    site.say("wola-2", NOW, network="krakow", online=True, boot=1, status=STATUS)
    assert site.look(NOW) == {
        "praga-1": Seen("praga-1", "1.1.0", True, False, 5, Told("1.1.0", "fell_back", "it crashed"))
    }
    site.say("praga-1", NOW, online=False, live=False)
    assert site.look(NOW)["praga-1"].online is False


def test_who_is_not_heard_for_an_hour_is_away(site: Site) -> None:
    site.say("praga-1", NOW, online=True, boot=4, status=STATUS)
    assert site.look(NOW + HEARD_SECONDS)["praga-1"].online
    assert not site.look(NOW + HEARD_SECONDS + 1)["praga-1"].online
    # Nor is that known while the gateway hears nobody, or has just begun to.
    assert site.look(NOW + HEARD_SECONDS + 1, listening=None)["praga-1"].online
    assert site.look(NOW + 9 * HEARD_SECONDS, listening=NOW + 8.5 * HEARD_SECONDS)["praga-1"].online


def test_silence_is_of_members_only_and_of_what_could_be_heard(site: Site) -> None:
    with site.store.change() as db:
        db.execute("INSERT INTO releases VALUES ('1.1.0', '1.0.0', '[]', '', x'', 0)")
    begin(site.store, "1.1.0", NOW, silent_s=60)
    (rollout,) = newest(site.store.db)
    with site.store.change() as db:
        save(db, rollout, [Member("praga-1", 0, "trial", told=NOW), Member("wola-2", 0)])
    for node in ("praga-1", "wola-2", "bemowo-3"):
        site.say(node, NOW, online=True, boot=4, status=STATUS)
    assert [name for name, seen in site.look(NOW + 60).items() if seen.silent] == []
    assert [name for name, seen in site.look(NOW + 61).items() if seen.silent] == ["praga-1"]
    assert not site.look(NOW + 61, listening=None)["praga-1"].silent
    assert not site.look(NOW + 61, listening=NOW + 30)["praga-1"].silent
    site.say("praga-1", NOW + 80, boot=4)  # a reading
    assert not site.look(NOW + 100)["praga-1"].silent


def test_of_its_own_shards_only(tmp_path: Path) -> None:
    digit = shard_of("praga-1")
    site = Site(tmp_path, digits=digit)
    for node in ("praga-1", "wola-2", "bemowo-3"):
        site.say(node, NOW, online=True, boot=4, status=STATUS)
    assert list(site.look(NOW)) == ["praga-1"]
    site.store.close()
    site.journal.close()
