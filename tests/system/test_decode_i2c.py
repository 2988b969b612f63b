"""`dustline decode` for sensors on I2C: every form of capture, and calibration before data."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.decode import decode


def called(sensor: str, text: str, *options: str) -> tuple[list[dict[str, Any]], str]:
    """JSON objects and what was said beside them; the exit code is 0."""
    done = CliRunner().invoke(decode, [sensor, "-", *options], input=text, catch_exceptions=False)
    assert done.exit_code == 0
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def rows(repo: Path, name: str) -> list[dict[str, str]]:
    with (repo / "tests" / "vectors" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def crc(word: bytes) -> int:
    value = 0xFF
    for bit in f"{int.from_bytes(word, 'big'):016b}":
        carry = (value >> 7) ^ int(bit)
        value = (value << 1 & 0xFF) ^ (0x31 if carry else 0)
    return value


def words(data: bytes) -> str:
    """Sensirion's words with their CRCs, as hex."""
    return "".join(f"{data[at : at + 2].hex()}{crc(data[at : at + 2]):02x}" for at in range(0, len(data), 2))


# --- CRC and the sensors of Sensirion


def test_crc_vectors_are_taken_and_damaged_ones_are_not(repo: Path) -> None:
    for row in rows(repo, "sensirion-crc8.csv"):
        right, wrong = row["data_hex"] + row["crc8_poly31_initff"], f"{row['data_hex']}00"
        out, _ = called("sht3x", f"W F3 2D R {right}")
        assert out == [
            {"kind": "reply", "what": "status", "data": row["data_hex"]},
            {"rejects": {}, "frames": 1},
        ]
        out, _ = called("sht3x", f"W F3 2D R {wrong}")
        assert out == [{"rejects": {"crc": 1}, "frames": 0}]


def sps30_values(repo: Path) -> list[tuple[bytes, list[float]]]:
    """The vectors' measured values, taken out of their SHDLC frames (no byte of them is stuffed inside)."""
    found = []
    for row in rows(repo, "sps30-shdlc-data.csv"):
        raw = bytes.fromhex(row["hex"])[1:-1]
        raw = re.sub(rb"}(.)", lambda match: bytes((match[1][0] ^ 0x20,)), raw, flags=re.DOTALL)
        numbers = next(value for name, value in row.items() if name != "hex")
        found.append((raw[4:-1], [float(word) for word in numbers.split(";")][:4]))
    return found


def test_sps30(repo: Path) -> None:
    vectors = sps30_values(repo)
    lines = [f"69 W 03 00\n69 R {words(data)}" for data, _ in vectors]
    out, _ = called("sps30-i2c", "\n".join(lines))
    for event, (_, expected) in zip(out, vectors, strict=False):
        got = [event[name] for name in ("pm1", "pm25", "pm4", "pm10")]
        assert got == pytest.approx(expected, abs=1e-4)
    assert out[-1] == {"rejects": {}, "frames": len(vectors)}
    only_bytes, _ = called("sps30-i2c", "\n".join(words(data) for data, _ in vectors))
    assert only_bytes == out


def test_what_an_sps30_tells_of_itself() -> None:
    text = (
        f"69 W D0 33\n69 R {words(b'ABCDEF0123456789' + bytes(16))}\nW D1 00 R {words(bytes((2, 2)))}\n"
        f"W 02 02 R {words(bytes((0, 1)))}\nW D2 06 R {words(bytes((0, 0, 0, 0x10)))}"
    )
    out, _ = called("sps30-i2c", text)
    assert [event.get("value", event.get("data")) for event in out[:-1]] == [
        "ABCDEF0123456789",
        "2.2",
        True,
        "00000010",
    ]
    assert out[-1] == {"rejects": {}, "frames": 4, "id": "ABCDEF0123456789", "fw": "2.2"}


