"""How exact the public sees a place: stable cells of 100 m, districts, and never a way back to the place."""

from __future__ import annotations

import re
from math import cos, hypot, radians
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import ConfigError, load
from gateway.districts import WARSAW, nearest
from gateway.places import Place, PlaceError, grid_cell, place_of, public_place

LATS = st.floats(-89.9, 89.9)
LONS = st.floats(-180, 179.999)


@given(LATS, LONS)
def test_a_cell_is_100_m_and_its_centre_is_its_own(lat: float, lon: float) -> None:
    found = grid_cell(lat, lon)
    east = (found.lon - lon + 180) % 360 - 180
    away = abs(found.lat - lat) * 111_200, abs(east) * 111_200 * cos(radians(lat))
    # Half a cell, and 1 m for the rounding; wider by what a row narrows towards a pole.
    assert away[0] <= 51.5
    assert away[1] <= 52 if abs(lat) < 85 else 60
    assert grid_cell(*found) == found


def test_a_place_moved_a_little_stays_in_its_cell() -> None:
    centre = grid_cell(52.23714, 20.95831)
    around = [(centre.lat + y * 1e-4, centre.lon + x * 1e-4) for y in range(-4, 5) for x in range(-6, 7)]
    assert {grid_cell(*place) for place in around} == {centre}


def test_neighbouring_cells_touch() -> None:
    here = grid_cell(52.23714, 20.95831)
    north, east = grid_cell(here.lat + 9e-4, here.lon), grid_cell(here.lat, here.lon + 14.7e-4)
    assert 99 < (north.lat - here.lat) * 111_200 < 102
    assert 99 < (east.lon - here.lon) * 111_200 * cos(radians(here.lat)) < 102
    assert here.lat == east.lat


def test_warsaw_has_its_18_districts_and_each_is_nearest_to_itself() -> None:
    assert len(WARSAW) == 18
    for name, centre in WARSAW.items():
        assert nearest(WARSAW, *centre) == name
        assert hypot(centre.lat - 52.23, (centre.lon - 21.01) * 0.61) * 111.2 < 17, name
    assert nearest(WARSAW, 50.06, 19.94) is None
    assert nearest({}, 52.2, 21.0) is None


def test_what_the_public_sees() -> None:
    where = {"label": "Roof", "lat": 52.23714, "lon": 20.95831}

    def seen(**more: object) -> tuple[float, float, str, str]:
        found = public_place(place_of({**where, **more}), WARSAW)
        return found.lat, found.lon, found.precision, found.label

    assert seen() == (52.23714, 20.95831, "exact", "Roof")
    assert seen(precision="grid") == (*grid_cell(52.23714, 20.95831), "grid", "Roof")
    assert seen(precision="district") == (*WARSAW["Wola"], "district", "Roof")
    assert seen(precision="district", district="Ochota") == (*WARSAW["Ochota"], "district", "Roof")
    only = place_of({"precision": "district", "district": "Wawer"})
    assert public_place(only, WARSAW).lat == WARSAW["Wawer"].lat


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"district": "Nowhere"}, "no district 'Nowhere'; there are: Bemowo"),
        ({"lat": 50.0}, "no district is near"),
    ],
)
def test_a_place_without_a_district_is_never_shown_exactly(more: dict[str, object], why: str) -> None:
    place = place_of({"lat": 52.23714, "lon": 20.95831, "precision": "district", **more})
    with pytest.raises(PlaceError, match=why) as caught:
        public_place(place, WARSAW)
    assert "52.2" not in str(caught.value)
    assert "20.95" not in str(caught.value)


def test_nodes_file_and_districts_file(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('nodes_file = "nodes.toml"\ndistricts_file = "districts.toml"\n')
    (tmp_path / "districts.toml").write_text('[districts."Stare Miasto"]\nlat = 50.06\nlon = 19.94\n')
    nodes = tmp_path / "nodes.toml"
    nodes.write_text(
        "[nodes.a]\nlat = 50.0651\nlon = 19.9412\n"
        '[nodes.b]\nlat = 50.0651\nlon = 19.9412\nprecision = "grid"\n'
        '[nodes.c]\nprecision = "district"\ndistrict = "Stare Miasto"\n'
    )
    settings = load(tmp_path / "gateway.toml")
    assert settings.places["b"] == Place(lat=50.0651, lon=19.9412, precision="grid")
    assert settings.places.keys() == {"a", "b"}  # of c nobody knows it
    public = settings.public_places
    assert (public["a"].lat, public["b"].lat) == (50.0651, grid_cell(50.0651, 19.9412).lat)
    assert (public["c"].lat, public["c"].lon, public["c"].precision) == (50.06, 19.94, "district")
    for text, why in (
        ('[nodes.a]\nprecision = "district"\ndistrict = "Wola"', "nodes.a: there is no district 'Wola'"),
        ("[nodes.a]\nlat = 1\nlon = 2\nprecision = 'near'", "nodes.a.precision: must be 'exact', 'grid' or"),
        ("[nodes.a]\nlabel = 'x'", "nodes.a.lat: is missing"),
        ('[nodes.a]\nlat = 1\nlon = 2\nprecision = "district"', "nodes.a: no district is near"),
    ):
        nodes.write_text(text)
        with pytest.raises(ConfigError, match=re.escape(why)):
            load(tmp_path / "gateway.toml")
    nodes.write_text("")
    (tmp_path / "districts.toml").write_text("[districts.A]\nlat = 1\n")
    with pytest.raises(ConfigError, match=r"districts\.A\.lon: is missing"):
        load(tmp_path / "gateway.toml")
