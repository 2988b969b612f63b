"""The CSV of a reference station: what is read, and that every bad line is told with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.quality.calibration.record import CalibrationError
from gateway.quality.calibration.reference import read

T = 1_767_571_200  # 2026-01-05 00:00 UTC


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "station.csv"
    path.write_text(text, encoding="utf-8")
    return path


def refused(tmp_path: Path, text: str) -> list[str]:
    path = file(tmp_path, text)
    with pytest.raises(CalibrationError) as caught:
        read(path)
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]


def test_begin_and_end_of_an_hour_are_the_same_hour(tmp_path: Path) -> None:
    begin = read(
        file(tmp_path, "hour_begin,pm25,wind\n2026-01-05T00:00:00Z,20.5,2\n2026-01-05T02:00+01:00,,3\n")
    )
    assert begin.columns == {"pm25": {T: 20.5}, "wind": {T: 2.0, T + 3600: 3.0}}
    end = read(file(tmp_path, "\ufeffpm25,who,hour_end_utc\n20.5,me,2026-01-05 01:00\n\n"), "mine")
    assert (end.name, end.columns) == ("mine", {"pm25": {T: 20.5}})
    plain = read(file(tmp_path, "hour_end,pm25\n2026-01-05T01:00:00Z,20.5\n"))
    assert plain.columns == end.columns


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        "hour_begin,pm25\n"
        "2026-01-05T00:00Z,20\n"
        "05.01.2026 01:00,21\n"
        "2026-01-05T02:00,22\n"
        "2026-01-05T03:30Z,23\n"
        "2026-01-05T00:00Z,24\n"
        "2026-01-05T05:00Z,twenty\n"
        '2026-01-05T06:00Z,"20,5"\n'
        "2026-01-05T07:00Z,-999\n"
        "2026-01-05T08:00Z,nan\n"
        "2026-01-05T09:00Z\n",
    )
    assert [line.split(":")[0] for line in told] == [f", line {number}" for number in range(3, 12)]
    for line, why in zip(
        told,
        (
            "is no time; write it as 2026-01-05T13:00:00Z",
            "has no time zone; add Z for UTC or an offset, or call the column hour_begin_utc",
            "is not at a full hour",
            "is the same hour as line 2",
            "is not a number; leave the cell empty",
            "is not a number; leave the cell empty",
            "is not within -20 to 10000",
            "is not within",
            "has 1 cells, the first line has 2",
        ),
        strict=True,
    ):
        assert why in line


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    told = refused(tmp_path, "hour_end,pm25\n" + "x,1\n" * 50)
    assert len(told) == 21
    assert told[-1] == "... and 30 more bad lines"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must name one column of hour_begin, hour_end"),
        ("time,pm25\n2026-01-05T00:00Z,1\n", "must name one column"),
        ("hour_begin;pm25\n2026-01-05T00:00Z;1\n", "put commas between cells, not semicolons"),
        ("hour_begin,hour_end,pm25\n", "must name one column"),
        ("hour_begin,o3\n2026-01-05T00:00Z,1\n", "names no values"),
        ("hour_begin,pm25,pm25\n", "names a column twice"),
        ("hour_begin,pm25\n", "holds no hours"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, why: str) -> None:
    [line] = refused(tmp_path, text)
    assert why in line


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match="is not UTF-8"):
        read(tmp_path / "bytes.csv")
