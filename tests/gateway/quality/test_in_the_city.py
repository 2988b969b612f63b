"""The simulated city, whose faults are known: each is found, and sound sensors are left alone."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("numpy")

from gateway.quality.checks import Judge, QualitySettings, Sample, mask_of, names_of
from simulator.city.light import LightFleet
from simulator.city.scenario import parse

PERIOD_S = 300
KINDS = ("stuck", "clogged", "saturated", "spikes", "offset", "dead", "units", "garbage", "condensation")
SCENARIO = f"""
name = "checked"
seed = 4
start = 2026-01-12T00:00:00Z
days = 4
[fleet]
nodes = 30
period_s = {PERIOD_S}
[[fleet.kit]]
sensors = ["sds011", "bme280"]
share = 2
[[fleet.kit]]
sensors = ["pms5003", "bme280"]
share = 2
[[fleet.kit]]
sensors = ["sps30", "sht4x"]
share = 1
""" + "".join(f'[[fault]]\nkind = "{kind}"\nshare = 0.04\nhours = 12\n' for kind in KINDS)
# True of the air, or of the climate sensor only.
NO_FAULT = mask_of("humid", "climate", "warmup", "provisional")


def judged(lights: LightFleet) -> dict[str, list[tuple[int, int]]]:
    """By node, (t, bits) of its readings."""
    where = {node.name: SimpleNamespace(lat=node.lat, lon=node.lon) for node in lights.nodes}
    numbers = {node.name: number for number, node in enumerate(lights.nodes, 1)}
    judge = Judge(QualitySettings(), where)
    bits: dict[int, int] = {}
    order: dict[str, list[tuple[int, int]]] = {}
    for message, _ in lights.messages():
        if not message.topic.endswith("/readings"):
            continue
        node = message.topic.split("/")[4]
        said: dict[str, Any] = json.loads(message.payload)
        for reading in said["readings"]:
            id = len(bits) + 1
            values = {**reading, "flags": " ".join(reading["flags"]), "boot": said["boot"], "node": node}
            values |= {"id": id, "node_id": numbers[node], "received_ms": int(message.at * 1000)}
            bits[id] = judge.judge(Sample(*(values.get(name) for name in Sample._fields)))
            order.setdefault(node, []).append((reading["t"], id))
            for earlier, more in judge.take_amended():
                bits[earlier.id] |= more
    assert judge.errors == {}
    return {node: [(t, bits[id]) for t, id in rows] for node, rows in order.items()}


def test_each_fault_is_found_and_sound_sensors_are_left_alone() -> None:
    lights = LightFleet(parse(SCENARIO))
    found = judged(lights)
    assert {fault.kind for fault in lights.faults} == set(KINDS)
    for fault in lights.faults:
        hits = [
            t
            for t, qc in found[fault.node]
            if fault.begin < t < fault.end + 3600 and qc & ~mask_of("humid", "provisional", "warmup")
        ]
        assert hits, f"{fault.kind} of {fault.node} was not found"
        assert hits[0] - fault.begin < 5 * 3600, (fault.kind, fault.node)
    marked: Counter[str] = Counter()
    sound = 0
    for node, rows in found.items():
        faults = [fault for fault in lights.faults if fault.node == node]
        for t, qc in rows:
            if not any(fault.begin - 3600 < t < fault.end + 4 * 3600 for fault in faults):
                sound += 1
                marked.update(names_of(qc & ~NO_FAULT))
    assert sound > 20_000
    # Two hours of one unit are let pass.
    assert sum(marked.values()) <= 2 * 3600 // PERIOD_S, marked
