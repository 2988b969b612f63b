"""What the demo does, in order: start all, pull two plugs, stop measuring, let the outboxes drain, count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from dustline.demo import ledger
from dustline.demo.observer import Observer
from dustline.demo.view import NodeLine, View
from dustline.ports import take
from gateway.config import Settings, load
from gateway.journal import JournalReader
from gateway.service import Gateway
from simulator.broker import EmbeddedBroker
from simulator.fleet import Fleet, plan
from simulator.node import NodeOptions
from simulator.ntp import NtpServer
from simulator.places import Place

NETWORK = "warsaw"
NODES = 6
LOOK_S = 0.5
DRAIN_S = 90.0
# An endless demo pulls its plugs after so many seconds; a timed one at these shares of its time.
BROKER_AT, NODE_AT = (20.0, 0.35), (40.0, 0.6)
NODE_OFF_S = 2.0
# A real node warms up for 30 s and averages for 60 s; the demo hurries.
HURRY = NodeOptions(
    name="",
    network=NETWORK,
    warmup_s=5,
    window_s=5,
    sleep_s=1,
    health_s=3,
    ack_timeout_s=4,
    keepalive_s=6,
    heap="192k",
)

CONFIG = """# Written by dustline demo.
network = "{network}"
nodes_file = "nodes.toml"

[broker]
port = {port}

[journal]
path = "journal.sqlite"

[web]
port = {web_port}
title = "Dustline: demo"

[monitor]
enabled = false

