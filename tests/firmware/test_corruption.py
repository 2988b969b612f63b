"""A small run of bench.corruption: what the drivers' checks beyond the checksum are worth.

Wrong values cannot be kept out altogether: two bit flips that leave a sum as it is may leave a value that
could be. What is held here: nothing outside the datasheet's range is ever given as good, the driver never
does worse than the checksum alone, and shifted frames with a right checksum are refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from bench.corruption import polled
from bench.corruption.__main__ import bound
from bench.corruption.air import series
from bench.corruption.damage import BYTES, PIN, STREAM, WORDS, apply
from bench.corruption.rig import Rig, Tally
from bench.corruption.sensors import RIGS, run
from bench.corruption.stream import PM, plantower_frame, shdlc, sps30_floats
from node.drivers.plantower import Parser as PlantowerParser
from node.drivers.sds011 import Parser as Sds011Parser

SEED = 20240229
PER_KIND = 500
POOL = 250


Counts = dict[str, dict[str, Tally]]  # sensor -> kind of damage -> what came of it


def total(tallies: dict[str, Tally], *kinds: str) -> Tally:
    tally = Tally()
    for kind in kinds or tallies:
        tally.add(tallies[kind])
    return tally


@pytest.fixture(scope="module")
def counts() -> Counts:
    print(f"seed {SEED}")
    return {
        name: {kind: run(name, kind, 0, PER_KIND, SEED, POOL) for kind in rig.KINDS}
        for name, rig in RIGS.items()
    }


@pytest.mark.parametrize("name", RIGS)
def test_the_driver_does_no_worse_than_the_checksum_and_never_leaves_the_range(
    name: str, counts: Counts
) -> None:
    tally = total(counts[name])
    assert tally.damaged == PER_KIND * len(RIGS[name].KINDS)
    assert tally.outside == 0
    assert tally.wrong <= tally.naive_wrong


# So many times fewer wrong values than with the checksum only, at least; the full run gives the real figures.
GAINS = {"sds011": 2, "pms5003": 2, "pms3003": 1.5, "pms5003t": 2, "pms5003st": 1.5, "pmsa003i": 2}
GAINS |= {"sps30-uart": 1.3, "sps30-i2c": 2, "dht22": 5, "bme280": 3}


@pytest.mark.parametrize("name", GAINS)
def test_what_the_checks_beyond_the_checksum_are_worth(name: str, counts: Counts) -> None:
    tally = total(counts[name])
    assert tally.refused > 0
    assert tally.naive_wrong > GAINS[name] * tally.wrong


@pytest.mark.parametrize("name", RIGS)
def test_intact_frames_between_damaged_ones_are_found(name: str, counts: Counts) -> None:
    """Not quite all: a frame whose last byte is lost is sound when the next one's first byte is the same,
    and then the next one has no beginning. An SPS30's question gets one answer: one that comes in two parts
    takes the place of the next."""
    tally = total(counts[name])
    assert tally.intact > PER_KIND
    assert tally.lost <= tally.intact / 200
    assert tally.lost <= tally.naive_lost or name == "sps30-uart"


def test_words_with_a_right_crc_are_never_of_one_or_two_wrong_bits(counts: Counts) -> None:
    """CRC-8 of that polynomial finds all of them within a word; the naive reader has the same CRC."""
    for name in ("sps30-i2c", "sen5x", "sht3x", "sht4x"):
        tally = total(counts[name], "1 bit flipped", "2 bits flipped", "all 00", "all FF")
        assert tally.naive_wrong == tally.wrong == 0


def test_a_bme280_whose_readings_disagree_gives_nothing(counts: Counts) -> None:
    tally = total(counts["bme280"], *(kind for kind in counts["bme280"] if not kind.startswith("twice")))
    assert tally.wrong == 0
    assert tally.naive_wrong > tally.damaged / 2


# The shifted frame: no byte is wrong, some are missing, and what is read across two frames has a right sum.


def cut_sds011(chance: random.Random) -> tuple[bytes, bytes]:
    """A frame of which the first five bytes came, and the next one: PM10 17.1 has the tail's AB in it, and
    its PM2.5 is what makes the sum of both right. The values read are 0.1 * (p + 256 q) and over 4300."""
    number = chance.randbytes(2)
    while True:
        p, q, r = chance.randrange(256), chance.randrange(3), chance.randrange(256)
        a = -(p + q + r + 0xAA + 0xC0) & 0xFF
        if a <= 0xAB:
            return sds011(bytes((p, q, r, q + 1)), number)[:5], sds011(bytes((a, 0, 0xAB, 0)), number)


def sds011(values: bytes, number: bytes) -> bytes:
    return b"\xaa\xc0" + values + number + bytes((sum(values + number) & 0xFF, 0xAB))


def cut_pms5003(chance: random.Random) -> tuple[bytes, bytes]:
    """A frame of which 14 bytes came, all masses but PM10, and the next one, whose count of 0.3 um is just
    the sum of both. It begins where PM10 should be: 42 4D, 16973 ug/m3."""
    pm25 = chance.randint(1, 20)
    masses = [pm25 * 2 // 3, pm25, pm25 * 3 // 2] * 2
    first = plantower_frame([*masses, 400, 120, 30, 6, 2, 1, 0x9700])
    n03 = sum(first[:14]) + sum(first[:16])
    return first[:14], plantower_frame([*masses, n03, n03 // 3, n03 // 15, 6, 2, 1, 0x9700])


@pytest.mark.parametrize(
    ("name", "cut", "parser"),
    [("sds011", cut_sds011, Sds011Parser), ("pms5003", cut_pms5003, PlantowerParser)],
)
def test_a_shifted_frame_with_a_right_sum_is_refused_and_the_intact_one_in_it_found(
    name: str, cut: Callable[[random.Random], tuple[bytes, bytes]], parser: Any
) -> None:
    class ChecksumOnly(parser):
        def _doubt(self, *_at: int) -> str:
            return ""

    chance = random.Random(SEED)
    rig = RIGS[name](chance)
    for _ in range(200):
        head, following = cut(chance)
        alone = parser().feed(following)
        assert len(alone) == 1
        assert rig.naive([head, following]), "the checksum only lets it through"
        assert ChecksumOnly().feed(head + following) not in ([], alone)
        subject = parser()
        assert subject.feed(head + following) == alone
        assert subject.rejects["out_of_range"] == 1


def test_sds011s_number_refuses_what_the_ranges_do_not() -> None:
    """Two frames of two sensors, as a reader would put them together, have values that could be."""
    parser = Sds011Parser()
    assert parser.feed(sds011(b"\x10\x00\x20\x00", b"\x12\x34"))
    assert parser.feed(sds011(b"\x10\x00\x20\x00", b"\x13\x33")) == []
    assert parser.rejects == {"foreign": 1}


def test_a_dht22_of_zeros_is_no_air() -> None:
    """A line that is held low has a right sum."""
    tally = run("dht22", "all 00", 0, 500, SEED)
    assert (tally.naive_wrong, tally.wrong, tally.refused) == (500, 0, 500)


# ug/m3. More is refused: what a device says beyond its range at most, and what is published as saturated.
MOST = {
    "sds011": 1999.9,
    "pms5003": 6000,
    "pms3003": 6000,
    "pms5003t": 6000,
    "pms5003st": 6000,
    "pmsa003i": 6000,
}


def with_any_value(name: str, raw: bytes, chance: random.Random) -> bytes:
    """The frame with one of its values anything, and the checksums made right again."""
    if name == "sds011":
        at, width, data = 0, 2, raw[2:6]
    elif name == "sps30-uart":
        at, width, data = 0, 4, sps30_floats(next(series(chance)))
    elif name.startswith("pms"):
        at, width, data = 4, 2, raw[:-2]
    elif name == "dht22":
        at, width, data = 0, 2, raw[:-1]
    elif name == "bme280":
        at, width, data = 5, 2, raw
    else:
        at, width, data = 0, 4 if name == "sps30-i2c" else 2, polled.opened(raw) or b""
    at += width * chance.randrange((len(data) - at) // width)
    value = chance.choice(
        (chance.randbytes(width), b"\xff" * width, (0x7FFF >> chance.randrange(3)).to_bytes(2, "big"))
    )
    data = data[:at] + (value * 2)[:width] + data[at + width :]
    if name == "sds011":
        return sds011(data, raw[6:8])
    if name == "sps30-uart":
        return shdlc(3, data)
    if name.startswith("pms"):
        return sealed(data)
    if name == "dht22":
        return data + bytes((sum(data) & 0xFF,))
    return data if name == "bme280" else polled.sealed(data)


@pytest.mark.parametrize("name", RIGS)
def test_no_value_outside_the_range_is_given_as_good_whatever_the_checksum_says(name: str) -> None:
    chance = random.Random(SEED)
    rig = RIGS[name](chance, POOL)
    events: list[dict[str, Any]] = []
    for frame in rig.pool * 6:
        if frame.event:
            events += rig.read([with_any_value(name, frame.raw, chance), frame.raw])
    assert len(events) > 6 * POOL
    assert [event for event in events if rig.outside(event)] == []
    most = MOST.get(name, 1000)
    assert [event for event in events if any(event.get(pm, 0) > most for pm in PM)] == []


PLANTOWERS = pytest.mark.parametrize("name", ["pms5003", "pms3003", "pms5003t", "pms5003st", "pmsa003i"])


def with_masses(rig: Rig, standard: int, ambient: int) -> bytes:
    """A Plantower's frame with these masses of all sizes."""
    frame = next(f.raw for f in rig.pool if f.event)
    words = standard.to_bytes(2, "big") * 3 + ambient.to_bytes(2, "big") * 3
    return sealed(frame[:4] + words + frame[16:-2])


