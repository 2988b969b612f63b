"""The whole node, unmodified, on MicroPython in a heap of 128 KiB: real broker, emulated sensor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.node import SimNode
from simulator.ntp import NtpServer
from tests.firmware.node_bench import ScriptedGateway, acknowledge, nothing
from tests.support import Mosquitto, wait_for

pytestmark = [pytest.mark.needs_micropython, pytest.mark.needs_mosquitto]


def depth(gateway: ScriptedGateway) -> int:
    return int(gateway.health[-1]["outbox"]["depth"]) if gateway.health else -1


@pytest.mark.parametrize("model", ["sds011", "pms5003"])
def test_bytes_become_readings(node: Callable[..., SimNode], gateway: ScriptedGateway, model: str) -> None:
    node(model=model, warmup_s=6, window_s=3)
    wait_for(lambda: len(gateway.readings) >= 3, 40, "three readings")
    boot, reading = gateway.readings[-1]
    assert boot == 1
    assert reading["model"] == model
    assert reading["tq"] == "ntp"
    assert abs(reading["t"] - gateway.health[-1]["t"]) < 5
    assert reading["n"] >= 1
    assert 1 <= reading["pm25"] <= 40  # 12 ug/m3 through a unit of the datasheet's accuracy
    assert [r["seq"] for _, r in gateway.readings] == sorted({r["seq"] for _, r in gateway.readings})
    assert gateway.status[0]["fw"] == "0.1.0"
    assert gateway.status[0]["sensors"] == [{"slot": "a", "model": model}]
    assert gateway.topics >= {f"dl/1/warsaw/a/praga-1/{kind}" for kind in ("readings", "status", "health")}


def test_nothing_is_forgotten_without_the_gateways_ack(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    gateway.answer = nothing
    node()
    wait_for(lambda: len(gateway.batches) >= 2, 15, "the batch twice")
    assert gateway.batches[0]["readings"][0] == gateway.batches[1]["readings"][0]
    wait_for(lambda: depth(gateway) >= 2, 10, "an outbox that grows although the broker took all")
    gateway.answer = acknowledge
    wait_for(lambda: depth(gateway) in (0, 1) and len(gateway.readings) > 3, 15, "an outbox that drains")
    born = gateway.health[-1]["born"][0][1]
    wait_for(lambda: gateway.identities() >= {(1, seq) for seq in range(1, born + 1)}, 10, "every reading")


def test_an_exception_of_the_ack_is_sent_again(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    seen: list[int] = []

    def leave_out_the_first(body: dict[str, Any]) -> dict[str, Any]:
        first = body["readings"][0]["seq"]
        seen.append(first)
        return acknowledge(body) | ({"except": [first]} if seen.count(first) == 1 else {})

    gateway.answer = leave_out_the_first
    node()
    wait_for(lambda: seen.count(1) == 2 and len(set(seen)) >= 3, 20, "the first again, then others")
    assert max(seen.count(seq) for seq in seen) == 2


def test_a_refused_reading_is_set_aside_after_three_tries_and_no_other(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    tries: list[int] = []
    acked: set[int] = set()

    def refuse_seq_1(body: dict[str, Any]) -> dict[str, Any]:
        if body["readings"][0]["seq"] == 1:
            tries.append(len(body["readings"]))
            return {"refused": "this is a test"}
        acked.update(reading["seq"] for reading in body["readings"])
        return acknowledge(body)

    gateway.answer = refuse_seq_1
    node(ack_timeout_s=1)
    wait_for(lambda: gateway.health and gateway.health[-1]["outbox"]["aside"], 20, "the reading aside")
    assert gateway.health[-1]["outbox"]["aside"] == 1
    assert tries[-3:] == [1, 1, 1]
    assert len(tries) <= 6
    wait_for(lambda: set(range(2, tries[2] + 3)) <= acked, 20, "all the others")


POISON = [
    b"",
    b"[" * 4000 + b"]" * 4000,
    b'{"v":1,"boot":1,"upto":99999,"except":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"v":1,"boot":1,"upto":99999,"except":[' + b"1," * 4000 + b"1]}",
    b'{"v":1,"version":5,"settings":{' + b",".join(b'"k%d":%d' % (i, i) for i in range(600)) + b"}}",
    b'{"v":1,"version":6,"settings":{"window_s":"' + b"x" * 7000 + b'"}}',
    b"x" * 100000,
]


def test_messages_that_do_not_fit_into_memory_do_not_end_the_connection(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    """A message that kills the connection is delivered again by the next one, for ever."""
    node()
    wait_for(lambda: gateway.readings and gateway.health, 20, "a reading")
    for kind in ("ack", "config"):
        for message in POISON:
            gateway.client.publish(f"dl/1/warsaw/a/praga-1/{kind}", message, 1, retain=kind == "config")
    count, told = len(gateway.readings), len(gateway.health)
    wait_for(lambda: len(gateway.readings) > count + 3, 20, "readings as before")
    wait_for(lambda: len(gateway.health) > told + 3, 10, "health as before")
    assert gateway.health[-1]["counters"]["mqtt_connects"] == 1
    assert gateway.health[-1]["counters"]["task_restarts"] == 0


def test_late_refusals_of_one_batch_do_not_push_the_next_one_aside(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    """A gateway that was away finds many copies of one batch, and refuses each."""

    acked: set[int] = set()

    def refuse_seq_1_often(body: dict[str, Any]) -> dict[str, Any]:
        seqs = [reading["seq"] for reading in body["readings"]]
        if seqs[0] > 1:
            acked.update(seqs)
            return acknowledge(body)
        for _ in range(8):
            gateway.client.publish("dl/1/warsaw/a/praga-1/ack", '{"v":1,"refused":"this is a test"}', 1)
        return {"refused": "this is a test"}

    gateway.answer = refuse_seq_1_often
    node(ack_timeout_s=1)
    aside = wait_for(
        lambda: gateway.health and gateway.health[-1]["outbox"]["aside"], 30, "the reading aside"
    )
    assert aside == 1
    wait_for(lambda: acked >= {2, 3, 4}, 20, "the others")
    count = len(gateway.health)
    wait_for(lambda: len(gateway.health) > count + 1, 10, "health")
    assert 3 <= gateway.health[-1]["counters"]["refused"] <= 6
    assert gateway.health[-1]["outbox"]["aside"] == aside


def test_a_power_cut_loses_nothing_and_repeats_no_identity(
    node: Callable[..., SimNode], gateway: ScriptedGateway
) -> None:
    gateway.answer = nothing
    one = node()
    wait_for(lambda: depth(gateway) >= 2, 15, "readings in flash")
    claimed = gateway.health[-1]["born"][0][1]
    one.kill()
    wait_for(lambda: {"v": 1, "online": False} in gateway.status, 15, "the last will")
    gateway.answer = acknowledge
    one.start()
    wait_for(lambda: {(1, s) for s in range(1, claimed + 1)} <= gateway.identities(), 15, "the first boot's")
    wait_for(lambda: any(boot == 2 for boot, _ in gateway.readings), 15, "the second boot's")
    latest = wait_for(lambda: gateway.health[-1] if gateway.health[-1]["boot"] == 2 else None, 10, "health")
    assert latest["born"][1][0] == 1
    assert latest["born"][1][1] >= claimed


def test_readings_wait_for_the_clock_and_are_stamped_afterwards(
    node: Callable[..., SimNode], gateway: ScriptedGateway, ntp: NtpServer
) -> None:
    ntp.drop = True
    node()
    wait_for(lambda: depth(gateway) >= 2, 20, "readings that wait")
    assert not gateway.batches
    assert gateway.health[-1]["t"] is None
    ntp.drop = False
    wait_for(lambda: gateway.readings, 30, "readings once the clock is known")
    first = gateway.readings[0][1]
    assert first["tq"] == "back"
    health = wait_for(
        lambda: gateway.health[-1] if gateway.health[-1]["t"] else None, 10, "health with a time"
    )
    start = health["t"] - health["up"]
    assert abs(first["t"] - first["up"] - start) <= 2


def test_wifi_and_broker_come_back_by_themselves(
    node: Callable[..., SimNode], gateway: ScriptedGateway, broker: Mosquitto
) -> None:
    one = node()
    wait_for(lambda: gateway.readings, 20, "a reading")
    one.cut_wifi()
    wait_for(lambda: "network not found" in one.log.read_text(), 40, "a node that notices")
    count = len(gateway.readings)
    one.restore_wifi()
    wait_for(lambda: len(gateway.readings) > count, 60, "readings after the router's return")
    broker.kill()
    count = len(gateway.readings)
    broker.start()
    wait_for(lambda: len(gateway.readings) > count, 30, "readings after the broker's return")
    born = gateway.health[-1]["born"][0][1]
    wait_for(lambda: gateway.identities() >= {(1, seq) for seq in range(1, born + 1)}, 15, "every reading")
    assert one.starts == 1


def test_settings_from_the_gateway(node: Callable[..., SimNode], gateway: ScriptedGateway) -> None:
    one = node()
    wait_for(lambda: gateway.readings, 20, "a reading")
    message = {"v": 1, "version": 7, "settings": {"measure": False}}
    gateway.client.publish("dl/1/warsaw/a/praga-1/config", json.dumps(message), 1, retain=True)
    wait_for(lambda: gateway.status[-1].get("config") == 7, 10, "a status with the version")
    wait_for(lambda: not gateway.health[-1]["measuring"] and depth(gateway) == 0, 10, "rest")
    one.restart()
    wait_for(lambda: gateway.status[-1].get("boot") == 2, 15, "the next boot")
    assert gateway.status[-1]["config"] == 7
    wait_for(lambda: gateway.health[-1]["boot"] == 2, 10, "its health")
    assert gateway.health[-1]["born"][0] == [2, 0]
    assert gateway.health[-1]["measuring"] is False


def test_a_broken_file_system_does_not_stop_measuring(
    node: Callable[..., SimNode], gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """Readings are born, sent and acked in memory; in flash again once that works."""
    outbox = tmp_path / "node" / "flash" / "outbox"
    outbox.parent.mkdir(parents=True)
    outbox.write_text("a file where the outbox's folder should be")
    one = node()
    wait_for(lambda: len(gateway.readings) >= 3, 40, "readings")
    assert one.starts == 1
    outbox.unlink()
    wait_for(lambda: outbox.is_dir() and any(outbox.glob("*.seg")), 20, "a segment")
    one.restart()
    wait_for(lambda: any(boot > 1 for boot, _ in gateway.readings), 40, "readings of the next start")
    assert len(gateway.identities()) == len({(r["t"], r["up"]) for _, r in gateway.readings})
