"""`dustline sim power`: its arithmetic by hand, and a source for each of its numbers."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from click.testing import CliRunner

from simulator import power_data
from simulator.cli import sim
from simulator.power import MODES, Cycle, board_use, node_use, sensor_use, sources
from simulator.sensors import MODELS


def called(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(sim, ["power", *arguments])
    return done.exit_code, done.stdout, done.stderr


def answer(*arguments: str) -> dict[str, Any]:
    code, out, _ = called(*arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_sds011_every_ten_and_a_half_minutes_on_a_dev_board() -> None:
    """90 of 630 s awake, a seventh: 70/7 + 4 * 6/7 mA; the board 112 + 5 + 0.08 + 1.5 mA."""
    use = node_use(["sds011"], Cycle(30, 60, 540), "esp32-devkit", battery_mah=3000)
    sensor = use.sensors[0]
    assert sensor.mah_per_day == pytest.approx(322.2857, abs=1e-3)
    assert sensor.laser_h_per_year == pytest.approx(1251.4286, abs=1e-3)
    assert sensor.laser_years == pytest.approx(6.39269, abs=1e-4)
    assert use.readings_per_day == pytest.approx(137.142857)
    assert use.board_ma == pytest.approx(118.58)
    assert use.usb_ma == pytest.approx(132.008571, abs=1e-5)
    assert use.cell_ma == pytest.approx(198.211068, abs=1e-5)
    assert use.battery_days == pytest.approx(0.504513, abs=1e-5)


def test_sps30_and_deep_sleep_on_a_bare_c3() -> None:
    """90 of 600 s: 55 * 0.15 + 0.038 * 0.85 mA and 25 mA more for 0.2 s; the chip 10 s at 84, 80 s at 21.47
    and 510 s at 0.005 mA, at 3.3 V behind a converter of 90 %."""
    use = node_use(["sps30"], Cycle(30, 60, 510), "esp32-c3", "deep-sleep")
    assert use.sensors[0].average_ma == pytest.approx(8.290633, abs=1e-5)
    assert use.board_ma == pytest.approx(4.266917, abs=1e-5)
    assert use.usb_ma == pytest.approx(11.419706, abs=1e-5)
    assert use.cell_ma == pytest.approx(16.676874, abs=1e-5)
    assert use.battery_days is None


def test_the_first_minute_of_a_sen54_costs_more() -> None:
    """63 * 0.15 + 0.7 * 0.85 + 7 * 60/600"""
    assert sensor_use("sen54", Cycle(30, 60, 510)).average_ma == pytest.approx(10.745)
    # Always on, the first minute comes once.
    assert sensor_use("sen54", Cycle(30, 60, 0)).average_ma == pytest.approx(63)


def test_a_sensor_without_sleep_runs_on_unless_it_is_switched() -> None:
    cycle = Cycle(30, 60, 510)
    on = sensor_use("pmsa003i", cycle)
    assert (on.average_ma, on.laser_h_per_year, on.laser_years) == (100, 8760, 3)
    cut = sensor_use("pmsa003i", cycle, switched=True)
    assert (cut.average_ma, cut.laser_years) == (pytest.approx(15), pytest.approx(20))


def test_without_sleep_a_window_follows_a_window() -> None:
    use = node_use(["pms5003"], Cycle(30, 60, 0), "esp32-bare")
    assert use.readings_per_day == 1440
    assert use.sensors[0].mah_per_day == 2400
    assert use.sensors[0].laser_years == 3


def test_sensors_add_up_and_climate_sensors_have_no_laser() -> None:
    both = node_use(["sds011", "bme280"], Cycle(30, 60, 540), "esp32-devkit")
    alone = node_use(["sds011"], Cycle(30, 60, 540), "esp32-devkit")
    assert both.usb_ma - alone.usb_ma == pytest.approx(both.sensors[1].average_ma)
    assert (both.sensors[1].laser_h_per_year, both.sensors[1].laser_years) == (0, None)


@pytest.mark.parametrize("board", list(power_data.BOARDS))
def test_each_mode_saves_over_the_one_before(board: str) -> None:
    always, modem, deep = (board_use(board, Cycle(30, 60, 510), mode) for mode in MODES)
    assert always > modem > deep > 0
    # With nothing to sleep through, deep sleep is none.
    assert board_use(board, Cycle(30, 60, 0), "deep-sleep") == modem


def test_there_are_figures_for_every_emulated_sensor() -> None:
    assert set(power_data.SENSORS) == {model for model, _ in MODELS}


def figures() -> list[tuple[str, power_data.Figure]]:
    found = [
        (name, value) for name, value in vars(power_data).items() if isinstance(value, power_data.Figure)
    ]
    for group in (power_data.SENSORS, power_data.BOARDS):
        for model, each in group.items():
            for name, value in each.figures().items():
                found.append((f"{model} {name}", value))
            # figures() leaves none out
            held = [getattr(each, field.name) for field in dataclasses.fields(each)]
            count = sum(isinstance(value, power_data.Figure) for value in held)
            assert len(each.figures()) == count + len(getattr(each, "extra", ()))
    return found


def test_every_number_has_a_unit_and_names_document_and_place() -> None:
    found = figures()
    assert len(found) > 80
    for name, figure in found:
        assert figure.value > 0, name
        assert figure.unit in ("mA", "V", "h", "s", ""), name
        judged = figure.source.startswith("judgement: ") and len(figure.source) > 25
        document = any(
            word in figure.source for word in ("datasheet", "manual", "specification", "ESP-", "docs/")
        )
        place = any(mark in figure.source for mark in (",", ":"))
        assert judged or (document and place), f"{name}: {figure.source}"


def test_sources_cover_what_the_answer_uses() -> None:
    names = [name for name, _ in sources(["sds011", "bme280", "sds011"], "esp32-devkit")]
    assert len(names) == len(set(names))
    assert {"sds011 active", "bme280 sleep", "esp32-devkit regulator", "converter efficiency"} <= set(names)
    code, out, _ = called("--sensor", "sds011", "--sleep", "540", "--sources")
    assert code == 0
    assert "sds011 active: 70 mA - Nova SDS011 specification V1.3" in out


def test_json_of_one_cycle() -> None:
    found = answer("--warmup", "30", "--window", "60", "--sleep", "540", "--battery", "3Ah")
    assert found["battery_mah"] == 3000
    (cycle,) = found["cycles"]
    assert cycle["sensors"][0]["mah_per_day"] == pytest.approx(322.2857, abs=1e-3)
    assert cycle["mah_per_day_5v"] == pytest.approx(3168.2057, abs=1e-3)
    assert cycle["battery_days"] == pytest.approx(0.504513, abs=1e-5)
    assert all(source["source"] for source in found["sources"])


def test_without_a_cycle_usual_ones_are_compared() -> None:
    found = answer("--sensor", "sds011", "--sensor", "pms5003")
    hours = [cycle["sensors"][0]["laser_h_per_year"] for cycle in found["cycles"]]
    assert len(hours) == 5
    assert hours == sorted(hours, reverse=True)
    code, out, _ = called("--sensor", "sds011", "--sensor", "pms5003", "--battery", "6000mAh")
    assert code == 0
    head = out.splitlines()[1]
    assert "sds011 laser" in head
    assert "pms5003 laser" in head
    assert "days on battery" in head


def test_modes_that_the_firmware_does_not_have_say_so() -> None:
    assert "The firmware has no modem-sleep" in called("--mode", "modem-sleep")[1]
    assert '"deep_sleep": true' in called("--mode", "deep-sleep")[1]
    assert "The firmware" not in called()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--battery", "big"], "'big' is no capacity; write it as 3000mAh or 3Ah"),
        (["--battery", "0"], "'0' is no capacity"),
        (["--battery", "9" * 400], "is no capacity"),
        (["--warmup", "nan"], "nan is no number of seconds"),
        (["--sleep", "nan"], "nan is no number of seconds"),
        (["--sensor", "nose"], "'nose'"),
        (["--window", "0"], "--window"),
    ],
)
def test_mistakes_get_a_sentence(arguments: list[str], message: str) -> None:
    code, _, errors = called(*arguments)
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
