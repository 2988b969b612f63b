"""The node's MQTT client under remote control: JSON commands on stdin, one line of text per result.

    {"do": "open", "port": 1883, ...Client's keyword arguments}     -> opened True|False | failed KIND TEXT
    {"do": "sub", "topic": "a"}                                     -> subscribed 1 | failed ...
    {"do": "pub", "topic": "a", "payload": "x", "retain": false}    -> published x | failed ...
    {"do": "burst", "topic": "a", "count": 20}                      -> burst 20 | failed ...    all at once
    {"do": "flood", "topic": "a"}            QoS 0 without end      -> failed ...
    {"do": "disconnect"} {"do": "close"} {"do": "exit"}
    {"do": "last_id", "id": 65533}           packet ids go on from there
    {"do": "tasks"}                          -> tasks 3 running 0          of the newest client
    {"do": "heap"}                           -> heap IMPORT NOW PEAK       bytes
    {"do": "oversized"}                      -> oversized 0
Messages come as `got TOPIC PAYLOAD`, the end of a connection as `ended` or `lost KIND TEXT`.
"""

import asyncio
import gc
import json
import sys
import time


def say(*words):
    print(*words)


def used():
    gc.collect()
    return gc.mem_alloc()


heap_before = used()
from node import use_once  # noqa: E402 - its heap is measured here
from node.mqtt.client import Client, MqttError  # noqa: E402

heap_imported = used()


class Probe:
    def __init__(self):
        self.client = None
        self.raise_at = None
        self.peak = 0
        self.watcher = None
        self.known = []
        self.running = []

    def received(self, topic, payload):
        self.peak = max(self.peak, gc.mem_alloc())
        if self.raise_at and payload == self.raise_at:
            raise ValueError("planted")
        say("got", topic, payload.decode() if len(payload) < 100 else len(payload))

    async def open(self, command):
        self.raise_at = command.pop("raise_at", "").encode()
        timeout_s = command.pop("timeout_s", 5)
        will = command.pop("will", None)
        keepalive = command.pop("keepalive", 60)
        hello = use_once(
            "mqtt.hello",
            "encode_connect",
            command.pop("client_id", "n1"),
            command.pop("user", None),
            command.pop("password", None),
            keepalive,
            command.pop("clean_session", False),
            tuple(will) if will else None,
        )
        client = self.client = Client(
            command.pop("host", "127.0.0.1"),
            command.pop("port"),
            keepalive,
            on_message=self.received,
            now=time.ticks_ms,
            **command,
        )
        present = await use_once("mqtt.dial", "connect", client, hello, timeout_s)
        self.known = list(client._tasks)
        say("opened", present)
        self.watcher = asyncio.create_task(self.watch(client))

    async def watch(self, client):
        try:
            await client.wait_closed()
            say("ended")
        except MqttError as error:
            say("lost", error.kind, error)

    async def sub(self, command):
        say("subscribed", await use_once("mqtt.hello", "subscribe", self.client, command["topic"], 1))

    async def pub(self, command):
        payload = command["payload"] * command.get("times", 1)
        await self.client.publish(
            command["topic"],
            payload,
            command.get("qos", 1),
            command.get("retain", False),
            command.get("timeout_s", 20),
        )
        say("published", payload if len(payload) < 100 else len(payload))

    async def burst(self, command):
        count = command["count"]
        await asyncio.gather(*[self.client.publish(command["topic"], str(n)) for n in range(count)])
        say("burst", count)

    async def flood(self, command):
        payload = bytes(8000)
        while True:
            await self.client.publish(command["topic"], payload, 0)

    async def disconnect(self, command):
        await use_once("mqtt.dial", "disconnect", self.client)

    async def close(self, command):
        self.client.close()

    async def last_id(self, command):
        self.client._last_id = command["id"]

    async def tasks(self, command):
        say("tasks", len(self.known), "running", len([task for task in self.known if not task.done()]))

    async def oversized(self, command):
        say("oversized", self.client.oversized)

    async def heap(self, command):
        say("heap", heap_imported - heap_before, used() - heap_imported, self.peak)

    async def run(self, command):
        try:
            await getattr(self, command.pop("do"))(command)
        except MqttError as error:
            say("failed", error.kind, error)


async def main():
    probe = Probe()
    stdin = asyncio.StreamReader(sys.stdin)
    say("ready")
    while True:
        line = await stdin.readline()
        command = json.loads(line) if line else {"do": "exit"}
        if command["do"] == "exit":
            break
        probe.running = [task for task in probe.running if not task.done()]
        probe.running.append(asyncio.create_task(probe.run(command)))


asyncio.run(main())
