"""Applying: which calibration a reading gets, what it makes of it, and that its id is always known."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quality.calibration.fit import corrected
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import Calibration, CalibrationError, read, write
from gateway.reading import StoredReading
from tests.support import REPO

BEGIN = datetime(2026, 2, 1, tzinfo=UTC)
T = int(BEGIN.timestamp()) + 1000


def calibration(name: str = "n1-a", **changes: Any) -> Calibration:
    """Halves what n1/a reads, from 2026-02-01 on."""
    made: dict[str, Any] = {
        "name": name,
        "version": 1,
        "kind": "field",
        "made": BEGIN,
        "from": BEGIN,
        "for": {"model": "sds011", "node": "n1", "slot": "a"},
        "form": "linear",
        "coefficients": {"gain": 0.5},
        "valid": {"pm": (2.0, 60.0)},
        "origin": {
            "references": ["station"],
            "units": ["n1/a"],
            "since": BEGIN - timedelta(days=28),
            "until": BEGIN,
            "hours": 660,
            "sha256": "0" * 64,
        },
    }
    return Calibration.model_validate({**made, **changes})


def of_model(name: str = "model-sds011", **changes: Any) -> Calibration:
    return calibration(
        name, kind="model", **{"for": {"model": "sds011"}, "coefficients": {"gain": 0.8}, **changes}
    )


def reading(pm25: float | None = 20.0, t: int | None = T, node: str = "n1", **values: float) -> StoredReading:
    given = {"temp": 5.0, "rh": 60.0, **values}
    if pm25 is not None:
        given["pm25"] = pm25
    return StoredReading(1, 0, "warsaw", node, 1, 1, t, "ntp", 100, 60, 58, "a", "sds011", values=given)


def test_a_units_own_goes_before_a_remote_one_and_that_before_its_models() -> None:
    own = calibration()
    later = {"from": BEGIN + timedelta(minutes=1)}
    remote = calibration("afar", kind="remote", coefficients={"gain": 0.6}, version=2, **later)
    model = of_model()
    for held, value in (([model, remote, own], 10.0), ([model, remote], 12.0), ([model], 16.0)):
        applied = Library(held).apply(reading())
        assert (applied.value, applied.id, applied.reason) == (value, held[-1].id, None)
    other = Library([own, model]).apply(reading(node="n2"))
    assert (other.value, other.id) == (16.0, "model-sds011.v1")


def test_the_one_that_began_last_holds_and_none_before_or_after_its_time() -> None:
    first = calibration(to=BEGIN + timedelta(days=20))
    second = calibration(version=2, **{"from": BEGIN + timedelta(days=10)}, coefficients={"gain": 0.4})
    library = Library([first, second])
    day = 86400
    for t, id in ((T - 2000, None), (T, "n1-a.v1"), (T + 11 * day, "n1-a.v2"), (T + 30 * day, "n1-a.v2")):
        assert library.apply(reading(t=t)).id == id
    gone = Library([first]).apply(reading(t=T + 30 * day))
    assert gone.value is None
    assert gone.reason == "no calibration of pm25 holds for n1/a (sds011) then"
    assert Library([first]).apply(reading(t=None)).reason == "its time is not known, so none can be chosen"


def test_another_sensor_in_the_slot_does_not_get_the_old_ones() -> None:
    swapped = reading()
    swapped.model = "sps30"
    assert Library([calibration(), of_model()]).apply(swapped).id is None


def test_extrapolation_is_flagged_and_far_away_refused() -> None:
    library = Library([calibration()])
    assert library.apply(reading(60.0)).notes == ()
    assert library.apply(reading(61.0)).notes == ("extrapolated: pm",)
    assert library.apply(reading(1.0)).notes == ("extrapolated: pm",)
    far = library.apply(reading(121.0))
    assert far.value is None
    assert far.reason == "n1-a.v1: 121 ug/m3 is far beyond what it was fitted for (up to 60)"


def test_humidity_and_temperature_are_held_at_the_ends_of_their_range() -> None:
    wet = calibration(
        form="growth-temp",
        coefficients={"gain": 1.0, "kappa": 0.3, "temp": 1.0, "offset": 5.0},
        valid={"pm": (0.0, 60.0), "rh": (40.0, 90.0), "temp": (-5.0, 10.0)},
    )
    library = Library([wet])
    at_end, beyond = library.apply(reading(rh=90.0, temp=10.0)), library.apply(reading(rh=99.0, temp=25.0))
    assert at_end.value == beyond.value
    assert beyond.notes == (
        "extrapolated: rh held at the end of its range",
        "extrapolated: temp held at the end of its range",
    )


def test_what_lacks_its_humidity_leaves_its_place_to_the_next() -> None:
    wet = calibration(
        form="growth", coefficients={"gain": 1.0, "kappa": 0.3}, valid={"pm": (0, 60), "rh": (30, 90)}
    )
    dry = reading()
    del dry.values["rh"]
    assert Library([wet, of_model()]).apply(dry).id == "model-sds011.v1"
    alone = Library([wet]).apply(dry)
    assert alone.reason == "n1-a.v1: it needs the humidity, and none was measured"


def test_a_value_below_zero_is_zero_and_says_so() -> None:
    applied = Library([calibration(coefficients={"gain": 1.0, "offset": -5.0})]).apply(reading(3.0))
    assert applied.value == 0.0
    assert applied.notes == ("below zero, set to 0",)


def test_of_a_plantower_the_channel_that_it_was_fitted_for_is_taken() -> None:
    one = Library([calibration(field="pm25_cf1")])
    assert one.apply(reading(20.0, pm25_cf1=30.0)).value == 15.0
    assert one.apply(reading(20.0)).reason == "n1-a.v1: the reading has no pm25_cf1"
    assert one.apply(reading(20.0, pm25_cf1=30.0), "pm10").id is None


@given(
    st.floats(2, 60), st.floats(0, 95), st.floats(-5, 10), st.sampled_from(["linear-rh", "growth-gain-temp"])
)
def test_numbers_and_arrays_agree(pm: float, rh: float, temp: float, form: str) -> None:
    more = {"rh": -0.04} if form == "linear-rh" else {"kappa": 0.25, "gain_temp": 0.01}
    one = calibration(
        form=form,
        coefficients={"gain": 0.7, "offset": 2.0, **more},
        valid={"pm": (2.0, 60.0), "rh": (0.0, 95.0), "temp": (-5.0, 10.0)},
    )
    value, notes = one.compute(pm, rh, temp)
    many = corrected(one.coefficients, np.array([pm]), np.array([rh]), np.array([temp]))
    assert value == pytest.approx(float(many[0]), abs=1e-6)
    assert notes in ([], ["below zero, set to 0"])


def test_a_file_holds_all_of_it_and_is_never_written_over(tmp_path: Path) -> None:
    one = calibration()
    path = write(one, tmp_path / "made")
    assert path.name == "n1-a.v1.json"
    assert read(path) == one
    assert Library.load(tmp_path / "made").all == {"n1-a.v1": one}
    with pytest.raises(CalibrationError, match="is there already; a calibration is never changed"):
        write(calibration(coefficients={"gain": 9.0}), tmp_path / "made")
    assert read(path) == one


def test_every_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = write(calibration(), tmp_path)
    (tmp_path / "other.json").write_text(path.read_text())
    (tmp_path / "torn.json").write_text(path.read_text()[:100])
    said = json.loads(path.read_text())
    (tmp_path / "odd.json").write_text(json.dumps({**said, "form": "magic"}))
    (tmp_path / "more.json").write_text(json.dumps({**said, "colour": "red"}))
    (tmp_path / "nan.json").write_text(path.read_text().replace('"gain": 0.5', '"gain": NaN'))
    with pytest.raises(CalibrationError) as caught:
        Library.load(tmp_path)
    text = str(caught.value)
    assert "other.json: holds n1-a.v1; name the file n1-a.v1.json" in text
    for name, why in (("torn", "JSON"), ("odd", "'magic' is not known"), ("more", "colour"), ("nan", "gain")):
        [line] = [line for line in text.splitlines() if f"/{name}.json" in line]
        assert why in line
    with pytest.raises(CalibrationError, match="no such folder"):
        Library.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "model"}, "for a model"),
        ({"for": {"model": "sds011", "node": "n1"}}, "stand together"),
        ({"form": "growth", "coefficients": {"gain": 1, "kappa": 0.3}}, "needs the range of RH"),
        ({"to": BEGIN}, "to must be after from"),
        ({"version": 0}, "version"),
        ({"name": "../n1"}, "name"),
    ],
)
def test_what_makes_no_sense_is_no_calibration(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        calibration(**changes)


def test_applying_needs_no_numpy(tmp_path: Path) -> None:
    write(calibration(), tmp_path)
    code = f"""
import sys; sys.modules['numpy'] = None
from pathlib import Path
from gateway.quality.calibration import Library
print(Library.load(Path({str(tmp_path)!r})).all['n1-a.v1'].compute(20.0, None, None))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert done.stdout == "(10.0, [])\n", done.stderr
