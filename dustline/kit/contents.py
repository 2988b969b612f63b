"""What goes into a new board's file system: the firmware and the settings that are known before it is set up."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from pathlib import Path

from dustline import firmware_path
from dustline.kit.errors import KitError
from dustline.kit.image import VERSION_FILE
from simulator.bytecode import compile_tree
from simulator.runtime import SimulatorError


def firmware() -> dict[str, bytes]:
    """The firmware as a board gets it, by path. Raises KitError when it cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "firmware"
        try:
            compile_tree(firmware_path.folder(), target, link=True)
        except (SimulatorError, FileNotFoundError) as error:
            raise KitError(f"the firmware cannot be built: {error}") from error
        files = {
            path.relative_to(target).as_posix(): path.read_bytes()
            for path in sorted(target.rglob("*"))
            if path.is_file()
        }
    return {**files, VERSION_FILE: (version() + "\n").encode()}


def version() -> str:
    """The firmware's version, as it stands in its source."""
    source = (firmware_path.folder() / "node" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise KitError("the firmware's source does not tell its version")
    return found[1]


def der(data: bytes, name: str) -> bytes:
    """A certificate as DER, from PEM or DER. Raises KitError."""
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    if begin in data:
        body = data.split(begin, 1)[1].split(end, 1)[0]
        try:
            data = base64.b64decode(b"".join(body.split()), validate=True)
        except ValueError as error:
            raise KitError(f"{name}: the certificate in it is damaged") from error
    if data[:1] != b"\x30":
        raise KitError(f"{name}: there is no certificate in it")
    return data


def settings(network: str | None, ca: bytes | None, portal_password: str | None) -> dict[str, bytes]:
    """config.json before set-up, and the CA's file."""
    config: dict[str, object] = {}
    files: dict[str, bytes] = {}
    if network is not None:
        config["network"] = network
    if portal_password is not None:
        config["portal"] = {"password": portal_password}
    if ca is not None:
        files["ca.der"] = ca
    files["config.json"] = (json.dumps(config, indent=1) + "\n").encode()
    return files
