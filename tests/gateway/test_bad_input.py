"""Whatever comes in: quarantined with a reason that a person understands, and nothing valid is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.journal import JournalReader, Quarantined
from gateway.service import Gateway
from tests.gateway.conftest import make_settings
from tests.gateway.talker import Talker, reading
from tests.support import Mosquitto, wait_for

NOW = int(time.time())
WEEK = 7 * 86400


def message(*items: Any, **changes: Any) -> bytes:
    return json.dumps({"v": 1, "boot": 1, "readings": list(items), **changes}).encode()


def with_raw(field: str, text: str) -> bytes:
    """A valid message in which one value is replaced by text that json.dumps would not write."""
    return message(reading(1, **{field: "HERE"})).replace(b'"HERE"', text.encode())


# name: (payload, reason, words of the detail, the node is told so)
WHOLE = {
    "invalid-utf8": (b'{"v":1,"boot":1,"\xff":1}', "not_utf8", "byte 0xff at position 17", True),
    "not-json": (b"hello", "not_json", "line 1 column 1", True),
    "byte-order-mark": (b"\xef\xbb\xbf" + message(reading(1)), "not_json", "byte order mark", True),
    "cut-off": (message(reading(1))[:-1], "not_json", "EOF", True),
    "empty-payload": (b"", "not_json", "empty", True),
    "json-but-a-list": (b"[]", "not_json", "not an object", True),
    "nan": (with_raw("pm25", "NaN"), "not_json", "expected value", True),
    "infinity": (with_raw("pm25", "-Infinity"), "not_json", "line 1", True),
    "duplicate-key": (b'{"v":1,"v":1,"boot":1,"readings":[]}', "duplicate_key", 'duplicate key "v"', True),
    "duplicate-key-in-reading": (
        message(reading(1)).replace(b'"tq"', b'"pm25": 1, "tq"'),
        "duplicate_key",
        '"pm25"',
        True,
    ),
    "deep-nesting": (b"[" * 5000, "not_json", "recursion", True),
    "number-of-5000-digits": (with_raw("pm25", "9" * 5000), "not_json", "number out of range", True),
    "64-kilobytes": (b'"' + b"x" * 65536 + b'"', "too_long", "65538 bytes, at most 8192", True),
    "100-kilobytes": (b"x" * 102400, "too_long", "102400 bytes", True),
    "wrong-version": (
        message(reading(1), v=2),
        "version",
        "has version 2; this gateway reads version 1",
        True,
    ),
    "version-is-a-bool": (message(reading(1), v=True), "version", "True", True),
    "no-version": (b"{}", "version", "has no version", True),
    "empty-batch": (message(), "shape", "readings: List should have at least 1 item, not 0", True),
    "61-readings": (
        b'{"v":1,"boot":1,"readings":[' + b"1," * 60 + b"1]}",
        "shape",
        "at most 60 items, not 61",
        True,
    ),
    "unknown-field-of-message": (message(reading(1), node="x"), "shape", "node is not a field", True),
    "boot-missing": (b'{"v":1,"readings":[1]}', "shape", "boot is missing", True),
    "boot-is-a-bool": (
        message(reading(1), boot=True),
        "shape",
        "boot: must be a valid integer, not true",
        True,
    ),
}

# name: (a reading, reason, words of the detail)
SINGLE = {
    "1e999": ("1e999", "reading", "pm25: must be a finite number, not inf"),
    "minus-1e999": ("-1e999", "reading", "pm25: must be a finite number, not -inf"),
    "number-of-400-digits": ("9" * 400, "reading", "pm25: must be a valid number"),
    "bool-for-a-number": ("true", "reading", "pm25: must be a valid number, not true"),
    "text-for-a-number": ('"12"', "reading", "pm25: must be a valid number, not '12'"),
    "unknown-field": ('1, "colour": "red"', "reading", "colour is not a field of the contract"),
    "missing-without-reason": ("null", "reading", "pm25 is missing and no flag says why"),
    "uptime-beyond-sqlite": (f'1, "up": {2**63}', "reading", "up: must be less than or equal to"),
    "from-1970": ('1, "t": 86400', "time_past", "1970-01-02 00:00:00 UTC, 5"),
    "from-next-week": (f'1, "t": {NOW + WEEK + 3600}', "time_future", "7 days ahead of the gateway's clock"),
}


@pytest.fixture(scope="module")
def gateway(shared_broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all cases: it must still be well after each."""
    gateway = Gateway(make_settings(tmp_path_factory.mktemp("gateway"), shared_broker.port))
    gateway.start()
    wait_for(gateway.session.subscribed.is_set, what="the gateway's subscription")
    yield gateway
    gateway.stop()