def test_sen55_and_what_it_does_not_know() -> None:
    good = bytes.fromhex("0034 003d 0040 0042 10e1 1130 03e8 7fff".replace(" ", ""))
    none = bytes.fromhex("ffff ffff ffff ffff 7fff 7fff 7fff 7fff".replace(" ", ""))
    name = b"SEN55".ljust(32, b"\0")
    out, _ = called("sen5x", f"W D0 14 R {words(name)}\n69 W 03 C4\n69 R {words(good)}\n69 R {words(none)}")
    assert out[1] == {
        "kind": "data",
        "pm1": 5.2,
        "pm25": 6.1,
        "pm4": 6.4,
        "pm10": 6.6,
        "temp": 22.0,
        "rh": 43.21,
    }
    assert out[2] == {"kind": "data", "flags": ["climate_error"]}
    assert out[3] == {"rejects": {}, "frames": 3, "model": "sen55"}
    without, _ = called("sen5x", words(none), "--model", "sen50")
    assert without == [{"kind": "data"}, {"rejects": {}, "frames": 1, "model": "sen50"}]


def test_values_out_of_range_and_damaged_words_are_refused() -> None:
    high = words(bytes.fromhex("2711" * 4 + "10e1" + "1130" + "03e8" + "7fff"))
    out, _ = called("sen5x", f"69 W 03 C4\n69 R {high}\n69 R {high[:-2]}00\n69 R {high[:-2]}")
    assert out == [{"rejects": {"out_of_range": 1, "crc": 1, "length": 1}, "frames": 0}]


def test_sht4x_and_its_heater() -> None:
    out, _ = called(
        "sht4x", "44 W FD\n44 R 66 66 93 66 66 93\n44 W 89\n44 R BE EF 92 00 00 81\nW 39 R 666693666693"
    )
    assert out == [
        {"kind": "data", "temp": pytest.approx(25.0), "rh": pytest.approx(44.0)},
        {"kind": "reply", "what": "serial", "value": "beef0000"},
        {"rejects": {"unknown": 1}, "frames": 2, "id": "beef0000"},
    ]


def test_sht3x_with_only_the_bytes_read() -> None:
    out, _ = called("sht3x", "66 66 93 66 66 93\n66 66 93 66 66 94\n")
    assert out == [
        {"kind": "data", "temp": pytest.approx(25.0), "rh": pytest.approx(40.0)},
        {"rejects": {"crc": 1}, "frames": 1},
    ]


# --- DHT22 and PMSA003I


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("028C015FEE", {"temp": 35.1, "rh": 65.2}),  # the example in Aosong's AM2302 manual
        ("02928065 79", {"temp": -10.1, "rh": 65.8}),
        ("028C015FEF", "checksum"),
        ("0000000000", "out_of_range"),
        ("028C015F", "length"),
    ],
)
def test_dht22(data: str, expected: dict[str, float] | str) -> None:
    out, _ = called("dht22", data)
    if isinstance(expected, str):
        assert out == [{"rejects": {expected: 1}, "frames": 0}]
    else:
        assert out == [{"kind": "data", **expected}, {"rejects": {}, "frames": 1}]


def test_dht22_raw_is_cut_every_five_bytes(tmp_path: Path) -> None:
    capture = tmp_path / "dht.bin"
    capture.write_bytes(bytes.fromhex("028C015FEE" * 3 + "028C"))
    done = CliRunner().invoke(decode, ["dht22", str(capture), "--raw"])
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event.get("temp") for event in out[:-1]] == [35.1] * 3
    assert out[-1] == {"rejects": {"truncated": 1}, "frames": 3}


def test_pmsa003i_gives_each_vector_of_its_family(repo: Path) -> None:
    for row in rows(repo, "plantower-data.csv"):
        out, _ = called("pmsa003i", f"12 R {row['hex']}")
        if row["cf1_pm1_pm25_pm10"].startswith("reject"):
            assert out == [{"rejects": {"checksum": 1}, "frames": 0}]
            continue
        event = out[0]
        assert (
            f"{event['pm1_cf1']},{event['pm25_cf1']},{event['pm10_cf1']}" == row["cf1_pm1_pm25_pm10"].strip()
        )
        assert f"{event['pm1']},{event['pm25']},{event['pm10']}" == row["atm_pm1_pm25_pm10"]
        assert out[1]["frames"] == 1


# --- BME280


