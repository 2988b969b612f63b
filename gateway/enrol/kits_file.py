"""The file with kit codes, a CSV for its owner only: the one place where a secret is ever written down."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import Kit

_COLUMNS = ("node", "portal_ssid", "portal_password", "kit_code")


@dataclass(slots=True, frozen=True)
class Label:
    """What stands on a node's label. Its MQTT secret does not."""

    node: str
    ssid: str
    password: str


def open_new(file: Path) -> TextIO:
    """A new file of mode 0600. Before anything else is done: who cannot write it must not enrol either."""
    try:
        return os.fdopen(
            os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8", newline=""
        )
    except FileExistsError as error:
        raise EnrolError(f"{file} exists already, and may hold kit codes: name another with -o") from error
    except OSError as error:
        raise EnrolError(f"{file} cannot be written ({error.strerror}): name another with -o") from error


def write_kits(out: TextIO, kits: Iterable[Kit]) -> None:
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows((kit.node, kit.ssid, kit.portal, kit.code) for kit in kits)
    out.flush()
    os.fsync(out.fileno())


def read_labels(file: Path) -> list[Label]:
    """Of every node in the file. Raises EnrolError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as rows:
            found = [Label(*(row[key] for key in _COLUMNS[:3])) for row in csv.DictReader(rows)]
    except OSError as error:
        raise EnrolError(f"{file} cannot be read ({error.strerror})") from error
    except (KeyError, TypeError, UnicodeDecodeError, csv.Error) as error:
        raise EnrolError(
            f"{file} is no file of `dustline gateway enrol`: it has columns {', '.join(_COLUMNS)}"
        ) from error
    if not found:
        raise EnrolError(f"{file} holds no node: name the file that `dustline gateway enrol` wrote")
    return found
