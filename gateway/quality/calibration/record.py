"""A calibration, and its file: JSON, one file each, never changed once written."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.quality.calibration.formula import FORMS, RH_CAP, Form, dried

# How far beyond the highest value of its collocation a calibration is still used, flagged; then it refuses.
FARTHEST = 2.0
MOST_BYTES = 1_000_000

NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
FieldName = Literal["pm25", "pm25_cf1", "pm10", "pm10_cf1", "pm1", "pm1_cf1", "pm4"]
FIELDS: tuple[str, ...] = get_args(FieldName)
Span = tuple[FiniteFloat, FiniteFloat]


class CalibrationError(Exception):
    """A calibration cannot be made, read or written; the text says what, where and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Subject(_Strict):
    """For which unit (node and slot), or with neither for all units of a model."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    node: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    slot: Annotated[str, StringConstraints(pattern=r"^[a-z]$")] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Subject:
        if (self.node is None) != (self.slot is None):
            raise ValueError("node and slot stand together, or neither does")
        return self

    def __str__(self) -> str:
        return f"all {self.model}" if self.node is None else f"{self.node}/{self.slot} ({self.model})"


class Coefficients(_Strict):
    gain: FiniteFloat
    offset: FiniteFloat = 0.0  # ug/m3
    kappa: Annotated[FiniteFloat, Field(ge=0, le=2)] = 0.0
    gain_temp: FiniteFloat = 0.0  # 1/degC
    rh: FiniteFloat = 0.0  # ug/m3 per %
    temp: FiniteFloat = 0.0  # ug/m3 per degC


class Valid(_Strict):
    """What there was in the collocation: raw PM in ug/m3, RH in %, T in degC; None where it plays no part."""

    pm: Span
    rh: Span | None = None
    temp: Span | None = None


class Figures(_Strict):
    """Sensor against reference, hour by hour. slope and intercept: of a line, reference on the x axis."""

    n: int
    slope: FiniteFloat
    intercept: FiniteFloat
    r2: FiniteFloat
    rmse: FiniteFloat
    mae: FiniteFloat
    bias: FiniteFloat


class Numbers(NamedTuple):
    """Coefficients, and the ranges of raw PM, RH (up to the cap) and T; None where it plays no part."""

    gain: float
    gain_temp: float
    kappa: float
    offset: float
    rh: float
    temp: float
    pm_low: float
    pm_high: float
    rh_span: Span | None
    temp_span: Span | None


class Origin(_Strict):
    """What it was made from. `sha256`: of all hours that went in, unit and reference side by side."""

    references: list[str]
    units: list[str]
    since: AwareDatetime
    until: AwareDatetime
    hours: int
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    base: str | None = None  # of a remote one: the calibration that it started from


class Calibration(_Strict):
    """`kind`: `field` for a unit beside a station, `model` for all units of a model, `remote` for a unit from
    afar. It holds for readings with begins <= t < ends.

    before and after: figures of the raw and of the corrected value, `after` out of fold: each hour by
    coefficients that have not seen it. None for a remote one, which has no reference at its place; its
    `gain_uncertainty` is one standard deviation, as a share.
    """

    format: Literal[1] = 1
    name: Name
    version: Annotated[int, Field(ge=1, le=9999)]
    kind: Literal["field", "model", "remote"]
    made: AwareDatetime
    begins: AwareDatetime = Field(alias="from")
    ends: AwareDatetime | None = Field(None, alias="to")
    subject: Subject = Field(alias="for")
    field: FieldName = "pm25"
    form: str
    coefficients: Coefficients
    valid: Valid
    before: Figures | None = None
    after: Figures | None = None
    gain_uncertainty: Annotated[FiniteFloat, Field(ge=0)] | None = None
    folds: str = ""
    origin: Origin
    notes: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> Calibration:
        if self.form not in FORMS:
            raise ValueError(f"form {self.form!r} is not known; there are {', '.join(FORMS)}")
        if self.ends is not None and self.ends <= self.begins:
            raise ValueError("to must be after from")
        if (self.kind == "model") != (self.subject.node is None):
            raise ValueError("a calibration of kind model is for a model; field and remote are for a unit")
        form = self.of_form
        if (form.needs_rh and self.valid.rh is None) or (form.needs_temp and self.valid.temp is None):
            raise ValueError(f"form {self.form} needs the range of RH or T in valid")
        return self

    @property
    def id(self) -> str:
        return f"{self.name}.v{self.version}"

    @property
    def of_form(self) -> Form:
        return FORMS[self.form]

    def holds(self, t: float) -> bool:
        return self.begins.timestamp() <= t and (self.ends is None or t < self.ends.timestamp())

    @cached_property
    def numbers(self) -> Numbers:
        """What compute() needs, at hand: a million readings ask for it."""
        c, valid, form = self.coefficients, self.valid, self.of_form
        rh = (valid.rh[0], min(valid.rh[1], RH_CAP)) if form.needs_rh and valid.rh is not None else None
        return Numbers(
            c.gain, c.gain_temp, c.kappa, c.offset, c.rh, c.temp, valid.pm[0], valid.pm[1],
            rh, valid.temp if form.needs_temp else None,
        )  # fmt: skip

    def compute(self, pm: float, rh: float | None, temp: float | None) -> tuple[float | None, list[str]]:
        """(corrected value in ug/m3, notes), or (None, [reason]). RH and T are held at the range's ends."""
        gain, gain_temp, kappa, offset, by_rh, by_temp, low, high, rh_span, temp_span = self.numbers
        notes: list[str] = []
        if not 0 <= pm <= FARTHEST * high:
            return None, [f"{pm:g} ug/m3 is far beyond what it was fitted for (up to {high:g})"]
        if not low <= pm <= high:
            notes.append("extrapolated: pm")
        wet = warm = 0.0
        if rh_span is not None:
            if rh is None or not 0 <= rh <= 100:
                return None, ["it needs the humidity, and none was measured"]
            wet = rh if rh_span[0] <= rh <= rh_span[1] else _held(rh, rh_span, "rh", notes)
        if temp_span is not None:
            if temp is None or not -60 <= temp <= 90:
                return None, ["it needs the temperature, and none was measured"]
            warm = temp if temp_span[0] <= temp <= temp_span[1] else _held(temp, temp_span, "temp", notes)
        value = (gain + gain_temp * warm) * dried(pm, wet, kappa) + offset + by_rh * wet + by_temp * warm
        if value < 0:
            notes.append("below zero, set to 0")
            value = 0.0
        return round(value, 6), notes


def _held(value: float, span: Span, what: str, notes: list[str]) -> float:
    notes.append(f"extrapolated: {what} held at the end of its range")
    return min(max(value, span[0]), span[1])


def read(path: Path) -> Calibration:
    """Raises CalibrationError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CalibrationError(f"{path}: is far too long for a calibration; take the file away")
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be read ({error.strerror}); check its name and rights"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise CalibrationError(
            f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}; make the file anew with "
            "`dustline calibrate`, or take it away"
        ) from error


def text(calibration: Calibration) -> str:
    said: dict[str, Any] = calibration.model_dump(mode="json", by_alias=True)
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def write(calibration: Calibration, folder: Path) -> Path:
    """A new file ID.json. One that is there already is never written over. Raises CalibrationError."""
    path = folder / f"{calibration.id}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text(calibration))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise CalibrationError(
            f"{path} is there already; a calibration is never changed: take a new version"
        ) from None
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written ({error.strerror}); check the folder") from error
    return path


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