def bme280_vector(repo: Path) -> tuple[bytes, bytes, bytes, tuple[float, float, float]]:
    """Registers 88..A1, E1..E7, F7..FE as the memory map packs the vector's numbers, and what they mean."""
    row = rows(repo, "bme280.csv")[0]
    t, p, h = ([int(word) for word in part.strip()[2:].split(",")] for part in row["calibration"].split(";"))
    raw = {name: int(value) for name, value in re.findall(r"adc_(.)=(\d+)", row["raw"])}

    def low_first(value: int) -> bytes:
        return (value & 0xFFFF).to_bytes(2, "little")

    trim = b"".join(low_first(value) for value in t + p) + bytes((0, h[0]))
    trim_rh = low_first(h[1]) + bytes(
        (h[2], h[3] >> 4 & 0xFF, (h[4] & 15) << 4 | (h[3] & 15), h[4] >> 4 & 0xFF, h[5] & 0xFF)
    )
    sample = b"".join((raw[name] << 4).to_bytes(3, "big") for name in "pt") + raw["h"].to_bytes(2, "big")
    temp, press, rh = (float(word.split()[0]) for word in row["expected"].split("(")[0].split(";"))
    return trim, trim_rh, sample, (temp, press / 100, rh)


def test_bme280_after_its_calibration(repo: Path) -> None:
    trim, trim_rh, sample, expected = bme280_vector(repo)
    text = (
        f"76 W D0\n76 R 60\n76 W 88 R {trim.hex()}\n76 W E1 R {trim_rh.hex()}\n76 W F2 01\n76 W F4 27\n"
        f"76 W F7 R {sample.hex()}\n"
    )
    out, errors = called("bme280", text)
    assert [out[-2][name] for name in ("temp", "press", "rh")] == pytest.approx(expected, abs=1e-6)
    assert out[-1] == {"rejects": {}, "frames": 4, "model": "bme280"}
    assert errors == ""


def test_bme280_from_only_the_bytes_read(repo: Path) -> None:
    trim, trim_rh, sample, expected = bme280_vector(repo)
    out, _ = called("bme280", f"60\n{trim.hex()}\n{trim_rh.hex()}\n{sample.hex()}")
    assert [out[-2][name] for name in ("temp", "press", "rh")] == pytest.approx(expected, abs=1e-6)


def test_bme280_read_value_by_value(repo: Path) -> None:
    """As some libraries do: each word alone, then temperature, pressure, humidity."""
    trim, trim_rh, sample, (temp, press, rh) = bme280_vector(repo)
    lines = [f"76 W {0x88 + at:02x} R {trim[at : at + 2].hex()}" for at in range(0, 24, 2)]
    lines += [f"76 W A1 R {trim[25]:02x}"]
    lines += [f"76 W {0xE1 + at:02x} R {trim_rh[at]:02x}" for at in range(7)]
    lines += [
        f"76 W FA R {sample[3:6].hex()}",
        f"76 W F7 R {sample[:3].hex()}",
        f"76 W FD R {sample[6:].hex()}",
    ]
    out, _ = called("bme280", "\n".join(lines))
    assert out[-4:-1] == [
        {"kind": "data", "temp": pytest.approx(temp, abs=1e-6)},
        {"kind": "data", "press": pytest.approx(press, abs=1e-6)},
        {"kind": "data", "rh": pytest.approx(rh, abs=1e-6)},
    ]


def test_bme280_skipped_values_are_none(repo: Path) -> None:
    trim, trim_rh, sample, (temp, _, _) = bme280_vector(repo)
    before = f"{trim.hex()}\n{trim_rh.hex()}\n"
    out, _ = called("bme280", f"{before}8000008000008000")
    assert out[-1] == {"rejects": {"state": 1}, "frames": 2}
    out, _ = called("bme280", f"{before}800000{sample[3:6].hex()}8000")
    assert out[-2] == {"kind": "data", "temp": pytest.approx(temp, abs=1e-6)}


def test_bmp280_has_no_humidity(repo: Path) -> None:
    trim, _, sample, (temp, press, _) = bme280_vector(repo)
    out, _ = called("bmp280", f"76 W D0 R 58\n76 W 88 R {trim[:24].hex()}\n76 W F7 R {sample[:6].hex()}")
    assert out[-2] == {
        "kind": "data",
        "temp": pytest.approx(temp, abs=1e-6),
        "press": pytest.approx(press, abs=1e-6),
    }
    assert out[-1]["model"] == "bmp280"


def test_bme280_data_before_calibration_is_explained(repo: Path) -> None:
    _, _, sample, _ = bme280_vector(repo)
    out, errors = called("bme280", f"76 W F7 R {sample.hex()}")
    assert out == [{"rejects": {"no_calibration": 1}, "frames": 0}]
    assert "capture from the start" in errors


