"""The whole gateway: a reading that comes over MQTT is judged, shown, counted and delivered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from gateway.operate.health import not_alive, not_judging
from gateway.quality.calibration.record import write
from gateway.quality.follow import deliver
from gateway.service import Gateway
from gateway.stations.judgements import last_hour
from gateway.web import queries
from tests.gateway.conftest import make_settings
from tests.gateway.quality.correcting import calibration
from tests.gateway.talker import Talker, reading
from tests.gateway.web.pages import ask
from tests.support import Mosquitto, choose_port, wait_for

Run = Callable[..., Gateway]
Talk = Callable[..., Talker]
PAGE = {"enabled": True, "port": 0}


def slots_of(gateway: Gateway, name: str = "node-1") -> list[dict[str, Any]]:
    assert gateway.web_url is not None
    nodes = ask(gateway.web_url, "/api/nodes").json["nodes"]
    return next((node["slots"] for node in nodes if node["name"] == name), [])


def test_a_reading_is_shown_with_what_the_checks_say(
    shared_broker: Mosquitto, run_gateway: Run, talk: Talk
) -> None:
    port = shared_broker.port
    gateway = run_gateway(port, web=PAGE, monitor={"enabled": True, "port": choose_port()})
    node, now = talk(port), int(time.time())
    node.readings(*(reading(seq, t=now - 60 * (20 - seq), pm25=10.0 + seq / 10) for seq in range(1, 20)))
    node.readings(reading(20, t=now, pm25=12.1, rh=97.0))
    wait_for(lambda: node.acked(1, 20), what="the ack")
    (slot,) = wait_for(
        lambda: [each for each in slots_of(gateway) if each["qc"] is not None and each["t"] == now],
        what="the judgement",
    )
    assert (slot["qc"], slot["trust"], slot["checks"]) == (256, "suspect", ["humid"])
    assert gateway.web_url is not None
    (series,) = ask(gateway.web_url, "/api/nodes/node-1/series?hours=1").json["slots"]
    assert [qc for t, qc in zip(series["t"], series["qc"], strict=True) if t == now] == [256]
    assert gateway.monitor_url is not None
    metrics = ask(gateway.monitor_url, "/metrics").text
    assert "dustline_quality_judged_total 20.0" in metrics
    assert "dustline_quality_lag_readings 0.0" in metrics
    assert not_alive(gateway) == []


def test_a_bad_value_greys_its_node_and_switched_off_nothing_is_judged(
    shared_broker: Mosquitto, run_gateway: Run, talk: Talk, tmp_path: Path
) -> None:
    port = shared_broker.port
    gateway = run_gateway(port, web=PAGE, broker={"client_id": "grey"})
    node = talk(port, "node-2")
    node.readings(reading(1, pm25=999.9, pm10=1000.0, flags=["saturated"]))
    wait_for(lambda: [s for s in slots_of(gateway, "node-2") if s["trust"] == "bad"], what="the judgement")
    # By a reload, without a restart.
    changed = make_settings(
        tmp_path, port, web=PAGE, broker={"client_id": "grey"}, quality={"enabled": False}
    )
    assert gateway.reload(lambda: changed) == ["quality.enabled"]
    assert gateway.quality is None
    node.readings(reading(2, pm25=999.9, pm10=1000.0, flags=["saturated"]))
    wait_for(lambda: node.acked(1, 2), what="the ack")
    (slot,) = wait_for(
        lambda: [s for s in slots_of(gateway, "node-2") if s["qc"] is None], what="no judgement"
    )
    assert (slot["trust"], slot["checks"]) == (None, [])
    again = make_settings(tmp_path, port, web=PAGE, broker={"client_id": "grey"}, quality={"settle_s": 5})
    assert sorted(gateway.reload(lambda: again)) == ["quality.enabled", "quality.settle_s"]
    wait_for(lambda: [s for s in slots_of(gateway, "node-2") if s["trust"] == "bad"], what="the judgement")


def test_a_follower_that_has_ended_is_told_of_and_no_reason_to_start_anew(
    shared_broker: Mosquitto, run_gateway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = run_gateway(shared_broker.port, broker={"client_id": "ended"})
    assert not_judging(gateway) == []
    assert gateway.quality is not None
    assert gateway.quality.stop(10)
    assert [problem.part for problem in not_judging(gateway)] == ["quality"]
    assert not_alive(gateway) == []
    told = list[str]()

    def is_told() -> bool:
        told.append(capsys.readouterr().out)
        return "the checks do not get on" in "".join(told)

    wait_for(is_told, what="a line in the log")


@pytest.mark.needs_influxd
def test_raw_and_quality_arrive_in_the_database(
    shared_broker: Mosquitto, run_gateway: Run, talk: Talk, tmp_path: Path
) -> None:
    from tests.gateway.destinations.servers import Influx1

    influx = Influx1(tmp_path / "influx", [])
    influx.start()
    try:
        influx.query('CREATE DATABASE "smog"')
        port = shared_broker.port
        run_gateway(
            port,
            broker={"client_id": "both"},
            influx={"enabled": True, "api": "v1", "url": influx.url, "database": "smog"},
        )
        node = talk(port, "node-3")
        node.readings(*(reading(seq, t=int(time.time()) - 600 + 60 * seq, rh=97.0) for seq in range(1, 6)))
        query = 'SELECT count(pm25) AS raw, count(qc) AS judged FROM "reading"'

        def counts() -> bool:
            rows = influx.query(query, "smog")
            return bool(rows) and (rows[0]["raw"], rows[0]["judged"]) == (5, 5)

        wait_for(counts, 20, "both in the database")
    finally:
        influx.stop()


@pytest.mark.needs_influxd
def test_corrected_values_arrive_beside_raw_ones_and_a_reprocess_beside_the_gateway_changes_them(
    shared_broker: Mosquitto,
    run_gateway: Run,
    talk: Talk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.gateway.destinations.servers import Influx1

    monkeypatch.setattr(deliver, "IDLE_SECONDS", 0.2)
    folder = tmp_path / "calibrations"
    write(calibration("sds011", coefficients={"gain": 0.5}), folder)
    influx = Influx1(tmp_path / "influx", [])
    influx.start()
    try:
        influx.query('CREATE DATABASE "smog"')
        port = shared_broker.port
        gateway = run_gateway(
            port,
            web=PAGE,
            broker={"client_id": "corrected"},
            calibration={"folder": folder},
            influx={"enabled": True, "api": "v1", "url": influx.url, "database": "smog"},
        )
        node, now = talk(port, "node-5"), int(time.time())
        node.readings(*(reading(seq, t=now - 600 + 60 * seq, pm25=10.0 + seq) for seq in range(1, 6)))
        query = 'SELECT pm25, pm25_cor FROM "reading"'

        def halved(by: float) -> bool:
            rows = influx.query(query, "smog")
            # Readings and judgements come by two deliveries; either may be first.
            pairs = [(row["pm25"], row["pm25_cor"]) for row in rows if None not in row.values()]
            return len(pairs) == 5 and all(cor == pytest.approx(by * raw) for raw, cor in pairs)

        wait_for(lambda: halved(0.5), 20, "corrected values in the database")
        assert gateway.web_url is not None
        (slot,) = slots_of(gateway, "node-5")
        assert (slot["pm25"], slot["corrected"]) == (
            15.0,
            {"pm25": 7.5, "pm10": None, "pm25_by": "sds011.v1", "pm10_by": None, "factor": None},
        )
        (series,) = ask(gateway.web_url, "/api/nodes/node-5/series?hours=1").json["slots"]
        assert [round(value, 6) for value in series["pm25_cor"]] == [5.5, 6.0, 6.5, 7.0, 7.5]
        write(calibration("sds011", version=2, coefficients={"gain": 0.25}), folder)
        config = tmp_path / "gateway.toml"
        config.write_text(
            f'[journal]\npath = "{gateway.settings.journal.path}"\n[calibration]\nfolder = "{folder}"\n'
        )
        words = ["reprocess", "--since", str(now - 3600), "--until", str(now), "--config", str(config)]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        wait_for(lambda: halved(0.25), 20, "what was reprocessed in the database")
        (slot,) = slots_of(gateway, "node-5")
        assert (slot["pm25"], slot["corrected"]["pm25"], slot["corrected"]["pm25_by"]) == (
            15.0,
            3.75,
            "sds011.v2",
        )
        types = {
            row["fieldKey"]: row["fieldType"]
            for row in influx.query('SHOW FIELD KEYS FROM "reading"', "smog")
        }
        assert types["pm25_cor"] == "float"
    finally:
        influx.stop()


def test_the_index_is_of_corrected_values_and_follows_a_reprocess(
    shared_broker: Mosquitto,
    run_gateway: Run,
    talk: Talk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "_KEPT_S", 0.1)
    monkeypatch.setattr(queries, "_REST", 1)
    folder = tmp_path / "calibrations"
    write(calibration("sds011", coefficients={"gain": 0.6}), folder)
    port = shared_broker.port
    gateway = run_gateway(port, web=PAGE, broker={"client_id": "index"}, calibration={"folder": folder})
    assert gateway.web_url is not None
    url = gateway.web_url
    node, now = talk(port, "node-6"), int(time.time())
    begin = last_hour(now) * 3600
    times = [*range(begin + 300, now, 300), now]
    # A sensor that never moves is stuck; this one reads 20.0 on the mean.
    values = [20.0 + seq % 3 / 10 - 0.1 for seq in range(len(times))]
    made = [
        reading(seq + 1, t=t, up=90_000 + t - begin, pm25=values[seq], rh=50.0) for seq, t in enumerate(times)
    ]
    node.readings(*made)
    wait_for(lambda: node.acked(1, len(made)), what="the ack")

    def index(by: str) -> dict[str, Any]:
        def told() -> list[dict[str, Any]]:
            nodes = ask(url, "/api/air?index=eu-2024").json["nodes"]
            return [each["pm25"] for each in nodes if each["node"] == "node-6" and each["pm25"]["by"] == [by]]

        return wait_for(told, 20, f"an hour by {by}")[0]

    found = index("sds011.v1")
    assert (found["of"], found["good"], found["corrected"]) == ("corrected", 12, 12)
    assert (found["mean"], found["raw"], found["value"]) == (pytest.approx(12.0), pytest.approx(20.0), 2)
    write(calibration("sds011", version=2, coefficients={"gain": 0.25}), folder)
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[journal]\npath = "{gateway.settings.journal.path}"\n[calibration]\nfolder = "{folder}"\n'
    )
    words = ["reprocess", "--since", str(begin), "--until", str(now), "--config", str(config)]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = index("sds011.v2")
    assert (found["mean"], found["raw"], found["value"]) == (pytest.approx(5.0), pytest.approx(20.0), 1)
    back = CliRunner().invoke(main, ["reprocess", "use", "stream", "--config", str(config)])
    assert back.exit_code == 0, back.output
    assert index("sds011.v1")["mean"] == pytest.approx(12.0)
