"""A fleet's messages in a file, and back: lines of JSON, gzipped, with the truth in a second file beside it.

    NAME.jsonl.gz         {"recording": 1, "scenario": ..., ...}, then [at, topic, retain, payload] each
    NAME.truth.jsonl.gz   {"truth": 1, "fields": [...], "faults": [...]}, then a list for each reading

`at` is in Unix seconds; the payload is the message's text as it stands. The bytes within are the same on each
run and machine. Those of the gzip file may change with zlib, so digest() is taken of what is within.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from simulator.city.light import LightFleet, Message, TruthRow

VERSION = 1
CHUNK, AHEAD = 500, 8  # lines that are packed at once, and how many such may wait
# A text as JSON has it. Lines are put together by hand: with json.dumps a recording took half as long again.
_text = json.encoder.encode_basestring


class RecordingError(Exception):
    """The file is not what it should be; the text says where."""


def truth_path(path: Path) -> Path:
    """Where the truth of a recording stands."""
    return path.with_name(path.name.removesuffix(".jsonl.gz") + ".truth.jsonl.gz")


class Recorder:
    """Writes messages and the truth behind them as they come: `with Recorder(...) as to: to.put(...)`.

    Either file may be left away (None). A file that is not finished has the name it will get, with .part
    behind; leaving the `with` by an error leaves it so. `digest`: SHA-256 of the messages' text, once closed.
    """

    def __init__(self, lights: LightFleet, messages: Path | None, truth: Path | None) -> None:
        """Raises RecordingError for a name that does not fit; OSError comes with the `with`."""
        for path in (messages, truth):
            if path is not None and not path.name.endswith(".jsonl.gz"):
                raise RecordingError(f"{path}: the name of a recording ends in .jsonl.gz; add that")
            if path is not None and not path.parent.is_dir():
                raise RecordingError(f"{path}: there is no directory {path.parent}; make it first")
        if messages is not None and messages == truth:
            raise RecordingError(f"{truth}: messages and truth cannot be one file; give another name")
        self._lights = lights
        self.targets = (messages, truth)
        self._last_at = float(lights.scenario.begin)
        self._files: list[_Lines | None] = [None, None]
        self.count = 0  # of messages
        self.readings = 0
        self.digest = ""

    def __enter__(self) -> Recorder:
        heads = (_head(self._lights), _truth_head(self._lights))
        for number, (target, head) in enumerate(zip(self.targets, heads, strict=True)):
            if target is not None:
                self._files[number] = lines = _Lines(_part(target))
                lines.write(_line(head))
        return self

    def put(self, message: Message, behind: Sequence[TruthRow]) -> None:
        messages, rows = self._files
        if messages is not None:
            retain = "true" if message.retain else "false"
            text = _text(message.payload.decode())
            messages.write(f"[{message.at!r},{_text(message.topic)},{retain},{text}]\n")
        if rows is not None:
            for row in behind:
                node, slot, boot, seq, t, pm25, pm10, temp, rh, faults = row
                rows.write(
                    f"[{_text(node)},{_text(slot)},{boot},{seq},{t},{pm25!r},{pm10!r},{temp!r},{rh!r},"
                    f"{_text(faults)}]\n"
                )
        self.count += 1
        self._last_at = message.at
        self.readings += len(behind)

    @property
    def lasted(self) -> float:
        """Seconds of the scenario up to the last message."""
        return self._last_at - self._lights.scenario.begin

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for lines in self._files:
            if lines is not None:
                lines.close()
        if kind is not None:
            return
        for target in self.targets:
            if target is not None:
                _part(target).replace(target)
        if self._files[0] is not None:
            self.digest = self._files[0].sum.hexdigest()


def record(lights: LightFleet, path: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write both files; returns the number of readings. `progress` gets the number so far, now and then.

    Raises RecordingError, OSError.
    """
    with Recorder(lights, path, truth_path(path)) as to:
        for number, (message, behind) in enumerate(lights.messages()):
            to.put(message, behind)
            if number % 10_000 == 0:
                progress(to.readings)
    progress(to.readings)
    return to.readings


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


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


class _Lines:
    """Lines of text into a gzip file, whose head has no name and no time: it would differ for those.

    Packing is a third of the work and done in a thread of its own, beside the rest.
    """

    def __init__(self, path: Path) -> None:
        self._below = path.open("wb")
        self._file = gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=self._below, mtime=0)
        self._waiting: list[str] = []
        self._packer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recording")
        self._packed: deque[Future[None]] = deque()
        self.sum = hashlib.sha256()

    def write(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        """Raises what an earlier part could not be written for."""
        while len(self._packed) >= AHEAD or (self._packed and self._packed[0].done()):
            self._packed.popleft().result()
        self._packed.append(self._packer.submit(self._pack, "".join(self._waiting)))
        self._waiting.clear()

    def _pack(self, text: str) -> None:
        data = text.encode()
        self.sum.update(data)
        self._file.write(data)

    def close(self) -> None:
        try:
            self._flush()
            while self._packed:
                self._packed.popleft().result()
            self._file.close()
        finally:
            self._packer.shutdown()
            self._below.close()


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
