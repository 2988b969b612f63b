"""Whom to enrol and where they stand, by options or by a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

from pydantic import ValidationError

from gateway.enrol.errors import EnrolError
from gateway.places import AnyPlace, place_of

_COLUMNS = ("name", "label", "lat", "lon", "precision", "district")


def place_by(
    at: str | None = None, label: str = "", precision: str = "grid", district: str = ""
) -> AnyPlace | None:
    """None when no place is given. Raises EnrolError, without the place."""
    lat, _, lon = (at or "").partition(",")
    return _place(label, lat, lon, precision, district, "--at: write it as LAT,LON, such as 52.2371,20.9583")


def _place(label: str, lat: str, lon: str, precision: str, district: str, advice: str) -> AnyPlace | None:
    if not lat.strip() and not lon.strip() and not district:
        return None
    entry: dict[str, object] = {"label": label, "precision": precision or "grid", "district": district}
    try:
        if lat.strip() or lon.strip():
            entry |= {"lat": float(lat), "lon": float(lon)}
        elif district:
            entry["precision"] = "district"
        return place_of(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise EnrolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; {advice}") from error
    except ValueError as error:
        raise EnrolError(advice) from error


def read_plan(file: Path) -> dict[str, AnyPlace | None]:
    """Names with their places, from a table whose first line names its columns. Raises EnrolError."""
    found: dict[str, AnyPlace | None] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text, strict=True)
            strange = [key for key in rows.fieldnames or () if key not in _COLUMNS]
            if strange or "name" not in (rows.fieldnames or ()):
                raise EnrolError(
                    f"{file}: its first line must name columns, of {', '.join(_COLUMNS)}, with commas"
                )
            for row in rows:
                line = f"{file}, line {rows.line_num}"
                name = (row.get("name") or "").strip()
                if None in row or name in found:
                    raise EnrolError(
                        f"{line}: {'too many columns' if None in row else 'that name was there'}"
                    )
                try:
                    label, lat, lon, precision, district = (row.get(key) or "" for key in _COLUMNS[1:])
                    found[name] = _place(
                        label, lat, lon, precision, district, "lat and lon are degrees with a point"
                    )
                except EnrolError as error:
                    raise EnrolError(f"{line}: {error}") from error
    except OSError as error:
        raise EnrolError(f"{file} cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise EnrolError(f"{file} is no CSV table in UTF-8: {error}") from error
    if not found:
        raise EnrolError(f"{file} names nobody")
    return found