def sealed(body: bytes) -> bytes:
    return body + sum(body).to_bytes(2, "big")


@PLANTOWERS
def test_what_no_plantower_says_is_refused_in_both_channels(name: str) -> None:
    rig = RIGS[name](random.Random(SEED), POOL)
    assert len(rig.read([with_masses(rig, 6000, 6000)])) == 1
    for mass in (6001, 0x7FFF, 0xFFFF):
        assert rig.read([with_masses(rig, mass, mass)]) == []


@PLANTOWERS
def test_either_channel_of_a_plantower_may_be_the_saturated_one(name: str) -> None:
    rig = RIGS[name](random.Random(SEED), POOL)
    for masses in ((1001, 900), (900, 1001)):
        (event,) = rig.read([with_masses(rig, *masses)])
        assert max(event["pm10"], event["pm10_cf1"]) == 1001
        ceiling = rig.driver.ceiling
        assert any(event.get(limited, 0) >= ceiling[limited] for limited in ceiling)


# The bench itself.


@pytest.mark.parametrize("kind", [*STREAM, *WORDS, *BYTES, *PIN])
def test_damage_damages(kind: str) -> None:
    chance = random.Random(SEED)
    for kinds in (STREAM, WORDS, BYTES, PIN):
        if kind in kinds:
            for size in (6, 60):
                frame, other = chance.randbytes(size), chance.randbytes(size)
                for _ in range(50):
                    out = apply(kinds[kind], frame, other, chance)
                    assert out != frame
                    assert out is not None
                    assert kinds is STREAM or len(out) == size


