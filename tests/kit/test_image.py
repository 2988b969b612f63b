"""The image, read back by others than those who made it: esptool, littlefs, the rows' own arithmetic."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dustline.cli import main
from dustline.kit import contents, esp_image, filesystem, image, partitions
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from tests.kit import official

FILES = {"main.py": b"print(1)\n", "node/one.mpy": bytes(range(256)) * 20, "config.json": b"{}\n"}


@pytest.fixture(scope="module")
def esp32() -> bytes:
    return official.real().read_bytes()


def esptool(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "esptool", *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_esptool_finds_bootloader_and_app_whole(esp32: bytes, tmp_path: Path) -> None:
    built = image.build(BOARDS["esp32"], esp32, FILES)
    for name, start, end in (("bootloader", 0x1000, 0x8000), ("app", 0x10000, 0x1B0000)):
        path = tmp_path / f"{name}.bin"
        path.write_bytes(built[start:end])
        said = esptool("--chip", "esp32", "image-info", str(path))
        assert "(valid)" in said
        assert "invalid" not in said
        assert said.count("(valid)") == 2, said  # checksum and hash
        assert "Chip ID: 0 (ESP32)" in said


def test_official_bytes_are_where_the_chip_looks_for_them(esp32: bytes) -> None:
    built = image.build(BOARDS["esp32"], esp32, FILES)
    assert built[:0x1000] == b"\xff" * 0x1000
    assert built[0x1000:0x8000] == esp32[:0x7000]
    assert built[0x10000 : 0x1000 + len(esp32)] == esp32[0xF000:]
    assert built[0x9000:0x10000] == b"\xff" * 0x7000  # nvs, otadata, phy_init: blank
    assert built[0x1B0000:0x350000] == b"\xff" * 0x1A0000  # ota_1


def test_partition_rows_by_their_arithmetic(esp32: bytes) -> None:
    """By hand from ESP-IDF's esp_partition_info_t, and held against the table of the official image."""
    table = image.build(BOARDS["esp32"], esp32, FILES)[0x8000:0x8C00]
    rows = [struct.unpack("<HBBLL16sL", table[at : at + 32]) for at in range(0, 6 * 32, 32)]
    assert [(row[5].rstrip(b"\0").decode(), *row[1:5]) for row in rows] == [
        ("nvs", 1, 2, 0x9000, 0x4000),
        ("otadata", 1, 0, 0xD000, 0x2000),
        ("phy_init", 1, 1, 0xF000, 0x1000),
        ("ota_0", 0, 0x10, 0x10000, 0x1A0000),
        ("ota_1", 0, 0x11, 0x1B0000, 0x1A0000),
        ("vfs", 1, 0x81, 0x350000, 0xB0000),
    ]
    assert all(row[0] == 0x50AA and row[6] == 0 for row in rows)
    assert table[192:208] == b"\xeb\xeb" + b"\xff" * 14
    assert table[208:224] == hashlib.md5(table[:192]).digest()
    assert set(table[224:]) == {0xFF}
    theirs = partitions.parse(esp32[0x7000:0x7C00])  # MicroPython's own table, read by the same reader
    assert [row.name for row in theirs] == ["nvs", "phy_init", "factory", "vfs"]
    ends = [row[3] + row[4] for row in rows]
    assert ends[:-1] == [row[3] for row in rows[1:]]
    assert ends[-1] == 0x400000


def test_files_are_read_back(esp32: bytes) -> None:
    found = image.read(image.build(BOARDS["esp32"], esp32, FILES))
    assert found.files == FILES
    assert found.board is BOARDS["esp32"]
    assert found.runtime == "MicroPython v1.25.0"


def test_the_same_input_gives_the_same_bytes(esp32: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    first = image.build(BOARDS["esp32"], esp32, FILES)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert image.build(BOARDS["esp32"], esp32, dict(reversed(FILES.items()))) == first


@pytest.mark.parametrize("name", ["esp32s3", "esp32c3"])
def test_made_up_images_of_the_other_boards(name: str, tmp_path: Path) -> None:
    """No official image of these is at hand: this shows offsets and chip ids, nothing of the real ones."""
    board = BOARDS[name]
    built = image.build(board, official.made_up(board), FILES)
    assert built[0] == 0xE9
    assert image.read(built).board is board
    assert image.read(built).runtime == "MicroPython v9.9.9"
    path = tmp_path / "app.bin"
    path.write_bytes(built[0x10000:0x1B0000])
    assert "(valid)" in esptool("--chip", name, "image-info", str(path))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"", "no program for an ESP32 begins there"),
        (lambda data: b"<html>" + data, "no program for an ESP32 begins there"),
        (lambda data: data[:0x8000], "no program for an ESP32 begins there"),
        (lambda data: data[:-40], "cut off"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[:0x80000] + b"\x55" + data[0x80001:], "damaged"),
        (lambda data: data[:0x100] + b"\x55" + data[0x101:], "the bootloader is damaged"),
    ],
    ids=[
        "empty",
        "a page",
        "no app",
        "short",
        "a byte short",
        "a byte in the app",
        "a byte in the bootloader",
    ],
)
def test_spoilt_official_images_are_refused(esp32: bytes, spoil: object, said: str) -> None:
    assert callable(spoil)
    with pytest.raises(KitError, match=said):
        image.build(BOARDS["esp32"], spoil(esp32), FILES)