def quarantined(gateway: Gateway, node: str) -> list[Quarantined]:
    with JournalReader(gateway.settings.journal.path) as reader:
        return reader.quarantined(1000, node)


def stored(gateway: Gateway, node: str) -> set[tuple[int, int]]:
    with JournalReader(gateway.settings.journal.path) as reader:
        return {(each.boot, each.seq) for each in reader.after(0, 100000) if each.node == node}


@pytest.mark.parametrize("name", WHOLE)
def test_unreadable_message(name: str, gateway: Gateway, shared_broker: Mosquitto, talk: Any) -> None:
    payload, reason, words, told = WHOLE[name]
    node: Talker = talk(shared_broker.port, f"w-{name}"[:32])
    node.readings(reading(1))
    node.send(payload)
    node.readings(reading(2))
    wait_for(lambda: node.acked(1, 2), what="the ack of what follows")
    wait_for(lambda: any("refused" in answer for answer in node.answers) or not told, what="the refusal")
    (entry,) = quarantined(gateway, node.name)
    assert (entry.reason, entry.size, entry.seq) == (reason, len(payload), None)
    assert words in entry.detail
    assert entry.payload == payload[:8192]
    refusals = [answer["refused"] for answer in node.answers if "refused" in answer]
    assert refusals == [entry.detail[:200]] * told
    assert stored(gateway, node.name) == {(1, 1), (1, 2)}


@pytest.mark.parametrize("name", SINGLE)
def test_bad_reading_among_good_ones(
    name: str, gateway: Gateway, shared_broker: Mosquitto, talk: Any
) -> None:
    text, reason, words = SINGLE[name]
    node: Talker = talk(shared_broker.port, f"s-{name}"[:32])
    bad = reading(2, pm25="HERE")
    for field in ("t", "up"):
        if f'"{field}":' in text:
            del bad[field]
    node.send(message(reading(1), bad, reading(3)).replace(b'"HERE"', text.encode()))
    wait_for(lambda: node.acked(1, 3), what="the ack")
    (entry,) = quarantined(gateway, node.name)
    assert (entry.reason, entry.boot, entry.seq) == (reason, 1, 2)
    assert words in entry.detail
    assert stored(gateway, node.name) == {(1, 1), (1, 3)}
    # Quarantined is durable too, and the ledger says so.
    assert node.answers == [{"v": 1, "boot": 1, "upto": 3}]
    with JournalReader(gateway.settings.journal.path) as reader:
        (row,) = reader.ledger(node.name)
    assert (row.born, row.stored, row.quarantined, row.missing) == (3, 2, 1, 0)


def test_reading_without_a_seq_is_not_acknowledged(
    gateway: Gateway, shared_broker: Mosquitto, talk: Any
) -> None:
    node: Talker = talk(shared_broker.port, "no-seq")
    node.readings(reading(1), reading("2"), reading(3))
    wait_for(lambda: node.answers, what="the ack")
    assert node.answers == [{"v": 1, "boot": 1, "upto": 3, "except": [2]}]
    node.readings(reading(None))
    wait_for(lambda: len(node.answers) > 1, what="the refusal")
    assert node.answers[1] == {"v": 1, "refused": "no reading in it has a readable seq"}
    assert [entry.seq for entry in quarantined(gateway, node.name)] == [None, None]


