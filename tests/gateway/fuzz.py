"""A million mutated messages through the pipeline's stages: .venv/bin/python -m tests.gateway.fuzz

Valid messages of every kind are damaged: bytes flipped, cut, doubled, spliced; values exchanged for the worst
that JSON can hold. Each goes through decode, identify, check and the journal's commit, as a live one does. It
must end as a reading stored or known already, as news of a node, or in the quarantine; nothing may be raised,
logged as a bug, or leak.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

from gateway.check import Limits
from gateway.journal import Journal, JournalReader
from gateway.pipeline import Pipeline
from gateway.receive import Inbox, Incoming
from tests.gateway.talker import reading, topic

BATCH = 500
NODES = 40
# What a value is exchanged for.
WORST: list[Any] = [
    None, True, -1, 0, 1e308, -0.0, 1e-320, 2**31, 2**53 + 1, 2**63, 2**64, 10**40, "", "\x00", "a" * 300,
    "é\u202e",
    "1", [], [[]], [1] * 70, {}, {"a": {"b": []}}, "NaN",
]  # fmt: skip
RAW = [
    b"NaN",
    b"Infinity",
    b"-",
    b"1e999",
    b"0x10",
    b"\xff\xfe",
    b"\x00",
    b"[" * 300,
    b'{"a":' * 200,
    b"\xef\xbb\xbf",
]


class Silent:
    """Takes answers and forgets them."""

    def acknowledge(self, messages: list[Incoming]) -> None: ...
    def answer(self, answers: list[tuple[str, bytes]]) -> None: ...


def valid(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """(kind, message)"""
    kind = chance.choices(["readings", "health", "status"], [8, 1, 1])[0]
    boot = chance.randint(1, 3)
    if kind == "readings":
        first = chance.randint(1, 100000)
        count = chance.choice([1, 1, 2, 5])
        return kind, {"v": 1, "boot": boot, "readings": [reading(first + i) for i in range(count)]}
    if kind == "health":
        return kind, {
            "v": 1, "boot": boot, "up": 9, "t": None, "heap_free": 1, "reset": "power", "born": [[boot, 9]],
            "outbox": {"depth": 0, "bytes": 0, "aside": 0}, "sensors": [], "counters": {"resent": 1},
        }  # fmt: skip
    return kind, {
        "v": 1, "online": True, "boot": boot, "fw": "1", "reset": "power", "config": 0, "sensors": [],
    }  # fmt: skip


def _paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path for key, item in items for path in ((*above, key), *_paths(item, (*above, key)))]


def mutate_value(message: dict[str, Any], chance: random.Random) -> None:
    """Exchange, remove, double or rename something somewhere in it."""
    path = chance.choice(_paths(message))
    place: Any = message
    for key in path[:-1]:
        place = place[key]
    key, what = path[-1], chance.randrange(4)
    if what == 0 or isinstance(place, list):
        place[key] = copy.deepcopy(chance.choice(WORST))
    elif what == 1:
        del place[key]
    elif what == 2:
        place[str(key) + chance.choice(["", "x", " "])] = copy.deepcopy(chance.choice(WORST))
    else:
        place[chance.choice(["seq", "t", "pm25", "flags", "v", "boot"])] = place.pop(key)


def mutate_bytes(payload: bytes, chance: random.Random) -> bytes:
    data = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        at, what = chance.randrange(len(data) + 1), chance.randrange(6)
        if what == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            del data[at : at + chance.randint(1, 20)]
        elif what == 2:
            data[at:at] = chance.choice(RAW)
        elif what == 3:
            data[at:at] = data[chance.randrange(len(data) + 1) :][:40]
        elif what == 4:
            data = data[:at]
        else:
            data[at:at] = chance.randbytes(chance.randint(1, 8))
    return bytes(data) * (200 if chance.random() < 0.001 else 1)


def message(number: int, chance: random.Random) -> Incoming:
    kind, content = valid(chance)
    for _ in range(chance.choice([0, 1, 1, 2])):
        mutate_value(content, chance)
    payload = json.dumps(content, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if chance.random() < 0.5:
        payload = mutate_bytes(payload, chance)
    name = topic(f"node-{chance.randrange(NODES)}", kind)
    if chance.random() < 0.02:
        name = mutate_bytes(name.encode(), chance).decode("utf-8", "replace")
    return Incoming(name, payload, 1, False, number, 1, time.time_ns() // 1_000_000)


def run(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """(what became of them, what is wrong)"""
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    early = 0.0
    with Journal(folder / "journal.sqlite", synchronous="NORMAL") as journal:
        pipeline = Pipeline("warsaw", Inbox(1), journal, Silent(), limits=Limits(), most=BATCH)
        for start in range(0, count, BATCH):
            batch = [message(start + i, chance) for i in range(min(BATCH, count - start))]
            for each in batch:
                ends[_end(pipeline, each)] += 1
            pipeline._finish(batch, pipeline.sort(batch))
            if early == 0.0 and start >= count * 3 // 4:
                early = _rss_mib()
        counted = pipeline.counters
        grown = _rss_mib() - early
    if "gateway_error" in counted.quarantined:
        wrong.append(f"{counted.quarantined['gateway_error']} met a bug in the gateway")
    if counted.failed_commits or counted.received != count:
        wrong.append(f"{counted.failed_commits} commits failed, {counted.received} of {count} were taken")
    if ends["nothing"]:
        wrong.append(f"{ends['nothing']} messages came to nothing")
    if grown > 12:  # what is remembered of topics and nodes is bounded, and much of it full by then
        wrong.append(f"memory grew by {grown:.0f} MiB in the last quarter")
    ends["stored"], ends["duplicates"] = counted.stored, counted.duplicates
    ends["quarantined"] = sum(counted.quarantined.values())
    with JournalReader(folder / "journal.sqlite") as reader:
        kept = len(reader.quarantined(10**9))
    if kept != ends["quarantined"]:
        wrong.append(f"{ends['quarantined']} were quarantined, {kept} are in the journal")
    ends["grown_kib"] = int(grown * 1024)
    return ends, wrong


def _end(pipeline: Pipeline, message: Incoming) -> str:
    """What one message by itself comes to."""
    batch = pipeline.sort([message]).batch
    if batch.rejected:
        return "with a reject"
    if batch.readings or batch.sightings or batch.claims:
        return "good"
    return "empty status" if not message.payload else "nothing"


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1048576


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutated messages through the pipeline.")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int)
    chosen = parser.parse_args()
    seed = random.randrange(1 << 32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    # The stages warn of what they quarantine, here of hundreds of thousands.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="dustline-fuzz-") as name:
        ends, wrong = run(chosen.count, seed, Path(name))
    print(", ".join(f"{name} {count}" for name, count in sorted(ends.items())))
    print(f"fuzz: messages={chosen.count} " + ("FAIL: " + "; ".join(wrong) if wrong else "PASS"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
