"""The flash page as static files: whole, without anything that must not be public, and asking nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dustline.cli import main
from dustline.kit import flash_page, image
from dustline.kit.boards import BOARDS
from dustline.kit.errors import KitError
from tests.kit import official


def made(folder: Path, board: str = "esp32s3", **config: Any) -> Path:
    files = {"main.py": b"", "version.txt": b"0.1.0\n", "config.json": json.dumps(config).encode()}
    path = folder / f"{board}.bin"
    path.write_bytes(image.build(BOARDS[board], official.made_up(BOARDS[board]), files))
    return path


def test_page_images_and_manifest(tmp_path: Path) -> None:
    one, two = made(tmp_path, "esp32s3", network="warsaw"), made(tmp_path, "esp32c3")
    out = tmp_path / "page"
    words = ["node", "flash-page", str(out), "--image", str(one), "--image", str(two)]
    for _ in range(2):  # again, over the one of before
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
    manifest = json.loads((out / "firmware" / "manifest.json").read_text())
    assert manifest["version"] == "0.1.0"
    builds = {build["chipFamily"]: build["parts"] for build in manifest["builds"]}
    assert builds.keys() == {"ESP32-S3", "ESP32-C3"}
    [part] = builds["ESP32-S3"]
    assert part["offset"] == 0
    assert (out / "firmware" / part["path"]).read_bytes() == one.read_bytes()
    assert len(list((out / "firmware").iterdir())) == 3
    html = (out / "index.html").read_text()
    assert "Content-Security-Policy" in html
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', html):
        assert (out / name).is_file(), name


def test_every_module_that_is_imported_is_there_and_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    flash_page.make(tmp_path / "page", [made(tmp_path)])
    found = 0
    for path in (tmp_path / "page").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'^import (?:[^"\';=]*from )?["\']([^"\']+)["\']', text, re.MULTILINE):
            assert name.startswith("."), f"{path} wants {name}"
            assert (path.parent / name).resolve().is_file(), f"{path} wants {name}"
            found += 1
    assert found >= 12


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"wifi": [{"ssid": "home", "password": "canary-1"}]}, "Wi-Fi"),
        ({"portal": {"password": "canary-2"}}, "a portal password"),
        ({"broker": {"host": "a", "password": "canary-3"}}, "credentials"),
    ],
)
def test_images_with_secrets_are_refused(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    done = CliRunner().invoke(
        main, ["node", "flash-page", str(tmp_path / "page"), "--image", str(made(tmp_path, **config))]
    )
    assert done.exit_code == 1
    assert said in done.output
    assert "canary" not in done.output
    assert not (tmp_path / "page").exists()


def test_what_else_is_refused(tmp_path: Path) -> None:
    one = made(tmp_path)
    with pytest.raises(KitError, match="are both for esp32s3"):
        flash_page.make(tmp_path / "page", [one, one])
    (tmp_path / "text.bin").write_text("no image")
    with pytest.raises(KitError, match=r"text\.bin: an image of Dustline has"):
        flash_page.make(tmp_path / "page", [tmp_path / "text.bin"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(KitError, match="has other files in it"):
        flash_page.make(tmp_path / "mine", [one])
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