# --- logic analysers

SHT = ("fd", "66 66 93 66 66 93")


def sigrok(prefix: str) -> str:
    """As PulseView and sigrok-cli write I2C annotations."""
    lines = ["Start", "Write", "Address write: 44", "ACK", f"Data write: {SHT[0].upper()}", "ACK", "Stop"]
    lines += ["Start", "Read", "Address read: 44", "ACK"]
    for byte in SHT[1].split():
        lines += [f"Data read: {byte}", "ACK"]
    return "\n".join(prefix + line for line in [*lines, "NACK", "Stop"])


def logic2() -> str:
    """As Saleae's Logic 2 exports a table."""
    rows = ["name,type,start_time,duration,ack,address,read,data", '"I2C","start",0.1,1e-09,,,,']
    rows += ['"I2C","address",0.1,8e-05,true,0x44,false,', '"I2C","data",0.1,8e-05,true,,,0xFD']
    rows += ['"I2C","stop",0.1,1e-09,,,,', '"I2C","start",0.2,1e-09,,,,']
    rows += ['"I2C","address",0.2,8e-05,true,0x44,true,']
    rows += [f'"I2C","data",0.2,8e-05,true,,,0x{byte}' for byte in SHT[1].split()]
    return "\n".join([*rows, '"I2C","stop",0.2,1e-09,,,,'])


def logic1(write: str, read: str) -> str:
    """As Saleae's first Logic exports, where the address may carry the read/write bit."""
    rows = ["Time [s],Packet ID,Address,Data,Read/Write,ACK/NAK", f"0.1,0,{write},0xFD,Write,ACK"]
    return "\n".join(rows + [f"0.2,1,{read},0x{byte},Read,ACK" for byte in SHT[1].split()])


@pytest.mark.parametrize(
    "text",
    [
        sigrok("1234-1250 I²C: Address/Data: "),
        sigrok("1234-1250 I²C: Address/data: "),
        sigrok("i2c-1: "),
        logic2(),
        logic1("0x44", "0x44"),
        logic1("0x88", "0x89"),
        "00:00:01.2 44 W FD\n00:00:01.3 44 R 66 66 93 66 66 93",
        "44 write 0xFD\n44 read 0x66 0x66 0x93 0x66 0x66 0x93  # 25 degrees",
        "0x44 W 0xfd, R 0x66,0x66,0x93,0x66,0x66,0x93",
    ],
)
def test_every_form_of_capture_means_the_same(text: str) -> None:
    out, errors = called("sht4x", text)
    assert out == [
        {"kind": "data", "temp": pytest.approx(25.0), "rh": pytest.approx(44.0)},
        {"rejects": {}, "frames": 1},
    ]
    assert errors == ""


def test_others_on_the_bus_are_passed_over() -> None:
    out, errors = called("sht4x", "76 W D0 R 60\n44 W FD\n76 W F7 R 0102030405060708\n44 R 666693666693")
    assert out[-1] == {"rejects": {}, "frames": 1}
    assert errors == ""


def test_a_capture_of_other_addresses_is_explained() -> None:
    out, errors = called("bme280", "44 W FD\n44 R 66 66 93 66 66 93")
    assert out == [{"rejects": {}, "frames": 0}]
    assert "nothing is for address 76 or 77 (hex); the capture has 44" in errors


def test_no_acknowledge_is_counted() -> None:
    out, _ = called("sht4x", "i2c-1: Start\ni2c-1: Address read: 44\ni2c-1: NACK\ni2c-1: Stop")
    assert out == [{"rejects": {"no_ack": 1}, "frames": 0}]
    row = '"I2C","address",0.1,8e-05,false,0x44,true,'
    out, _ = called("sht4x", f"name,type,start_time,duration,ack,address,read,data\n{row}")
    assert out == [{"rejects": {"no_ack": 1}, "frames": 0}]


def test_bad_lines_are_named() -> None:
    out, errors = called("sht4x", "44 45 W FD\nhello\n44 R 6")
    assert out == [{"rejects": {"bad_hex_line": 3}, "frames": 0}]
    assert "line 1" in errors
    assert "before W or R stands one address" in errors
    assert "'hello'" in errors
    assert "a transfer is written as 69 W 03 00" in errors
