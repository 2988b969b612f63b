"""Mosquitto's configuration with the place of each line: its file, and those of include_dir.

mosquitto.conf(5): `key value`, # begins a comment line, `listener` begins a section that lasts to the next
one; include_dir takes the files *.conf in the order of their bytes, from the main file only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_DEFAULT_PORT = 1883


class ConfError(Exception):
    """The file cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    value: str
    place: str  # file:line
    port: int | None  # of the listener whose section it stands in; None before the first one


class MosquittoConf:
    """Raises ConfError."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.entries: list[Entry] = []
        self._port: int | None = None
        self._read(file, main=True)

    def _read(self, file: Path, main: bool) -> None:
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise ConfError(f"{file} cannot be read ({error.strerror})") from error
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            key, _, value = line.strip().partition(" ")
            value = value.strip()
            if key in ("listener", "port"):
                found = value.split(" ")[0]
                self._port = int(found) if found.isdecimal() else _DEFAULT_PORT
            if key == "include_dir":
                if main:
                    self._include(Path(value), f"{file}:{number}")
                continue
            self.entries.append(Entry(key, value, f"{file}:{number}", self._port))

    def _include(self, directory: Path, place: str) -> None:
        try:
            names = sorted(each for each in directory.iterdir() if each.name.endswith(".conf"))
        except OSError as error:
            raise ConfError(f"{place}: include_dir {directory} cannot be read ({error.strerror})") from error
        for each in names:
            self._read(each, main=False)

    def last(self, key: str) -> Entry | None:
        """An option of the whole broker: the last one counts, in whatever section it stands."""
        return next((each for each in reversed(self.entries) if each.key == key), None)

    def of_listener(self, key: str, port: int) -> Entry | None:
        """An option of a listener: in its section, or before all listeners."""
        fitting = [each for each in self.entries if each.key == key and each.port == port]
        return fitting[-1] if fitting else None

    def security(self, key: str, port: int) -> Entry | None:
        """Of the whole broker, or with per_listener_settings of the listener."""
        apart = self.last("per_listener_settings")
        return self.of_listener(key, port) if apart and apart.value == "true" else self.last(key)

    def change(self, entry: Entry | None, line: str) -> str:
        """Where to write that line: in place of the entry, or at the end of the file."""
        if entry is None:
            return f"{self.file}, to be added: {line}"
        return f"{entry.place}: {line}"
