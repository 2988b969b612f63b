"""What sensors see: water, sizes, units, age, the enclosure's heat, and every fault of the table."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from simulator.city.breakage import EFFECTS
from simulator.city.faults import KINDS, Fault, schedule
from simulator.city.field import City, Truth
from simulator.city.models import PARTICLES, atmospheric, standard
from simulator.city.scenario import Event, FaultPlan
from simulator.city.seen import WETTEST, Seen, Sensors
from simulator.city.units import Unit
from simulator.sensors.sds011 import Sds011
from simulator.sensors.sht4x import Sht4x
from simulator.sensors.unit import Unit as Neutral
from simulator.weather import Offsets

START = datetime(2026, 1, 10, tzinfo=UTC).timestamp()
MODELS = ("sds011", "pms5003", "sps30", "sen55")
CITY = City(3)
HOURS = (START + 3600.0 * np.arange(24 * 20))[:, None]


def units(count: int = 40, models: tuple[str, ...] = MODELS, age_s: float = 0.0) -> list[Unit]:
    made: list[Unit] = []
    for number in range(count):
        model = models[number % len(models)]
        climate = None if model == "sen55" else "bme280"
        lat, lon = 52.16 + 0.004 * (number % 20), 20.93 + 0.008 * (number % 20)
        made.append(Unit(f"n{number}", "a", model, climate, lat, lon, START - age_s))
    return made


def made_up(
    pm1: float, pm25: float, pm10: float, *, rh: float = 40.0, count: int = 1, fog: float = 0.0
) -> Truth:
    """A truth of one time, to be seen by `count` units."""
    values = (pm1, pm25, pm10, 5.0, rh, 1000.0, 0.30, 1.0, fog, 0.0)
    return Truth(*(np.full((1, count), value) for value in values))


def test_one_sensor_at_one_time_is_the_same_as_in_arrays() -> None:
    """The emulators' scalar path and the light nodes' arrays are one model, to the last bit."""
    fleet = units(12)
    faults = [
        Fault("n2", "a", "offset", START + 600, START + 7200, 30.0),
        Fault("n3", "a", "clogging", START, START + 7200, 0.5),
    ]
    sensors = Sensors(CITY, fleet, faults)
    times = START + 61.0 * np.arange(100)
    seen = sensors.see(times[:, None], 0.0)
    for number in (2, 3, 7):
        air = sensors.air(number)
        step = PARTICLES[fleet[number].model].step
        for row in (0, 13, 99):
            pm1, pm25, pm10 = air(times[row])
            alone = Sensors(CITY, [fleet[number]], [f for f in faults if f.node == fleet[number].node])
            same = alone.see(np.array([[times[row]]]), 0.0)
            assert same.pm25[0, 0] == seen.pm25[row, number]
            assert same.rh[0, 0] == seen.rh[row, number]
            # An Air is what the emulator then rounds.
            assert abs(pm25 - seen.pm25[row, number]) <= 0.5 * step + 1e-9
            assert abs(pm10 - seen.pm10[row, number]) <= 0.5 * step + 1e-9
            assert pm1 <= pm25 <= pm10
    # And it does not matter which rows and units are asked for together.
    part = sensors.see(times[40:44][:, None], 0.0)
    assert (part.pm25 == seen.pm25[40:44]).all()


def test_a_byte_level_emulator_shows_what_a_light_sensor_sees() -> None:
    sensors = Sensors(CITY, units(4, ("sds011",)))
    emulator = Sds011(sensors.air(1), 0, unit=Neutral())
    emulator.power(True, START)
    emulator.advance(START + 30)
    frames = emulator.advance(START + 90)
    values = [int.from_bytes(frames[at + 2 : at + 4], "little") / 10 for at in range(0, len(frames), 10)]
    light = sensors.see(np.array([[START + 60.0]]), 60.0).pm25[0, 1]
    assert len(values) == 60
    assert np.mean(values) == pytest.approx(light, rel=0.06)


def test_a_climate_emulator_sits_in_the_enclosure() -> None:
    sensors = Sensors(CITY, units(4))
    times = START + 600.0 * np.arange(30)
    true = sensors.spots.truth(times[:, None])
    warm, humid = sensors.inside(true)
    weather = sensors.weather(2)
    assert weather(times[7]) == (warm[7, 2], humid[7, 2], true.press[7, 2])
    emulator = Sht4x(lambda _: (0.0, 0.0, 0.0), 0, weather=weather, offsets=Offsets())
    emulator.power(True, times[7])
    emulator.write(b"\xfd", times[7] + 1)
    words = emulator.read(6, times[7] + 1.1)
    assert -45 + 175 * int.from_bytes(words[:2], "big") / 65535 == pytest.approx(warm[7, 2], abs=0.2)
    assert -6 + 125 * int.from_bytes(words[3:5], "big") / 65535 == pytest.approx(humid[7, 2], abs=0.7)


def test_water_swells_particles_as_kappa_koehler_says() -> None:
    """By hand: kappa 0.30 at 80 %: 1 + 0.30 / 1.65 * 0.8 / 0.2 = 1.727."""
    sensors = Sensors(CITY, units(1, ("sps30",)))
    own = sensors.units
    own.heat[:] = own.sunny[:] = 0.0
    own.thirst[:] = 1.0
    time = np.array([[START]])
    dry = sensors.optics(time, made_up(20, 20, 20, rh=0.0))[1][0, 0]
    assert sensors.optics(time, made_up(20, 20, 20, rh=80.0))[1][0, 0] / dry == pytest.approx(
        1.727, abs=0.001
    )
    top = 1 + 0.30 / 1.65 * WETTEST / (1 - WETTEST)
    assert sensors.optics(time, made_up(20, 20, 20, rh=100.0))[1][0, 0] / dry == pytest.approx(top, abs=0.001)
    own.heat[:] = 3.0  # warmer inside, so drier, so less swollen
    warm = sensors.optics(time, made_up(20, 20, 20, rh=80.0))[1][0, 0] / dry
    assert 1.3 < warm < 1.6


def test_the_enclosure_is_warmer_and_as_much_drier_as_its_vapour_pressure_says() -> None:
    sensors = Sensors(CITY, units())
    true = sensors.spots.truth(HOURS)
    warm, rh = sensors.inside(true)
    seen = sensors.see(HOURS, 60.0, true)
    assert 1.0 < (warm - true.temp).mean() < 5.0
    assert (rh < true.rh).all()

    def vapour(temp: np.ndarray, humid: np.ndarray) -> np.ndarray:
        return humid * np.exp(17.62 * temp / (243.12 + temp))

    assert np.allclose(vapour(warm, rh), vapour(true.temp, true.rh), rtol=1e-9)
    # What is reported is off by the climate sensor's own error, no more.
    assert np.abs(seen.temp - warm).max() < 1.5
    assert np.abs(seen.rh - rh).max() < 9.0


@pytest.mark.parametrize("model", ["sds011", "pms5003", "sps30"])
def test_coarse_dust_is_under_read(model: str) -> None:
    sensors = Sensors(CITY, units(20, (model,)))
    smoke = sensors.optics(HOURS[:1], made_up(28, 30, 31, count=20))
    dust = sensors.optics(HOURS[:1], made_up(5, 25, 100, count=20))
    assert 0.6 < np.median(smoke[2]) / 31 < 1.6
    assert np.median(dust[2]) / 100 < 0.65 * np.median(smoke[2]) / 31


def test_plantowers_read_high_and_in_two_channels() -> None:
    """40 % over the United States in CF=1 (Barkjohn et al. 2021), where it is drier than in Warsaw."""
    sensors = Sensors(CITY, units(60, ("pms5003",)))
    sensors.units.heat[:] = 3.0
    values = sensors.optics(HOURS[:1], made_up(9, 10, 14, rh=55.0, count=60))[1]
    assert 1.25 < np.median(values) / 10 < 1.55
    cf1 = np.array([0.0, 10.0, 30.0, 38.0, 46.0, 100.0, 1000.0])
    assert np.allclose(standard(atmospheric(cf1)), cf1)
    assert atmospheric(np.array([100.0]))[0] == pytest.approx(70.0)


def test_units_differ_within_their_models_limits_and_age() -> None:
    for model, spread in (("sds011", 0.10), ("pms5003", 0.08), ("sps30", 0.05)):
        new = Sensors(CITY, units(300, (model,)))
        gains = new.gain(HOURS[:1])[0]
        assert np.log(gains).std() == pytest.approx(np.hypot(spread, 0.02), rel=0.2)
        old = Sensors(CITY, units(300, (model,), age_s=3 * 365.25 * 86400)).gain(HOURS[:1])[0]
        lost = 1 - (old / gains).mean()
        expected = 3 * (PARTICLES[model].loss + PARTICLES[model].dust)
        assert lost == pytest.approx(expected, rel=0.3)
    # Slow: within an hour a gain hardly moves, within a month it does.
    gain = new.gain(HOURS)
    assert np.abs(gain[1:] / gain[:-1] - 1).max() < 0.001
    assert (gain.max(axis=0) / gain.min(axis=0) - 1).mean() > 0.01


def test_the_same_mass_scatters_more_or_less_light_by_what_it_is() -> None:
    """All sensors of an air mass share it, so no unit's own calibration finds it."""
    sensors = Sensors(CITY, units(4, ("sps30",)))
    one = made_up(20, 20, 20, count=4)
    bright = one._replace(shine=one.shine * 1.2)
    assert np.allclose(sensors.optics(HOURS[:1], bright)[1] / sensors.optics(HOURS[:1], one)[1], 1.2)
    shine = sensors.spots.truth(HOURS).shine
    assert 0.04 < shine.std() < 0.2
    assert np.corrcoef(shine[:, 0], shine[:, 3])[0, 1] > 0.8


