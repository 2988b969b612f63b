"""Climate drivers on hostile bytes: no exception, no value outside the range, none under a wrong CRC.

And the BME280's formulas with every operation rounded to 24 bits, as the chip's floats are.
"""

from __future__ import annotations

import ast
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.drivers import bme280
from node.drivers.bme280 import Bme280
from node.drivers.dht22 import Dht22
from node.drivers.sensirion import crc8
from node.drivers.sht3x import Sht3x
from node.drivers.sht4x import Sht4x

RANGES = {
    Bme280: {"temp": (-40, 85), "rh": (0, 100), "press": (300, 1100)},
    Sht3x: {"temp": (-40, 125), "rh": (0, 100)},
    Sht4x: {"temp": (-40, 125), "rh": (0, 100)},
    Dht22: {"temp": (-40, 80), "rh": (0, 100)},
}
REASONS = {"checksum", "unknown", "out_of_range", "no_ack", "crc", "state"}
every_driver = pytest.mark.parametrize("make", RANGES, ids=lambda make: make.__name__)


def sealed(data: bytes) -> bytes:
    """Each two bytes with their CRC."""
    pairs = (data[i : i + 2] for i in range(0, len(data), 2))
    return b"".join(pair + bytes([crc8(pair)]) for pair in pairs)


def accounted(driver: Any, events: list[dict[str, Any]]) -> None:
    for event in events:
        assert event.pop("kind") == "data"
        assert event
        for name, value in event.items():
            low, high = RANGES[type(driver)][name]
            assert low <= value <= high
    assert set(driver.rejects) <= REASONS
    assert driver.climate_flag in (None, "climate_error", "climate_stuck")
    assert len(driver.id or "") <= 32


@every_driver
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_answers_never_raise_and_never_leave_the_range(make: Any, data: st.DataObject) -> None:
    driver = make()
    now = 0
    for _ in range(data.draw(st.integers(1, 60))):
        now += data.draw(st.sampled_from([0, 50, 5000]))
        wish = driver.tick(now)
        if wish is None:
            continue
        if data.draw(st.integers(0, 30)) == 7:
            driver.failed(now)
        elif isinstance(wish, int):
            answer = data.draw(answers(wish))
            assert len(answer) == wish
            accounted(driver, driver.feed(answer))
        if data.draw(st.integers(0, 60)) == 7:
            driver.reset()