def test_what_is_wrong_or_lost_is_counted() -> None:
    """A driver that drops the first intact frame of each stretch and makes one up."""
    rig = RIGS["pms3003"](random.Random(SEED))
    assert isinstance(rig, Rig)
    read = rig.read

    def liar(chunks: list[bytes]) -> list[dict[str, Any]]:
        events = read(chunks)
        return [*events[1:], {**events[0], "pm25": 4711.0, "pm10": 999, "pm10_cf1": 999}]

    rig.read = liar  # type: ignore[method-assign]
    tally = rig.stretches("1 bit flipped", 66)
    assert (tally.wrong, tally.lost, tally.outside) == (2, 2, 2)
    assert (tally.naive_wrong, tally.naive_lost) == (0, 0)


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    first, again, other = (run("sds011", "2 bits flipped", 0, 500, seed, POOL) for seed in (1, 1, 2))
    assert first == again != other


def test_bound_is_poissons() -> None:
    """One-sided 95 % limits of 0, 1, 10 and 100 seen, as tables give them."""
    for count, limit in ((0, 3.00), (1, 4.74), (10, 16.96), (100, 118.08)):
        assert bound(count) == pytest.approx(limit, abs=0.02)


def test_the_table_of_crcs_is_the_drivers_own() -> None:
    assert polled.sealed(b"\xbe\xef") == b"\xbe\xef\x92"
    assert polled.opened(b"\xbe\xef\x92\0\0\x81") == b"\xbe\xef\0\0"
    assert polled.opened(b"\xbe\xef\x93") is None