@pytest.mark.parametrize(
    ("bad_topic", "words"),
    [
        ("dl/1/warsaw/c/node-1/readings", "node node-1 belongs to shard"),
        ("dl/1/warsaw/0/Node_1/readings", "no valid name"),
        ("dl/1/warsaw/zz/node-1/readings", "has shard 'zz'"),
        ("dl/1/warsaw/0/" + "n" * 33 + "/readings", "no valid name"),
    ],
    ids=["wrong shard", "capitals", "no shard", "too long"],
)
def test_topic_against_the_rules(
    bad_topic: str, words: str, gateway: Gateway, shared_broker: Mosquitto, talk: Any
) -> None:
    node: Talker = talk(shared_broker.port, "stranger")
    node.send(message(reading(1)), to=bad_topic)
    entry = wait_for(lambda: [e for e in quarantined(gateway, None) if e.topic == bad_topic], what="entry")[0]  # type: ignore[arg-type]
    assert entry.reason == "topic"
    assert words in entry.detail
    assert entry.node is None


def test_bad_status_and_health_are_quarantined_and_not_answered(
    gateway: Gateway, shared_broker: Mosquitto, talk: Any
) -> None:
    node: Talker = talk(shared_broker.port, "bad-status")
    node.send({"v": 1, "online": 1}, kind="status")
    node.send({"v": 1, "boot": 1}, kind="health")
    node.readings(reading(1))
    wait_for(lambda: node.acked(1, 1), what="the ack")
    assert node.answers == [{"v": 1, "boot": 1, "upto": 1}]
    assert {entry.topic.rpartition("/")[2] for entry in quarantined(gateway, node.name)} == {
        "status",
        "health",
    }


def test_value_beyond_the_sensor_is_stored_unchanged_with_a_flag(
    gateway: Gateway, shared_broker: Mosquitto, talk: Any
) -> None:
    node: Talker = talk(shared_broker.port, "too-much")
    node.readings(reading(1, pm25=1500.5), reading(2, pm25=0, pm10=0))
    wait_for(lambda: node.acked(1, 2), what="the ack")
    with JournalReader(gateway.settings.journal.path) as reader:
        found = {each.seq: each for each in reader.after(0, 100000) if each.node == node.name}
    assert (found[1].values["pm25"], found[1].flags) == (1500.5, ("out_of_range",))
    assert (found[2].values["pm25"], found[2].flags) == (0.0, ())


def test_quarantine_command_lists_it_while_the_gateway_runs(
    gateway: Gateway, shared_broker: Mosquitto, talk: Any, tmp_path: Any
) -> None:
    node: Talker = talk(shared_broker.port, "listed")
    node.send(b"\x1b[2Jnot json")
    node.readings(reading(1, pm25=True))
    wait_for(lambda: node.acked(1, 1), what="the ack")
    config = tmp_path / "gateway.toml"
    config.write_text(f'[journal]\npath = "{gateway.settings.journal.path}"\n')
    common = ["gateway", "quarantine", "--config", str(config), "--node", "listed"]
    text = CliRunner().invoke(main, common)
    assert text.exit_code == 0, text.output
    assert "listed boot 1 seq 1  reading: pm25: must be a valid number, not true" in text.output
    assert "not_json: not valid JSON" in text.output
    assert "\x1b" not in text.output
    lines = CliRunner().invoke(main, [*common, "--json", "--limit", "1"]).output.splitlines()
    (entry,) = [json.loads(line) for line in lines]
    assert (entry["node"], entry["boot"], entry["seq"], entry["reason"]) == ("listed", 1, 1, "reading")
    assert json.loads(entry["payload"])["pm25"] is True
