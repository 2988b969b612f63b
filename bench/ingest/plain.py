"""`python -m bench.ingest.plain discard|influx|all PORT ID COUNT URL`: the plain ways, each its own process.

discard: paho receives and throws away. influx: paho's callback validates with pydantic and hands to
influxdb-client's batching writer, 9 fields of each reading. all: the same with the 13 that ours writes.
Prints a JSON object: seconds from the first message to the last (influx, all: to the end of the writer's
flush), and CPU seconds of the process.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import paho.mqtt.client as mqtt
from pydantic import BaseModel

from bench.ingest.load import connection


class Reading(BaseModel):
    seq: int
    t: int
    tq: str
    up: int
    dt: int
    n: int
    slot: str
    model: str
    pm25: float
    pm10: float
    temp: float
    rh: float
    press: float
    flags: list[str]


class Readings(BaseModel):
    v: int
    boot: int
    readings: list[Reading]


def main() -> None:
    way, port, client_id, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    write = (lambda _topic, _payload: None) if way == "discard" else _writer(sys.argv[5], way == "all")
    client, properties = connection(client_id)
    seen = 0
    began = 0.0

    def on_message(_client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal seen, began
        if not seen:
            began = time.monotonic()
        seen += 1
        write(message.topic, message.payload)
        if seen == count:
            client.disconnect()

    client.on_message = on_message
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_forever()
    if way != "discard":
        write("", b"")
    print(json.dumps({"seconds": time.monotonic() - began, "cpu_s": time.process_time()}))


def _writer(url: str, all_fields: bool) -> Any:
    from influxdb_client import InfluxDBClient, Point, WriteOptions

    influx = InfluxDBClient(url=url, token="bench", org="bench")
    api = influx.write_api(write_options=WriteOptions(batch_size=5000, flush_interval=1000))

    def write(topic: str, payload: bytes) -> None:
        if not topic:
            api.close()
            influx.close()
            return
        node = topic.split("/")[4]
        message = Readings.model_validate_json(payload)
        for it in message.readings:
            point = (
                Point("reading")
                .tag("network", "bench")
                .tag("node", node)
                .tag("slot", it.slot)
                .time(it.t, "s")
            )
            for name in ("pm25", "pm10", "temp", "rh", "press", "seq", "up", "dt", "n"):
                point.field(name, getattr(it, name))
            if all_fields:
                point.field("boot", message.boot).field("flags", len(it.flags))
                point.field("model", it.model).field("tq", it.tq)
            api.write("bench", "bench", point)

    return write


if __name__ == "__main__":
    main()