def test_noise_grows_with_the_concentration_and_averages_out() -> None:
    sensors = Sensors(CITY, units(4, ("sds011",)))
    times = START + np.arange(4000.0)[:, None]

    def spread(pm: float, window_s: float) -> float:
        true = Truth(*(np.repeat(part, 4000, axis=0) for part in made_up(pm, pm, pm, count=4)))
        return float(sensors.see(times, window_s, true).pm25.std(axis=0).mean())

    low, high, averaged = spread(10, 0.0), spread(100, 0.0), spread(100, 60.0)
    assert 3 < high / low < 10
    assert 3.5 < high / averaged < 7


def test_fog_is_seen_as_particles() -> None:
    sensors = Sensors(CITY, units(20, ("sds011",)))
    clear = sensors.see(HOURS[:1], 60.0, made_up(8, 10, 14, rh=90.0, count=20))
    thick = sensors.see(HOURS[:1], 60.0, made_up(8, 10, 14, rh=90.0, count=20, fog=1.0))
    assert thick.pm10.mean() - clear.pm10.mean() > 10
    assert thick.pm25.mean() - clear.pm25.mean() > 2


def test_values_keep_to_resolution_and_limits() -> None:
    sensors = Sensors(CITY, units(3, ("sds011", "pms5003", "sps30")))
    much = sensors.see(HOURS[:1], 60.0, made_up(5000, 6000, 9000, count=3))
    assert much.pm25[0].tolist() == [999.9, 670.0, 1000.0]
    assert much.saturated.all()
    calm = sensors.see(HOURS[:1], 0.0, made_up(0.1, 0.1, 0.1, count=3))
    assert (calm.pm25 >= 0).all()
    frame = sensors.see(
        HOURS[:40], 0.0, Truth(*(np.repeat(p, 40, axis=0) for p in made_up(2, 2, 3, count=3)))
    )
    for unit, step in enumerate((0.1, 1.0, 0.01)):
        steps = frame.pm25[:, unit] / step
        assert np.allclose(steps, np.rint(steps), atol=1e-6)
        assert len(set(steps)) > 1


