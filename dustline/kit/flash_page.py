"""The flash page as static files, and the manifest by which it finds the image for a chip.

The manifest's form: https://esphome.github.io/esp-web-tools/
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import gateway.web
from dustline.kit import image
from dustline.kit.errors import KitError

_STATIC = Path(gateway.web.__file__).with_name("static")
_FILES = ("icon.svg", "style.css", "flash.css", "js/dom.js", "js/i18n.js", "js/flash")
_VENDOR = ("esp-web-tools", "esptool-js", "improv-wifi-serial-sdk")
# frame-ancestors is a header's to say.
_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'"


def make(folder: Path, images: Sequence[Path]) -> list[str]:
    """Write the page, `firmware/manifest.json` and the images into `folder`, which must be empty or absent or
    a page of before. Returns a line for each image. Raises KitError, OSError."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "firmware" / "manifest.json").exists():
        raise KitError(f"{folder} has other files in it: name an empty folder")
    builds: list[dict[str, object]] = []
    lines: list[str] = []
    seen: dict[str, Path] = {}
    firmware = folder / "firmware"
    texts: list[tuple[Path, bytes]] = []
    for path in images:
        data = path.read_bytes()
        try:
            found = image.read(data)
        except KitError as error:
            raise KitError(f"{path}: {error}") from error
        if found.board.name in seen:
            raise KitError(f"{path} and {seen[found.board.name]} are both for {found.board.name}: give one")
        if secrets := _secrets(found):
            raise KitError(
                f"{path} has {secrets} in its config.json, and whoever opens the page could read it: build "
                "the image without"
            )
        seen[found.board.name] = path
        name = f"{found.board.name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
        texts.append((firmware / name, data))
        builds.append({"chipFamily": found.board.family, "parts": [{"path": name, "offset": 0}]})
        lines.append(f"{found.board.name}: {found.version}, {found.runtime}, firmware/{name}")
    versions = {image.read(data).version for _, data in texts}
    manifest = {
        "name": "Dustline",
        "version": " ".join(sorted(versions)),
        "new_install_prompt_erase": False,
        "builds": builds,
    }
    texts.append((firmware / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode()))
    _page(folder)
    shutil.rmtree(firmware, ignore_errors=True)
    firmware.mkdir(parents=True)
    for path, data in texts:
        path.write_bytes(data)
    return lines


def _secrets(found: image.Contents) -> str:
    """What of an image's settings must not be handed to everybody."""
    config = found.config
    wanted: dict[str, object] = {
        "Wi-Fi": config.get("wifi"),
        "a portal password": config.get("portal"),
        "credentials": config.get("broker"),
    }
    return ", ".join(name for name, value in wanted.items() if value)


def _page(folder: Path) -> None:
    if not (_STATIC / "vendor" / _VENDOR[0]).is_dir():
        raise KitError("the page's libraries are not here: in a checkout, run `make setup` first")
    static = folder / "static"
    shutil.rmtree(static, ignore_errors=True)
    for name in (*_FILES, *(f"vendor/{name}" for name in _VENDOR)):
        source, target = _STATIC / name, static / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    html = (_STATIC / "flash.html").read_text(encoding="utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    (folder / "index.html").write_text(
        html.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n  {policy}', 1), encoding="utf-8"
    )
