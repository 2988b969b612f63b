"""How much heap the node needs: .venv/bin/python -m bench.heap

Runs the whole firmware on MicroPython's Unix port (64 bit: an object takes twice the chip's space) against
Debian's Mosquitto and a gateway that acknowledges everything. For each sensor model: first in a large heap,
for what is alive after a collection; then in ever smaller ones, for the smallest that still delivers. The
stand-ins of the chip are in these figures (2.6 KB).
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulator.node import SimNode
from simulator.ntp import NtpServer
from simulator.options import NodeOptions
from tests.support import Mosquitto, choose_port

LARGE = 256
STEPS = (128, 124, 120, 116, 112, 108)
SECONDS = 25.0
ENOUGH = 3  # readings that must arrive


class Acker:
    """Acknowledges every batch; keeps what came."""

    def __init__(self, port: int) -> None:
        self.readings = 0
        self.free: list[int] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="acker")
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("dl/1/#", 1)
        self._client.loop_start()

    def _take(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        prefix, kind = message.topic.rsplit("/", 1)
        if kind not in ("readings", "health"):
            return
        body = json.loads(message.payload)
        if kind == "health":
            self.free.append(body["heap_free"])
            return
        self.readings += len(body["readings"])
        ack = {"v": 1, "boot": body["boot"], "upto": body["readings"][-1]["seq"]}
        self._client.publish(prefix + "/ack", json.dumps(ack), 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def run(model: str, heap_kb: int, work: Path, ntp: str) -> tuple[int, list[int]]:
    """(readings that arrived, heap_free of each health message)"""
    work.mkdir(parents=True)
    broker = Mosquitto(work, choose_port()).start()
    acker = Acker(broker.port)
    options = NodeOptions(
        model,
        model=model,
        broker_port=broker.port,
        ntp=(ntp,),
        warmup_s=6,
        window_s=3,
        health_s=1,
        ack_timeout_s=5,
        heap=f"{heap_kb}k",
    )
    node = SimNode(work / "node", options, lambda _at: (8.0, 12.0, 20.0)).start()
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and (heap_kb == LARGE or acker.readings < ENOUGH):
            time.sleep(0.2)
        return acker.readings, acker.free
    finally:
        node.stop()
        acker.close()
        broker.stop()


def main() -> None:
    ntp = NtpServer().start()
    with tempfile.TemporaryDirectory(prefix="dustline-heap-") as folder:
        for model in ("sds011", "pms5003"):
            _, free = run(model, LARGE, Path(folder) / model / "large", ntp.address)
            alive = LARGE * 1024 - min(free)
            smallest = LARGE
            for step in STEPS:
                readings, _ = run(model, step, Path(folder) / model / str(step), ntp.address)
                if readings < ENOUGH:
                    break
                smallest = step
            print(f"{model:8} alive after collecting: {alive / 1024:.1f} KiB; delivers in {smallest} KiB")
    ntp.stop()


if __name__ == "__main__":
    main()
