"""Flashing from the terminal: the real esptool against a pty that plays the chip's loader, then set-up over a
node's console. What no pty can play (no permission, a board that goes away) is injected as the words that
esptool 5.6.0 has for it."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from dustline.kit import image, kit_code, ports, provision, words, write
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from simulator.options import NodeOptions
from tests.kit import official
from tests.kit.rig import in_setup, line
from tests.kit.rom_loader import Loader, LoaderPort
from tests.support import Mosquitto

ESP32 = BOARDS["esp32"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


@pytest.fixture
def loader() -> Iterator[LoaderPort]:
    port = LoaderPort(Loader())
    yield port
    port.close()


@pytest.fixture(scope="module")
def built() -> bytes:
    files = {"main.py": b"print('hello')\n", "version.txt": b"0.1.0\n"}
    return image.build(ESP32, official.real().read_bytes(), files)


@pytest.fixture
def file(tmp_path: Path, built: bytes) -> Path:
    (tmp_path / "esp32.bin").write_bytes(built)
    return tmp_path / "esp32.bin"


def code(port: int) -> str:
    made = {"node": "kuchnia", "network": "warsaw", "secret": "s" * 40, "host": "127.0.0.1", "port": port}
    raw = json.dumps({**made, "tls": False}).encode()
    return f"DL1.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.{binascii.crc32(raw):08x}"


def test_the_real_esptool_writes_the_image(loader: LoaderPort, file: Path, built: bytes) -> None:
    done = CliRunner().invoke(
        main, ["node", "flash", "--port", loader.path, "--image", str(file), "--only-write"]
    )
    assert done.exit_code == 0, done.output
    assert bytes(loader.loader.flash) == built
    assert "for esp32, version 0.1.0" in done.output
    assert "chip: ESP32" in done.output
    assert "written and verified" in done.output


def test_progress_grows_to_the_end(loader: LoaderPort, file: Path) -> None:
    parts: list[float] = []
    chips: list[str] = []
    write.write(loader.path, file, ESP32, chips.append, parts.append)
    assert len(parts) > 10
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert chips[0].startswith("ESP32")


def test_another_chip_than_the_images(loader: LoaderPort, tmp_path: Path) -> None:
    board = BOARDS["esp32s3"]
    path = tmp_path / "s3.bin"
    path.write_bytes(image.build(board, official.made_up(board), {"main.py": b""}))
    done = CliRunner().invoke(main, ["node", "flash", "--port", loader.path, "--image", str(path)])
    assert done.exit_code == 1
    assert "another chip than the image is for: ESP32, not ESP32-S3" in done.output
    assert "--board esp32" in done.output
    assert set(loader.loader.flash) == {0xFF}


def test_a_board_that_breaks_off_while_it_is_written(loader: LoaderPort, file: Path) -> None:
    loader.loader.refuse_after = 3
    with pytest.raises(KitError, match="Writing did not work"):
        write.write(loader.path, file, ESP32, lambda _: None, lambda _: None)


def said(text: str) -> tuple[str, ...]:
    """A program that says this and fails, in esptool's place."""
    return (sys.executable, "-c", f"import sys; print({text!r}); sys.exit(2)")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "A fatal error occurred: Failed to connect to ESP32: No serial data received.",
            "BOOT button",
        ),
        (
            "A fatal error occurred: Failed to connect to ESP32: Wrong boot mode detected (0x13)!",
            "BOOT button",
        ),
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n"
            "([Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied: '/dev/ttyUSB0')",
            "dialout",
        ),
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n"
            "([Errno 16] could not open port /dev/ttyUSB0: [Errno 16] Device or resource busy)",
            "in use by another program",
        ),
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n"
            "([Errno 11] Could not exclusively lock port /dev/ttyUSB0: [Errno 11] Resource unavailable)",
            "in use by another program",
        ),
        (
            "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n"
            "([Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory)",
            "no port /dev/ttyUSB0",
        ),
        ("A fatal error occurred: MD5 of file does not match data in flash!", "not what was sent"),
        ("A serial exception error occurred: write failed: [Errno 5] Input/output error", "went away"),
        (
            "A serial exception error occurred: device reports readiness to read but returned no data "
            "(device disconnected or multiple access on port?)",
            "went away",
        ),
        ("A fatal error occurred: This chip is ESP32-C6, not ESP32. Wrong chip argument?", "no image for it"),
        ("A fatal error occurred: something nobody has seen", "something nobody has seen"),
    ],
)
def test_esptools_words_become_plain_ones(file: Path, text: str, told: str) -> None:
    for language, shown in (("en_GB.UTF-8", told), ("pl_PL.UTF-8", None)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LANG", language)
            with pytest.raises(KitError) as raised:
                write.write("/dev/ttyUSB0", file, ESP32, lambda _: None, lambda _: None, said(text))
        if shown:
            assert shown in str(raised.value)
        else:
            assert str(raised.value) not in words.EN.values()
        assert "Traceback" not in str(raised.value)


def listed(*found: tuple[str, int | None]) -> Callable[[], list[Any]]:
    return lambda: [SimpleNamespace(device=device, vid=vid, description="UART") for device, vid in found]


def test_ports_are_found_by_their_bridge(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    name = str(device)
    assert ports.find(None, listed(("/dev/ttyS0", None), (name, 0x1A86))).name == "CH340 (UART)"
    assert ports.find(None, listed((name, 0x10C4))).device == name
    assert "ESP32 USB" in ports.find(None, listed((name, 0x303A))).name
    with pytest.raises(KitError, match="only charge"):
        ports.find(None, listed(("/dev/ttyS0", None)))
    with pytest.raises(KitError, match=f"several ports: {name}.*--port {name}"):
        ports.find(None, listed((name, 0x10C4), ("/dev/ttyUSB1", 0x1A86)))
    with pytest.raises(KitError, match="no port /dev/ttyNOPE"):
        ports.find("/dev/ttyNOPE")


def test_a_port_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may open everything
    with pytest.raises(KitError, match="usermod -aG dialout"):
        ports.find(str(device))


def test_both_languages_have_the_same_texts_and_places() -> None:
    import string

    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert words.EN.keys() == words.PL.keys()
    assert {key: places(text) for key, text in words.EN.items()} == {
        key: places(text) for key, text in words.PL.items()
    }
    assert words.language({"LANG": "pl_PL.UTF-8"}) == "pl"
    assert words.language({"LANG": "pl_PL.UTF-8", "LC_ALL": "C"}) == "en"
    assert words.language({}) == "en"


def test_kit_codes_are_judged_and_never_quoted() -> None:
    good = code(8883)
    assert kit_code.read(f" {good[:30]}\n {good[30:]} ")[1]["node"] == "kuchnia"
    for wrong in ("", "hello", good[:-1], good[:-1] + "g", good.replace("DL1", "DL2"), good[:40] + good[41:]):
        with pytest.raises(KitError) as told:
            kit_code.read(wrong)
        assert len(wrong) < 20 or wrong[4:20] not in str(told.value)


def test_wrong_command_lines(file: Path, tmp_path: Path) -> None:
    words_ = ["node", "flash", "--image", str(file)]
    assert CliRunner().invoke(main, [*words_, "--code", "-"]).exit_code == 2
    assert CliRunner().invoke(main, [*words_, "--code", "x", "--only-write"]).exit_code == 2
    (tmp_path / "code").write_text("no code")
    done = CliRunner().invoke(main, [*words_, "--code", str(tmp_path / "code")])
    assert done.exit_code == 1
    assert "this is no kit code" in done.output
    (tmp_path / "text").write_text("no image")
    done = CliRunner().invoke(main, ["node", "flash", "--image", str(tmp_path / "text"), "--port", str(file)])
    assert done.exit_code == 1
    assert "has 4194304 bytes" in done.output


@pytest.mark.needs_mosquitto
@pytest.mark.needs_micropython
def test_a_node_is_set_up_from_the_terminal(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    broker = mosquitto()
    (tmp_path / "code").write_text(code(broker.port))
    options = NodeOptions("kuchnia", ssid="Café ☕ 5", wifi_password="zażółć gęślą")
    with in_setup(tmp_path / "node", options, {}) as node:
        command = [
            "node",
            "set-up",
            "--port",
            str(node.directory / "console"),
            "--code",
            str(tmp_path / "code"),
        ]
        done = CliRunner().invoke(main, command, input="1\nwrong password\n1\nzażółć gęślą\n")
        assert done.exit_code == 0, done.output
        assert "the node is now kuchnia" in done.output
        assert "the password is wrong" in done.output
        assert "Done" in done.output
        assert "gęślą" not in done.output
        assert "ssss" not in done.output
        assert json.loads((node.flash / "config.json").read_text())["wifi"][0]["ssid"] == "Café ☕ 5"


def test_a_board_that_is_no_node(loader: LoaderPort) -> None:
    loader.loader.deaf = True
    with (
        provision.open_line(loader.path) as opened,
        pytest.raises(KitError, match="does not answer as a node"),
    ):
        provision.set_up(opened, None, "home", seconds=0.5)


@pytest.mark.needs_micropython
def test_a_busy_port(tmp_path: Path) -> None:
    with in_setup(tmp_path / "node", NodeOptions("kuchnia"), {}) as node:
        import serial

        path = str(node.directory / "console")
        with (
            serial.Serial(path, exclusive=True),
            pytest.raises(KitError, match="in use by another program"),
        ):
            provision.open_line(path, seconds=0.1)
        with line(node) as port:
            port.write(b"")
