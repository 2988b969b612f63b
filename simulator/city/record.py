"""A fleet's messages in a file, and back: lines of JSON, gzipped, with the truth in a second file beside it.

    NAME.jsonl.gz         {"recording": 1, "scenario": ..., ...}, then [at, topic, retain, payload] each
    NAME.truth.jsonl.gz   {"truth": 1, "fields": [...], "faults": [...]}, then a list for each reading

`at` is in Unix seconds; the payload is the message's text as it stands. The bytes within are the same on each
run and machine. Those of the gzip file may change with zlib, so digest() is taken of what is within.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simulator.city.light import LightFleet, Message, TruthRow

VERSION = 1


class RecordingError(Exception):
    """The file is not what it should be; the text says where."""


def truth_path(path: Path) -> Path:
    """Where the truth of a recording stands."""
    return path.with_name(path.name.removesuffix(".jsonl.gz") + ".truth.jsonl.gz")


def record(lights: LightFleet, path: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write both files; returns the number of readings. `progress` gets the number so far, now and then.

    Raises OSError. A file that is not finished has the name it will get, with .part behind.
    """
    if not path.name.endswith(".jsonl.gz"):
        raise RecordingError(f"{path}: a recording's name ends in .jsonl.gz; add that")
    truth = truth_path(path)
    parts = [target.with_name(target.name + ".part") for target in (path, truth)]
    count = 0
    with _writer(parts[0]) as messages, _writer(parts[1]) as rows:
        messages.write(_line(_head(lights)))
        rows.write(_line(_truth_head(lights)))
        for number, (message, behind) in enumerate(lights.messages()):
            messages.write(_line([message.at, message.topic, message.retain, message.payload.decode()]))
            for row in behind:
                rows.write(_line(row))
            count += len(behind)
            if number % 10_000 == 0:
                progress(count)
    for part, target in zip(parts, (path, truth), strict=True):
        part.replace(target)
    progress(count)
    return count


def replay(path: Path) -> Iterator[Message]:
    """The messages of a recording, in order. Raises RecordingError, OSError."""
    for number, values in _lines(path, "recording"):
        if not _is_message(values):
            raise RecordingError(f"{path}, line {number}: is no message; record it anew")
        at, topic, retain, payload = values
        yield Message(float(at), topic, payload.encode(), retain)


def truths(path: Path) -> Iterator[TruthRow]:
    """The truth beside the recording `path`. Raises RecordingError, OSError."""
    source = truth_path(path)
    for number, values in _lines(source, "truth"):
        if not isinstance(values, list) or len(values) != len(TruthRow._fields):  # pyright: ignore[reportUnknownArgumentType]
            raise RecordingError(f"{source}, line {number}: is no row of truth; record it anew")
        yield TruthRow(*values)


def heading(path: Path) -> dict[str, Any]:
    """The first line of either file. Raises RecordingError, OSError."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return _checked_head(path, lines.readline())


def digest(path: Path) -> str:
    """SHA-256 of the text within, in hex."""
    total = hashlib.sha256()
    with gzip.open(path, "rb") as within:
        while chunk := within.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def _head(lights: LightFleet) -> dict[str, Any]:
    scenario = lights.scenario
    return {
        "recording": VERSION,
        "scenario": scenario.name,
        "seed": scenario.seed,
        "start": scenario.begin,
        "end": scenario.end,
        "network": scenario.network,
        "nodes": [
            {
                "name": node.name,
                "lat": node.lat,
                "lon": node.lon,
                "district": node.district,
                "station": node.station,
                "sensors": [model for _, model in node.slots],
            }
            for node in lights.nodes
        ],
        "reference": [station.model_dump(exclude={"beside"}) for station in scenario.reference],
    }


def _truth_head(lights: LightFleet) -> dict[str, Any]:
    return {
        "truth": VERSION,
        "scenario": lights.scenario.name,
        "seed": lights.scenario.seed,
        "fields": list(TruthRow._fields),
        "faults": [
            [fault.node, fault.slot, fault.kind, fault.begin, fault.end, fault.strength]
            for fault in lights.faults
        ],
    }


def _writer(path: Path) -> io.TextIOWrapper:
    # No name and no time in the file's head, so that it does not differ for those.
    raw = gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=path.open("wb"), mtime=0)
    return _Closing(raw, encoding="utf-8", newline="\n")


class _Closing(io.TextIOWrapper):
    """Closes the file below as well, which GzipFile leaves open."""

    def close(self) -> None:
        below = getattr(self.buffer, "fileobj", None)
        super().close()
        if below is not None:
            below.close()


def _line(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False) + "\n"


def _lines(path: Path, kind: str) -> Iterator[tuple[int, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        try:
            head = _checked_head(path, lines.readline())
            if kind not in head:
                raise RecordingError(f"{path}: holds no {kind}; give the other file of the pair")
            for number, line in enumerate(lines, start=2):
                yield number, json.loads(line)
        except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise RecordingError(f"{path}: is damaged or cut short ({error}); record it anew") from error


def _checked_head(path: Path, line: str) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordingError(f"{path}: is no recording ({error})") from error
    if not isinstance(head, dict) or VERSION not in (head.get("recording"), head.get("truth")):  # pyright: ignore[reportUnknownMemberType]
        raise RecordingError(f"{path}: is no recording of version {VERSION}; record it anew")
    return head  # pyright: ignore[reportUnknownVariableType]


def _is_message(values: Any) -> bool:
    kinds = (int | float, str, bool, str)
    return (
        isinstance(values, list)
        and len(values) == len(kinds)  # pyright: ignore[reportUnknownArgumentType]
        and all(isinstance(value, kind) for value, kind in zip(values, kinds, strict=True))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    )
