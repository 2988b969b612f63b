"""What goes into a new board's file system: the firmware, and the settings that are known before set-up."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dustline import firmware_path
from dustline.kit.errors import KitError
from dustline.kit.image import VERSION_FILE
from dustline.node.build import board_files, files_of, version_of
from dustline.node.bundle import BundleError, read
from gateway.topics import valid_name
from simulator.bytecode import compile_tree
from simulator.runtime import SimulatorError


def signed(board: str, bundle: Path, keys: Sequence[Path]) -> dict[str, bytes]:
    """The first stage, the keys, and a signed version in both slots. Raises KitError, also when the version
    is for other boards or its signature is of no such key: such a node would not start. Raises OSError."""
    try:
        from dustline.node import signing
    except ModuleNotFoundError as error:
        raise KitError(f"{error}: pip install 'dustline[flash]'") from error
    try:
        found = read(bundle.read_bytes())
        trusted = [signing.public_key(path) for path in keys]
        if not signing.is_signed(found, trusted):
            raise KitError(f"{bundle} is not signed with {' or '.join(str(path) for path in keys)}")
        if board not in found.boards:
            raise KitError(f"{bundle} is for {', '.join(found.boards)}, not for {board}")
        return board_files(firmware_path.folder(), found, signing.keys_json(board, trusted))
    except (BundleError, signing.KeyFileError) as error:
        raise KitError(f"{bundle}: {error}") from error
    except (SimulatorError, FileNotFoundError) as error:
        raise KitError(f"the first stage cannot be built: {error}") from error


def unsigned() -> dict[str, bytes]:
    """This checkout's firmware as files, without keys: such a board takes no updates. Raises KitError."""
    source = firmware_path.folder()
    with tempfile.TemporaryDirectory() as folder:
        try:
            files = files_of(compile_tree(source, Path(folder) / "firmware", link=True))
            return {**files, VERSION_FILE: (version_of(source) + "\n").encode()}
        except (SimulatorError, BundleError) as error:
            raise KitError(f"the firmware cannot be built: {error}") from error


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


def settings(
    network: str | None, ca: bytes | None, portal_password: str | None, name: str | None = None
) -> dict[str, bytes]:
    """config.json before set-up, and the CA's file."""
    config: dict[str, object] = {}
    files: dict[str, bytes] = {}
    if name is not None:
        config["node"] = name
    if network is not None:
        if not valid_name(network):
            raise KitError(f"network {network[:40]!r}: 1 to 32 of a-z, 0-9 and -, as the gateway has it")
        config["network"] = network
    if portal_password is not None:
        config["portal"] = {"password": portal_password}
    if ca is not None:
        files["ca.der"] = ca
    files["config.json"] = (json.dumps(config, indent=1, ensure_ascii=False) + "\n").encode()
    return files
