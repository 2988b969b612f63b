"""A light node's readings are, to the byte, what the firmware makes of such a measurement."""

from __future__ import annotations

import json

from node.record import encode, to_json  # the firmware's
from simulator.city.light import LightFleet
from simulator.city.scenario import parse

SCENARIO = """
name = "try"
seed = 4
start = 2026-01-10T00:00:00Z
days = 0.1
[fleet]
nodes = 20
[[fleet.kit]]
sensors = ["sds011", "bme280"]
[[fleet.kit]]
sensors = ["pms5003", "sps30", "dht22"]
[[fleet.kit]]
sensors = ["sen55"]
[[fault]]
kind = "dead"
share = 0.2
hours = 1
[[fault]]
kind = "stuck"
share = 0.2
hours = 1
[[fault]]
kind = "climate"
share = 0.2
hours = 1
"""


def test_texts_are_those_of_the_firmware() -> None:
    models = set()
    flags = set()
    compared = 0
    for message, _ in LightFleet(parse(SCENARIO)).messages():
        if not message.topic.endswith("/readings"):
            continue
        content = json.loads(message.payload)
        texts = []
        for reading in content["readings"]:
            body = encode(reading["seq"], reading["t"], reading["tq"], reading)
            texts.append(to_json(body, lambda _: (None, "none")))
            models.add(reading["model"])
            flags |= set(reading["flags"])
        whole = f'{{"v":1,"boot":{content["boot"]},"readings":[{",".join(texts)}]}}'
        assert whole.encode() == message.payload
        compared += 1
    assert compared > 2000
    assert models == {"sds011", "pms5003", "sps30", "sen55"}
    assert {"no_frame", "stuck", "climate_error"} <= flags