# Faults.

BEGIN, END = START + 2 * 86400.0, START + 2 * 86400.0 + 36_000.0
BEFORE, AFTER = HOURS[:, 0] < BEGIN, HOURS[:, 0] >= END
DURING = ~BEFORE & ~AFTER
MINUTES = (BEGIN + 30.0 + 60.0 * np.arange(600))[:, None]


def broken(kind: str, model: str = "sds011", strength: float | None = None) -> tuple[Seen, Seen, Truth]:
    """(seen with the fault, seen without, truth) by the hour, of one unit."""
    one = units(1, (model,))
    size = KINDS[kind].usual if strength is None else strength
    fault = Fault("n0", "a", kind, BEGIN, END, size)
    bad, good = Sensors(CITY, one, [fault]), Sensors(CITY, one)
    true = good.spots.truth(HOURS)
    return bad.see(HOURS, 60.0, true), good.see(HOURS, 60.0, true), true


def test_every_kind_has_an_effect_between_its_onset_and_end_only() -> None:
    assert set(EFFECTS) == set(KINDS)
    for kind in KINDS:
        bad, good, _ = broken(kind)
        parts = vars(bad)
        changed = np.zeros(len(HOURS), dtype=bool)
        for name, values in parts.items():
            changed |= (values != getattr(good, name))[:, 0]
        assert not changed[~DURING].any(), kind
        if kind == "spikes":
            continue  # some of them; see below
        assert changed[DURING].sum() >= DURING.sum() - 1, kind  # clogging begins with nothing


def test_stuck_repeats_the_last_value_and_knows_for_how_long() -> None:
    bad, good, _ = broken("stuck")
    values = bad.pm25[DURING, 0]
    assert len(set(values)) == 1
    assert values[0] == pytest.approx(good.pm25[BEFORE, 0][-1], rel=0.7)
    assert (bad.sd25[DURING] == 0).all()
    assert bad.frozen_s[DURING, 0].tolist() == [30.0 + 3600 * hour for hour in range(10)]
    assert (bad.frozen_s[~DURING] == -1).all()