def test_another_boards_image_is_refused(esp32: bytes) -> None:
    with pytest.raises(KitError, match="is for esp32, not for esp32c3"):
        image.build(BOARDS["esp32c3"], esp32, FILES)


def test_too_large_an_app_is_refused() -> None:
    board = BOARDS["esp32s3"]
    with pytest.raises(KitError, match="must fit in 1703936"):
        image.build(board, official.made_up(board, b"x" * 0x1A0000), FILES)


def test_too_many_files_are_refused(esp32: bytes) -> None:
    with pytest.raises(KitError, match="do not fit into 720896"):
        image.build(BOARDS["esp32"], esp32, {"big": b"x" * 720896})


@pytest.mark.parametrize("at", [0x1200, 0x8004, 0x20000])
def test_a_damaged_image_is_told(esp32: bytes, at: int) -> None:
    built = bytearray(image.build(BOARDS["esp32"], esp32, FILES))
    built[at] ^= 1
    with pytest.raises(KitError, match="damaged"):
        image.read(bytes(built))


def test_what_is_no_image_is_told() -> None:
    with pytest.raises(KitError, match="has 4194304 bytes"):
        image.read(b"\xe9" * 100)
    with pytest.raises(KitError, match="no bootloader of a known board"):
        image.read(b"\0" * partitions.FLASH)


def test_the_command_builds_and_shows(tmp_path: Path) -> None:
    out = tmp_path / "esp32.bin"
    secret = tmp_path / "portal"
    secret.write_text("sosna-9-wiatr\n")
    words = ["node", "image", "--board", "esp32", "--micropython", str(official.real()), "-o", str(out)]
    words += ["--network", "warsaw", "--name", "praga-1", "--portal-password-file", str(secret)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "MicroPython v1.25.0" in done.output
    assert "sosna" not in done.output
    found = image.read(out.read_bytes())
    portal = {"password": "sosna-9-wiatr"}
    assert found.config == {"node": "praga-1", "network": "warsaw", "portal": portal}
    assert "main.py" in found.files
    done = CliRunner().invoke(main, ["node", "show", str(out)])
    assert done.exit_code == 0
    assert "main.py" in done.output


def test_the_command_refuses_in_one_sentence(tmp_path: Path) -> None:
    words = ["node", "image", "--board", "esp32c3", "-o", str(tmp_path / "out.bin")]
    done = CliRunner().invoke(main, [*words, "--micropython", str(official.real())])
    assert done.exit_code == 1
    assert done.output == "Error: this MicroPython is for esp32, not for esp32c3\n"
    assert not (tmp_path / "out.bin").exists()
    done = CliRunner().invoke(main, [*words, "--name", "Praga 1"])
    assert done.exit_code == 2
    assert "1 to 32 of a-z, 0-9 and -" in done.output
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "no checksum is pinned for esp32c3" in done.output


def test_a_ca_as_pem_or_der(tmp_path: Path) -> None:
    import base64

    raw = b"\x30\x03abc"
    pem = b"text\n-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(raw) + b"-----END CERTIFICATE-----\n"
    assert contents.der(pem, "ca.pem") == contents.der(raw, "ca.der") == raw
    with pytest.raises(KitError, match=r"ca\.txt: there is no certificate"):
        contents.der(b"hello", "ca.txt")
    files = contents.settings("warsaw", raw, None)
    assert files["ca.der"] == raw
    assert json.loads(files["config.json"])["network"] == "warsaw"


def test_programs_without_a_hash_are_read_too() -> None:
    data = official.program(5, b"abc")
    bare = bytearray(data[:-32])
    bare[23] = 0
    assert esp_image.program(bytes(bare) + b"more", "it") == (bytes(bare), 5)


def test_a_file_system_that_is_none() -> None:
    with pytest.raises(KitError, match="no file system"):
        filesystem.read(b"\xff" * partitions.VFS.size)
