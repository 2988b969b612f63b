from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.destinations.lines import FLAG_BITS, UNKNOWN_FLAG_BIT, NotWritableError, line
from gateway.reading import FIELDS
from tests.gateway.destinations.line_parser import BadLine, parse_line
from tests.gateway.destinations.samples import reading
from tests.support import REPO


def test_a_reading_as_a_line() -> None:
    text = line(reading(seq=7, t=1_760_000_123, values={"pm25": 12.5, "temp": -3}, flags=("stuck",)))
    assert text == (
        "reading,network=waw,node=ochota-1,slot=pm "
        "pm25=12.5,temp=-3.0,n=58i,dt=60i,boot=3i,seq=7i,up=1i,delay=-123i,flags=8i"
        ',model="sds011",tq="ntp" 1760000123'
    )


def test_a_reading_without_time_gives_no_line() -> None:
    assert line(reading(t=None, tq="none")) is None


def test_a_zero_is_a_value_and_a_missing_value_is_no_field() -> None:
    fields = parse_line(line(reading(values={"pm25": 0.0})) or "")[2]
    assert fields["pm25"] == 0.0
    assert "pm10" not in fields


def test_every_flag_of_the_contract_has_a_bit_of_its_own() -> None:
    schema = json.loads((REPO / "tests/contract/schema.json").read_text())
    assert set(FLAG_BITS) == set(schema["$defs"]["flag"]["enum"])
    assert len({*FLAG_BITS.values(), UNKNOWN_FLAG_BIT}) == len(FLAG_BITS) + 1
    assert all(bit.bit_count() == 1 for bit in FLAG_BITS.values())


def test_an_unknown_flag_does_not_read_as_no_flag() -> None:
    fields = parse_line(line(reading(flags=("stuck", "from_the_future"))) or "")[2]
    assert fields["flags"] == FLAG_BITS["stuck"] | UNKNOWN_FLAG_BIT


@pytest.mark.parametrize("node", ["", "a\\", "a\nb", "a\x00", "\ud800", "a\u2028b"])
def test_a_name_that_line_protocol_cannot_carry_is_told(node: str) -> None:
    with pytest.raises(NotWritableError, match="node"):
        line(reading(node=node))


awkward = st.text(alphabet=st.one_of(st.sampled_from(" ,=\"\\\n'#ąćęłńóśźż°"), st.characters()), max_size=12)
values = st.dictionaries(st.sampled_from(FIELDS), st.floats(allow_nan=False, allow_infinity=False))


@given(node=awkward, slot=awkward, model=awkward, values=values, at=st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_back(
    node: str, slot: str, model: str, values: dict[str, float], at: int
) -> None:
    original = reading(node=node, slot=slot, model=model, values=values, t=at)
    try:
        text = line(original)
    except NotWritableError:
        # Nothing is refused that could be carried.
        assert "\\" in node + slot or not node or not slot or not (node + slot + model).isprintable()
        return
    assert text is not None
    assert len(text.splitlines()) == 1
    measurement, tags, fields, read_at = parse_line(text)
    assert (measurement, read_at) == ("reading", at)
    assert tags == {"network": "waw", "node": node, "slot": slot}
    for name in FIELDS:
        assert fields.pop(name, None) == values.get(name)
    assert fields == {
        "n": 58,
        "dt": 60,
        "boot": 3,
        "seq": 1,
        "up": 1,
        "delay": original.received_ms // 1000 - at,
        "flags": 0,
        "model": model,
        "tq": "ntp",
    }


@pytest.mark.parametrize(
    "text",
    [
        "reading,node= x=1 5",
        "reading x=1",
        "reading x= 5",
        "reading x=nan 5",
        'reading x="a 5',
        "reading,node=a b x=1 5",
        "reading x=1,x=2 5",
    ],
)
def test_the_parser_of_these_tests_is_strict(text: str) -> None:
    with pytest.raises(BadLine):
        parse_line(text)