[log]
level = "warning"
"""


class Demo:
    """`run` does it all and leaves no process behind, however it ends."""

    def __init__(self, directory: Path, ledger_path: Path, seconds: int | None, web_port: int) -> None:
        self.directory = directory
        self.ledger_path = ledger_path
        self.seconds = seconds
        self.web_port = web_port
        self.journal_path = self._home() / "journal.sqlite"

    def run(self) -> str | None:
        """None when nothing is missing, else what went wrong. Raises SimulatorError when it cannot start."""
        with ExitStack() as stack:
            try:
                self._start(stack)
            except KeyboardInterrupt:
                return "stopped before it had started"
            with self.view:
                try:
                    self._measure()
                    self._drain()
                except KeyboardInterrupt:
                    self.view.say("stopping: no new readings")
                    self._drain_unless_interrupted()
        return self._settle()

    def _start(self, stack: ExitStack) -> None:
        broker_port, told_broker = take(1883, "the broker for nodes (MQTT 3.1.1)")
        gateway_port, told_gateway = take(1884, "the broker for the gateway (MQTT 5)")
        self.broker = EmbeddedBroker(broker_port, gateway_port, self.directory / "broker")
        stack.callback(self.broker.close)
        self.broker.start()
        ntp = NtpServer().start()
        stack.callback(ntp.stop)
        self.observer = Observer("127.0.0.1", broker_port, NETWORK).start()
        stack.callback(self.observer.stop)
        common = replace(HURRY, broker_port=broker_port, ntp=(ntp.address,))
        planned = plan(NODES, common)
        self.gateway = Gateway(self._settings(gateway_port, planned))
        stack.callback(self.gateway.stop)
        self.gateway.start()
        self.reader = JournalReader(self.journal_path)
        stack.callback(self.reader.close)
        self.fleet = Fleet(self.directory / "nodes", planned)
        stack.callback(self.fleet.stop)
        self.fleet.start()
        self.view = View(self.gateway.web_url or "")
        for text in (told_broker, told_gateway):
            if text:
                self.view.say(text)
        self.view.say(f"firmware runs on {self.fleet.nodes[0].micropython}")
        self.view.say(f"page: {self.gateway.web_url}")
        self.view.say(f"the gateway's configuration: {self._home() / 'gateway.toml'}")
        self.started = time.monotonic()

    def _home(self) -> Path:
        return self.directory / "gateway"

    def _settings(self, port: int, planned: list[tuple[NodeOptions, Place]]) -> Settings:
        """Write a configuration like anyone's, and load it: the gateway is no other than a city's."""
        self._home().mkdir(parents=True, exist_ok=True)
        nodes = [
            f"[nodes.{options.name}]\nlabel = {json.dumps(place.label, ensure_ascii=False)}\n"
            f"lat = {place.lat}\nlon = {place.lon}\n"
            for options, place in planned
        ]
        (self._home() / "nodes.toml").write_text("\n".join(nodes), encoding="utf-8")
        file = self._home() / "gateway.toml"
        file.write_text(CONFIG.format(network=NETWORK, port=port, web_port=self.web_port), encoding="utf-8")
        return load(file)

    def _measure(self) -> None:
        """Watch until the time is up; on the way restart the broker and cut a node's power, once each."""
        incidents = [
            (self._moment(*BROKER_AT), self._restart_broker),
            (self._moment(*NODE_AT), self._cut_power),
        ]
        while self.seconds is None or time.monotonic() - self.started < self.seconds:
            if incidents and time.monotonic() - self.started >= incidents[0][0]:
                incidents.pop(0)[1]()
            self.view.show(self._lines(), self._left())
            time.sleep(LOOK_S)

    def _moment(self, endless: float, share: float) -> float:
        return endless if self.seconds is None else self.seconds * share

    def _left(self) -> str:
        if self.seconds is None:
            return "Ctrl-C ends it"
        return f"{max(0, round(self.seconds - (time.monotonic() - self.started)))} s left"

    def _restart_broker(self) -> None:
        self.view.say("pulling the plug: the broker goes down and comes back, without its memory")
        self.broker.restart()
        self.view.say("the broker is back")

    def _cut_power(self) -> None:
        node = self.fleet.nodes[1]
        self.view.say(f"pulling the plug: {node.options.name} loses its power (kill -9)")
        node.kill()
        self._watch_for(NODE_OFF_S, lambda: False)
        node.start()
        self.view.say(f"{node.options.name} has power again")

    def _drain(self) -> None:
        """Tell the nodes to measure no more, and wait until each says that its outbox is empty."""
        self.view.say("no new readings: waiting for the outboxes to drain")
        for node in self.fleet.nodes:
            self.observer.set_config(node.options.name, 1, {"measure": False})
        if not self._watch_for(DRAIN_S, lambda: not self._holding()):
            self.view.say(f"the outboxes did not drain within {DRAIN_S:.0f} s")

    def _drain_unless_interrupted(self) -> None:
        try:
            self._drain()
        except KeyboardInterrupt:
            self.view.say("stopped without waiting for the outboxes")

    def _watch_for(self, seconds: float, done: Callable[[], bool]) -> bool:
        """Keep the table going until `done`, at most so long. Whether it was done."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if done():
                return True
            self.view.show(self._lines(), "ending")
            time.sleep(LOOK_S)
        return done()

    def _holding(self) -> list[str]:
        """The nodes that have not said that they measure no more and that their outbox is empty."""
        told = {node.options.name: self.observer.told(node.options.name) for node in self.fleet.nodes}
        return [name for name, one in told.items() if not one.reports or one.measuring or one.depth]

    def _lines(self) -> list[NodeLine]:
        latest = {reading.node: reading for reading in self.reader.latest()}
        stored: dict[str, int] = {}
        aside: dict[str, int] = {}
        for row in self.reader.ledger():
            stored[row.node] = stored.get(row.node, 0) + row.stored
            aside[row.node] = aside.get(row.node, 0) + row.quarantined
        lines: list[NodeLine] = []
        for node in self.fleet.nodes:
            name = node.options.name
            told = self.observer.told(name)
            have = stored.get(name, 0)
            born = max(sum(told.born.values()), have)
            missing = max(0, born - have - aside.get(name, 0) - told.depth)
            reading = latest.get(name)
            state = "running" if node.alive else "no power"
            if node.crashes:
                state += f", {node.crashes} crashes"
            lines.append(
                NodeLine(
                    name,
                    self.fleet.places[name].label,
                    node.options.kit,
                    reading.values.get("pm25") if reading else None,
                    born,
                    have,
                    missing,
                    told.depth,
                    state,
                )
            )
        return lines

    def _settle(self) -> str | None:
        """Count, write the ledger, say how it went."""
        rows = self._rows()
        ledger.write(self.ledger_path, rows)
        for row in rows:
            self.view.console.print(
                f"{row.node:12} born {row.born}  stored {row.stored}  quarantined {row.quarantined}  "
                f"missing {row.missing}"
            )
        self.view.console.print(f"ledger: {self.ledger_path}")
        return ledger.verdict(rows, self._holding())

    def _rows(self) -> list[ledger.Row]:
        stored: dict[str, set[tuple[int, int]]] = {}
        aside: dict[str, set[tuple[int, int]]] = {}
        with JournalReader(self.journal_path) as reader:
            upto = 0
            while chunk := reader.after(upto, 1000):
                for reading in chunk:
                    stored.setdefault(reading.node, set()).add((reading.boot, reading.seq))
                upto = chunk[-1].id
            for entry in reader.quarantined(limit=10000):
                if entry.node and entry.boot and entry.seq:
                    aside.setdefault(entry.node, set()).add((entry.boot, entry.seq))
        names = [node.options.name for node in self.fleet.nodes]
        return [
            ledger.balance(
                name, self.observer.told(name).born, stored.get(name, set()), aside.get(name, set())
            )
            for name in names
        ]
