"""The simulated city's messages in a real journal, judged: what station health is given in tests."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.journal import Batch, Claim, Journal, NewReading, Sighting
from gateway.journal.schema import open_reader
from gateway.quality.checks import Judge, QualitySettings
from gateway.quality.follow import store
from gateway.quality.follow.offline import judge_span
from gateway.reading import FIELDS
from simulator.city.light import LightFleet
from simulator.city.scenario import parse

_BATCH = 5000


class Town:
    """A scenario in a journal: `places` by node, `faults` as planted, `now` a few minutes after the end."""

    def __init__(self, path: Path, scenario: str) -> None:
        self.path = path
        self.lights = LightFleet(parse(scenario))
        self.faults = self.lights.faults
        self.places: dict[str, Any] = {
            node.name: SimpleNamespace(label=node.name.title(), lat=node.lat, lon=node.lon)
            for node in self.lights.nodes
        }
        self.begin = self.lights.scenario.begin
        end = self.lights.scenario.end
        self.now = end + 900
        with Journal(path, synchronous="NORMAL") as journal:
            self._fill(journal)
            judge = Judge(QualitySettings(), self.places)
            with closing(open_reader(path)) as reader:
                for _, found in judge_span(reader, judge, self.begin - 1, self.now):
                    with journal.writing() as db:
                        store.write(db, judge.version, found)
            assert judge.errors == {}

    def _fill(self, journal: Journal) -> None:
        batch = Batch("city")
        for message, _ in self.lights.messages():
            self._take(batch, message.topic.split("/")[4:], json.loads(message.payload), message.at)
            if len(batch.readings) >= _BATCH:
                journal.commit(batch)
                batch = Batch("city")
        journal.commit(batch)

    def _take(self, batch: Batch, address: list[str], said: dict[str, Any], at: float) -> None:
        (node, kind), ms = address, int(at * 1000)
        if kind == "readings":
            boot = said["boot"]
            batch.readings += [_new(each, node, boot, ms) for each in said["readings"]]
            batch.sightings.append(Sighting(ms, node, True, boot=boot))
        elif kind == "health":
            batch.claims += [Claim(ms, node, boot, last) for boot, last in said["born"]]
            batch.sightings.append(Sighting(ms, node, True, boot=said["boot"], health=said))
        elif said["online"]:
            batch.sightings.append(Sighting(ms, node, True, online=True, boot=said["boot"], status=said))
        else:
            batch.sightings.append(Sighting(ms, node, False, online=False))


def _new(said: dict[str, Any], node: str, boot: int, ms: int) -> NewReading:
    plain = [said[name] for name in ("seq", "t", "tq", "up", "dt", "n", "slot", "model")]
    values = {name: said[name] for name in FIELDS if said.get(name) is not None}
    return NewReading(ms, node, boot, *plain, tuple(said["flags"]), values)