def answers(n: int) -> st.SearchStrategy[bytes]:
    """n bytes: any, and such as get further, with the right sums, chip ids and control registers."""
    found = [st.binary(min_size=n, max_size=n), st.sampled_from([bytes(n), b"\xff" * n])]
    if n == 1:
        return st.sampled_from([b"\x60", b"\x58", b"\x00"]) | found[0]
    if n in (3, 6):
        found.append(st.binary(min_size=n // 3 * 2, max_size=n // 3 * 2).map(sealed))
        found.append(st.just(sealed(bytes(n // 3 * 2))))
    if n == 5:
        found.append(st.binary(min_size=4, max_size=4).map(lambda four: four + bytes([sum(four) & 255])))
    if n == 13:
        found.append(st.binary(min_size=9, max_size=9).map(lambda rest: b"\x01\x00\x24\x00" + rest))
    return st.one_of(found)


trims = st.binary(min_size=26, max_size=26)
wets = st.binary(min_size=7, max_size=7)


@given(trims, wets, st.sampled_from([0x60, 0x58]), st.lists(st.binary(min_size=8, max_size=8), max_size=4))
@settings(max_examples=400, deadline=None)
def test_any_calibration_with_any_sample(trim: bytes, wet: bytes, chip: int, samples: list[bytes]) -> None:
    driver = Bme280()
    answer: dict[int, bytes] = {26: trim, 7: wet}
    # Each sample is read twice.
    queue = [b"\x01\x00\x24\x00\x00" + sample for sample in samples for _ in range(2)]
    for now in range(0, 30000, 50):
        wish = driver.tick(now)
        if not isinstance(wish, int):
            continue
        if wish == 1:
            answer[1] = bytes([chip]) if driver._step == 2 else b"\x00"
        if wish == 13:
            if not queue:
                break
            answer[13] = queue.pop()
        accounted(driver, driver.feed(answer[wish]))


@pytest.mark.parametrize("make", [Sht3x, Sht4x])
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_wrong_crc_gives_no_value(make: Any, data: st.DataObject) -> None:
    """Up to 8 bits in a row, and any two bits of a word: what a CRC-8 of this polynomial always finds."""
    driver = make()
    words = data.draw(st.binary(min_size=4, max_size=4))
    damaged = int.from_bytes(sealed(words), "big")
    start = data.draw(st.integers(0, 1)) * 24
    if data.draw(st.booleans()):
        damaged ^= (1 << start + data.draw(st.integers(0, 23))) ^ (1 << start + data.draw(st.integers(0, 23)))
    else:
        burst = data.draw(st.integers(1, 255))
        damaged ^= burst << start + data.draw(st.integers(0, 24 - burst.bit_length()))
    reply = damaged.to_bytes(6, "big")
    command = b""
    for now in range(0, 1900, 50):
        wish = driver.tick(now)
        if isinstance(wish, bytes):
            command = wish
        elif wish and command in (b"\x24\x00", b"\xfd"):
            events = driver.feed(reply)
            if not driver.rejects and driver.tick(now + 1) == b"\xf3\x2d":
                driver.tick(now + 10)
                events = driver.feed(sealed(b"\x00\x00"))
            assert events == [] or reply == sealed(words)
            assert (reply != sealed(words)) == ("crc" in driver.rejects)
            break
        elif wish:
            assert driver.feed(sealed(bytes(wish // 3 * 2))) == []
    else:
        raise AssertionError("never measured")


@given(st.binary(min_size=4, max_size=4), st.integers(0, 4), st.integers(1, 255))
def test_one_damaged_byte_of_a_dht22_gives_no_value(four: bytes, at: int, change: int) -> None:
    frame = bytearray(four + bytes([sum(four) & 255]))
    frame[at] ^= change
    driver = Dht22()
    assert driver.tick(2000) == 5
    assert driver.feed(bytes(frame)) == []
    assert driver.rejects == {"checksum": 1}


# Single precision.


def single(value: Any) -> Any:
    """As a 32-bit float holds it; an int is an int on the chip too."""
    return struct.unpack("f", struct.pack("f", value))[0] if isinstance(value, float) else value


class _Rounded(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("single", ast.Load()), [node], [])

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        assert isinstance(node.target, ast.Name)
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return self.visit(ast.Assign([node.target], value))


def rounded_formulas() -> Any:
    """The driver's own function, each operation rounded. Its constants are powers of two or small."""
    tree = ast.parse(Path(str(bme280.__file__)).read_text())
    wanted: list[ast.stmt] = [item for item in tree.body if isinstance(item, ast.FunctionDef)]
    module = ast.fix_missing_locations(_Rounded().visit(ast.Module(wanted, [])))
    names: dict[str, Any] = {"single": single}
    exec(compile(module, "rounded", "exec"), names)
    return names["compensate"]


COMPENSATE = rounded_formulas()
# Spread of calibration words as chips have them; the vector's lies in the middle.
calibrations = st.tuples(
    *(st.integers(27000, 29000), st.integers(25000, 27500), st.integers(-1000, 50)),
    *(st.integers(35000, 39500), st.integers(-11000, -10000), st.integers(2800, 3100)),
    *(st.integers(2000, 10000), st.integers(-250, 150), st.just(-7)),
    *(st.integers(9900, 15500), st.integers(-14600, -10200), st.integers(4200, 6000), st.integers(70, 80)),
)
humid = st.tuples(
    *(
        st.integers(340, 390),
        st.integers(0, 1),
        st.integers(250, 360),
        st.integers(0, 60),
        st.integers(20, 35),
    )
)


@given(
    calibrations,
    humid,
    st.integers(400000, 640000),
    st.integers(150000, 500000),
    st.integers(15000, 45000),
)
@example(
    (28009, 25654, 50, 39145, -10750, 3024, 5667, -120, -7, 15500, -14600, 6000, 75),
    (376, 0, 286, 50, 30),
    529191,
    326816,
    30281,
)
@settings(max_examples=1000, deadline=None)
def test_single_precision_is_enough(
    calibration: tuple[int, ...], humidity: tuple[int, ...], adc_t: int, adc_p: int, adc_h: int
) -> None:
    exact = bme280.compensate(calibration + humidity, adc_p, adc_t, adc_h)
    chip = COMPENSATE(calibration + humidity, adc_p, adc_t, adc_h)
    assert abs(chip[0] - exact[0]) < 0.001
    assert abs(chip[1] - exact[1]) < 0.01 or not 300 <= exact[1] <= 1100
    assert abs(chip[2] - exact[2]) < 0.001 or not 0 <= exact[2] <= 100
