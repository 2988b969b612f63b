"""Decode, identify, check, without a broker: anything in, stored or quarantined out, never an exception."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import topics
from gateway.check import Limits, Origin, check
from gateway.decode import UnreadableError, decode
from gateway.pipeline import Pipeline, Work
from gateway.receive import Inbox, Incoming
from gateway.records import NewReading, Rejected
from tests.gateway.talker import reading, topic


class Nowhere:
    """No session: `sort` answers nobody."""

    def acknowledge(self, messages: Any) -> None:
        raise AssertionError

    publish = tend = acknowledge


def pipeline() -> Pipeline:
    nowhere: Any = Nowhere()
    return Pipeline("warsaw", Inbox(1), nowhere, nowhere, limits=Limits(), most=10)


def sort(payload: bytes, to: str | None = None, retain: bool = False) -> Work:
    to = topic("node-1", "readings") if to is None else to
    incoming = Incoming(to, payload, 1, retain, 1, 1, time.time_ns() // 1_000_000)
    return pipeline().sort([incoming])


def message(*items: Any) -> bytes:
    return json.dumps({"v": 1, "boot": 1, "readings": items}).encode()


VALID = {
    "readings": message(reading(1), reading(2, pm25=None, flags=["no_frame"])),
    "status": b'{"v":1,"online":true,"boot":1,"fw":"0.1","reset":"power","config":0,"sensors":[]}',
    "health": b'{"v":1,"boot":1,"up":1,"t":null,"heap_free":1,"reset":"power","born":[[1,2]],'
    b'"outbox":{"depth":0,"bytes":0,"aside":0},"sensors":[],"counters":{}}',
}
KINDS = st.sampled_from(sorted(VALID))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


def accounted(work: Work) -> bool:
    """Everything went somewhere, and no bug was met on the way."""
    batch = work.batch
    assert all(entry.reason != "gateway_error" for entry in batch.rejected)
    return bool(batch.readings or batch.rejected or batch.sightings)


@given(KINDS, st.binary(min_size=1, max_size=300))
def test_any_bytes(kind: str, payload: bytes) -> None:
    assert accounted(sort(payload, topic("node-1", kind)))


@given(KINDS, st.data())
def test_valid_message_with_bytes_changed(kind: str, data: st.DataObject) -> None:
    payload = bytearray(VALID[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert accounted(sort(bytes(payload), topic("node-1", kind)))


@given(KINDS, st.data())
def test_valid_message_with_a_value_replaced(kind: str, data: st.DataObject) -> None:
    document = json.loads(VALID[kind])
    target = document["readings"][0] if kind == "readings" and data.draw(st.booleans()) else document
    target[data.draw(st.sampled_from(sorted(target)) | st.text(max_size=6))] = data.draw(JSON)
    payload = json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    assert accounted(sort(payload, topic("node-1", kind)))


@given(st.text(max_size=80))
def test_any_topic(name: str) -> None:
    work = sort(VALID["readings"], name)
    assert accounted(work)
    assert not work.batch.readings
    assert not work.refused


@given(st.lists(st.sampled_from(["good", "bad", "no seq"]), min_size=1, max_size=20))
def test_each_reading_is_judged_on_its_own(kinds: list[str]) -> None:
    made = {"good": lambda seq: reading(seq), "bad": lambda seq: reading(seq, n=-1), "no seq": lambda _: {}}
    work = sort(message(*[made[kind](seq) for seq, kind in enumerate(kinds, 1)]))
    assert [each.seq for each in work.batch.readings] == [s for s, k in enumerate(kinds, 1) if k == "good"]
    expected = [None if kind == "no seq" else seq for seq, kind in enumerate(kinds, 1) if kind != "good"]
    assert [each.seq for each in work.batch.rejected] == expected
    assert bool(work.refused) == (set(kinds) == {"no seq"})


def test_cleared_status_is_no_news_and_a_retained_one_no_sighting() -> None:
    assert sort(b"", topic("node-1", "status"), retain=True).batch.empty()
    (seen,) = sort(VALID["status"], topic("node-1", "status"), retain=True).batch.sightings
    assert (seen.online, seen.live) == (True, False)
    (seen,) = sort(VALID["status"], topic("node-1", "status")).batch.sightings
    assert (seen.online, seen.live) == (True, True)


@pytest.mark.parametrize("size", [8192, 8193])
def test_size_bound(size: int) -> None:
    payload = b'{"v":1' + b" " * (size - 7) + b"}"
    if size == 8192:
        assert decode(payload) == {"v": 1}
    else:
        with pytest.raises(UnreadableError, match="8193 bytes"):
            decode(payload)


NOW = 1_800_000_000
ORIGIN = Origin(NOW * 1000, "t", "n", 1)
LIMITS = Limits(future_s=600, oldest_s=86400)


@pytest.mark.parametrize(
    ("t", "reason"),
    [
        (NOW + 600, None),
        (NOW + 601, "time_future"),
        (NOW - 86400, None),
        (NOW - 86401, "time_past"),
        (0, "time_past"),
    ],
)
def test_time_bounds_are_exact(t: int, reason: str | None) -> None:
    verdict = check(reading(1, t=t), ORIGIN, LIMITS)
    assert (verdict.reason if isinstance(verdict, Rejected) else None) == reason


@pytest.mark.parametrize(
    ("changes", "flagged"),
    [
        ({"pm25": 999.9}, False),
        ({"pm25": 1000.0}, True),
        ({"pm25": -0.1}, True),
        ({"pm25": 1000.0, "model": "pms5003"}, False),
        ({"pm25": 1000.1, "model": "pms5003"}, True),
        ({"pm25": 5000.0, "model": "other"}, False),
        ({"temp": -40.0, "rh": 0.0, "press": 300.0}, False),
        ({"temp": -40.1}, True),
        ({"rh": 100.1}, True),
        ({"press": 1100.1}, True),
    ],
)
def test_physical_range_is_flagged_and_the_value_kept(changes: dict[str, Any], flagged: bool) -> None:
    verdict = check(reading(1, t=NOW, **changes), ORIGIN, LIMITS)
    assert isinstance(verdict, NewReading)
    assert (verdict.flags == ("out_of_range",)) == flagged
    assert {name: verdict.values[name] for name in changes if name != "model"} == {
        name: value for name, value in changes.items() if name != "model"
    }


def test_what_a_node_does_not_say_of_a_sensor_stays_unsaid() -> None:
    sensors = [
        {"slot": "a", "model": "sds011", "frames": 1, "errors": {}, "state": "swapped", "id": "a160"},
        {"slot": "m", "model": "bme280", "frames": 1, "errors": {"no_ack": 2}},
    ]
    said = json.loads(VALID["health"]) | {"sensors": sensors}
    work = sort(json.dumps(said).encode(), topic("node-1", "health"))
    assert work.batch.sightings[0].health == said


def test_flag_that_the_node_set_is_not_doubled() -> None:
    verdict = check(reading(1, t=NOW, pm25=5000, flags=["stuck", "out_of_range"]), ORIGIN, LIMITS)
    assert isinstance(verdict, NewReading)
    assert verdict.flags == ("stuck", "out_of_range")


def test_shard_is_crc32_of_the_name_mod_16() -> None:
    # CRC-32 of "123456789" is the algorithm's published check value 0xCBF43926.
    assert topics.shard_of("123456789") == "6"
    assert topics.build("warsaw", "123456789", "ack") == "dl/1/warsaw/6/123456789/ack"


def test_other_networks_topic_is_refused() -> None:
    with pytest.raises(topics.TopicError, match="network 'krakow', this gateway serves 'warsaw'"):
        topics.parse("dl/1/krakow/6/123456789/readings", "warsaw")


def test_filters_of_some_shards_and_of_all() -> None:
    assert topics.filters("w", "0a") == [
        f"dl/1/w/{digit}/+/{kind}" for kind in ("readings", "status", "health") for digit in "0a"
    ]
    assert topics.filters("w", topics.SHARDS)[0] == "dl/1/w/+/+/readings"
