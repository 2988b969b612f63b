"""What `dustline calibrate` does with its words: fit, write, tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.config import Settings
from gateway.quality.calibration import record
from gateway.quality.calibration.library import Library
from gateway.quality.calibration.record import Calibration, CalibrationError, Subject

if TYPE_CHECKING:
    from gateway.quality.calibration.fit import Fit


class Mistake(click.ClickException):
    """A wrong command line, or files that cannot be used."""

    exit_code = 2


def folder_of(settings: Settings, given: Path | None) -> Path:
    folder = given or settings.calibration.folder
    if folder is None:
        raise Mistake(
            "where are the calibrations? Set calibration.folder in the configuration, or give --folder"
        )
    return folder


def library_of(folder: Path, may_be_absent: bool = False) -> Library:
    try:
        return Library() if may_be_absent and not folder.exists() else Library.load(folder)
    except CalibrationError as error:
        raise Mistake(str(error)) from error


def need_numpy() -> None:
    if find_spec("numpy") is None:
        raise Mistake("fitting needs numpy: pip install 'dustline[calibrate]'. Applying and listing do not")


def _next_version(library: Library, name: str) -> int:
    return 1 + max([one.version for one in library.all.values() if one.name == name], default=0)


def fit_units(
    settings: Settings,
    units: Sequence[tuple[str, str, Path]],
    of_unit: bool,
    since: int | None,
    until: int | None,
    begins: int | None,
    ends: int | None,
    name: str | None,
    folder: Path | None,
    field: str | None,
    form: str | None,
) -> None:
    need_numpy()
    from gateway.journal.reader import JournalReader
    from gateway.quality.calibration import collocate, fit, make, reference
    from gateway.quality.calibration.formula import FORMS, USUAL
    from gateway.quality.follow.reader import QualityReader

    if since is None or until is None or since >= until:
        raise Mistake("when was it there? Give --since and --until, the later one second")
    if form is not None and form not in FORMS:
        raise Mistake(f"--form: no {form[:40]!r}; there are {', '.join(FORMS)}")
    if field is not None and field not in record.FIELDS:
        raise Mistake(f"--field: no {field[:40]!r}; there are {', '.join(record.FIELDS)}")
    if name is not None and not re.fullmatch(record.NAME, name):
        raise Mistake(f"--name: {name[:80]!r}; take a to z, 0 to 9 and -, at most 64 of them")
    where = folder_of(settings, folder)
    library = library_of(where, may_be_absent=True)
    pairs: list[fit.Pairs] = []
    path = settings.journal.path
    with JournalReader(path) as reader, QualityReader(path) as judged:
        try:
            files = [reference.read(path) for _, _, path in units]
            hours = [
                collocate.unit_hours(reader, node, slot, since, until, field, judged)
                for node, slot, _ in units
            ]
            pairs = [collocate.beside(unit, file) for unit, file in zip(hours, files, strict=True)]
        except CalibrationError as error:
            raise Mistake(str(error)) from error
    kinds = {(unit.model, unit.field) for unit in hours}
    if len(kinds) > 1:
        raise Mistake("the units are of several models: " + ", ".join(sorted(model for model, _ in kinds)))
    try:
        made = fit.fit(pairs, forms=USUAL if form is None else (form,))
    except CalibrationError as error:
        raise click.ClickException(f"no calibration was made: {error}") from error
    first = hours[0]
    subject = (
        Subject(model=first.model, node=first.node, slot=first.slot)
        if of_unit
        else Subject(model=first.model)
    )
    called = name or (f"{first.node}-{first.slot}" if of_unit else f"model-{first.model}")
    try:
        calibration = make.from_fit(
            made, called, _next_version(library, called), subject, first.field,
            make.utc(until if begins is None else begins), None if ends is None else make.utc(ends),
        )  # fmt: skip
        path = record.write(calibration, where)
        picture = _picture(calibration, made, path)
    except (CalibrationError, ValueError) as error:
        raise Mistake(_plain(error)) from error
    _tell(calibration, made.tried)
    click.echo(f"written: {path}\npicture: {picture}")


def _plain(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def _picture(calibration: Calibration, made: Fit, path: Path) -> Path:
    from gateway.quality.calibration.picture import draw

    picture = path.with_suffix(".svg")
    try:
        picture.write_text(draw(calibration, made), encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{picture}: cannot be written ({error.strerror}); {path} is there") from error
    return picture


def _tell(calibration: Calibration, tried: dict[str, float]) -> None:
    from gateway.quality.calibration.figures import words
    from gateway.quality.calibration.picture import formula

    click.echo(
        f"{calibration.id}: {calibration.kind} calibration for {calibration.subject}, "
        f"from {calibration.begins:%Y-%m-%d %H:%M} UTC"
    )
    click.echo(f"corrected = {formula(calibration)}")
    if tried:
        click.echo("loss out of fold: " + ", ".join(f"{name} {loss:g}" for name, loss in tried.items()))
    if calibration.after is not None:
        click.echo(f"before: {words(calibration.before)}")
        click.echo(f"after:  {words(calibration.after)} ({calibration.folds})")
    spans = calibration.valid.model_dump(exclude_none=True)
    click.echo("valid: " + ", ".join(f"{what} {low:g} to {high:g}" for what, (low, high) in spans.items()))
    for note in calibration.notes:
        click.echo(f"note: {note}")