def test_clogged_leaves_the_residue_of_its_model() -> None:
    assert broken("clogged", "sds011")[0].pm25[DURING].max() <= 0.1
    assert broken("clogged", "pms5003")[0].pm25[DURING].max() == 0
    bad, good, _ = broken("clogged", "sps30", 0.4)
    assert np.allclose(bad.pm25[DURING], 0.6 * good.pm25[DURING], atol=0.02)


def test_clogging_grows() -> None:
    bad, good, _ = broken("clogging", strength=0.8)
    share = (bad.pm25 / good.pm25)[DURING, 0]
    assert share[0] == pytest.approx(1.0, abs=0.02)
    assert share[-1] == pytest.approx(1 - 0.8 * 0.9, abs=0.03)
    assert (np.diff(share) < 0).all()


def test_saturated_offset_gain_and_units() -> None:
    assert set(broken("saturated")[0].pm25[DURING, 0]) == {999.9}
    bad, good, _ = broken("offset", strength=25.0)
    assert np.allclose((bad.pm25 - good.pm25)[DURING], 25.0, atol=0.1)
    assert np.allclose((broken("units")[0].pm25 / good.pm25)[DURING], 10.0, rtol=0.02)
    assert np.allclose((broken("gain")[0].pm25 / good.pm25)[DURING], 2.0, rtol=0.02)


def test_spikes_strike_the_share_that_was_asked_for() -> None:
    one = units(1, ("sds011",))
    bad = Sensors(CITY, one, [Fault("n0", "a", "spikes", BEGIN, END, 0.1)]).see(MINUTES, 60.0)
    good = Sensors(CITY, one).see(MINUTES, 60.0)
    struck = bad.pm25 > 2.5 * good.pm25
    assert 0.06 < struck.mean() < 0.14
    assert (bad.pm25[~struck] == good.pm25[~struck]).all()


def test_condensation_pins_humidity_and_adds_the_more_the_wetter() -> None:
    bad, good, true = broken("condensation")
    assert (bad.rh[DURING] == 100).all()
    assert bad.wet_s[DURING, 0][0] == 30.0
    more = (bad.pm25 / good.pm25)[DURING, 0]
    assert (more > 1.05).all()
    assert more.max() < 3.1
    assert np.corrcoef(more, true.rh[DURING, 0])[0, 1] > 0.8


def test_dead_silent_clock_garbage_and_climate() -> None:
    assert broken("dead")[0].no_frame[DURING].all()
    assert broken("silent")[0].off[DURING].all()
    assert (broken("clock", strength=-3600.0)[0].clock_s[DURING] == -3600).all()
    assert broken("climate")[0].climate_error[DURING].all()
    garbage = broken("garbage")[0].pm25[DURING, 0]
    assert garbage.std() > 50
    assert garbage.max() <= 999.9


def test_a_share_of_nodes_gets_its_fault_at_onsets_of_their_own() -> None:
    nodes = [f"n{number}" for number in range(200)]
    plans = [FaultPlan(kind="stuck", share=0.1, hours=8), FaultPlan(kind="dead", node="n7", hours=2)]
    end = int(START) + 30 * 86400
    made = schedule(plans, nodes, 5, int(START), end)
    stuck = [fault for fault in made if fault.kind == "stuck"]
    assert len({fault.node for fault in stuck}) == len(stuck) == 20
    assert all(fault.begin >= START and fault.end <= end for fault in made)
    assert all(fault.end - fault.begin == 8 * 3600 for fault in stuck)
    assert len({fault.begin for fault in stuck}) > 15
    assert made == schedule(plans, nodes, 5, int(START), end)
    assert made != schedule(plans, nodes, 6, int(START), end)
    with pytest.raises(ValueError, match="no node 'nobody'"):
        schedule([FaultPlan(kind="dead", node="nobody")], nodes, 5, int(START), end)


def test_raw_data_is_as_bad_as_it_should_be() -> None:
    """Against the truth by the day, raw sensors are off by some ug/m3: there is something to correct."""
    fleet = units(60, age_s=1.5 * 365 * 86400)
    sensors = Sensors(City(3, [Event(kind="dust", start=datetime(2026, 1, 15, tzinfo=UTC))]), fleet)
    true = sensors.spots.truth(HOURS)
    seen = sensors.see(HOURS, 3600.0, true)
    days = (len(HOURS) // 24, 24, len(fleet))
    off = seen.pm25.reshape(days).mean(axis=1) - true.pm25.reshape(days).mean(axis=1)
    rmse = np.sqrt((off * off).mean(axis=0))
    assert 3 < np.median(rmse) < 25
    corr = [np.corrcoef(seen.pm25[:, at], true.pm25[:, at])[0, 1] for at in range(len(fleet))]
    assert np.median(corr) > 0.85
