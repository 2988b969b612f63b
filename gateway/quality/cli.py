"""The commands `dustline index ...` and `dustline correct ...`: one JSON object each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import click

from gateway.quality.amount import InputError, picograms
from gateway.quality.corrections import ALIASES, CORRECTIONS, MASS_FIELDS, Correction, Kappa, Measured
from gateway.quality.indices import INDICES, PERIODS, POLLUTANTS, NowCast, Result, Who
from gateway.quality.registry import Entry, Registry

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")

E = TypeVar("E", bound=Entry)


class Mistake(click.ClickException):
    """A wrong command line."""

    exit_code = 2


def _number(text: str, what: str) -> Decimal:
    shown = text if len(text) <= 40 else text[:37] + "..."
    if _NUMBER.fullmatch(text) is None:
        hint = "; write the decimal point as a point" if re.fullmatch(r"[0-9]+,[0-9]+", text) else ""
        raise Mistake(f"{what}: {shown!r} is not a number{hint}")
    return Decimal(text)


def _day(_ctx: click.Context, _param: click.Parameter, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Mistake(f"--date: {text[:40]!r} is no day; write it as 2024-05-06") from None


def _picked(registry: Registry[E], name: str, on: date | None, version: str | None) -> E:
    try:
        return registry.pick(name, on, version)
    except InputError as error:
        raise Mistake(str(error)) from None


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--list", "listing", is_flag=True, help="Print all entries with version, date and source."
        ),
        click.option("--date", "on", callback=_day, metavar="YYYY-MM-DD", help="Take what held on that day."),
        click.option("--entry", "version", metavar="VERSION", help="Take that version; --list has them."),
    ):
        command = option(command)
    return command


# Negative numbers are to reach us and not to be taken for options.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--pollutant", type=click.Choice(POLLUTANTS), default="pm25", show_default=True)
@click.option("--period", type=click.Choice(PERIODS), help="who-2021: what the mean is over; 24h by default.")
@_shared
def index(
    name: str | None,
    value: str | None,
    pollutant: str,
    period: str | None,
    on: date | None,
    version: str | None,
    listing: bool,
) -> None:
    """Work out an index of air quality: NAME VALUE.

    NAME: us-aqi-2024, nowcast, eu-2024, eu-old, gios, who-2021. VALUE is a mean in ug/m3; which mean is in
    --list. For nowcast it is up to 12 hourly means, newest first, with commas between: 21,,35,49.2 (nothing:
    missing).

    Prints one JSON object. Its value is null, with a reason, where the rule gives none.
    """
    if listing:
        _print_list(name, value, INDICES.entries(), lambda entry: {"input": entry.input})
        return
    if name is None or value is None:
        raise Mistake(f"which index, and of what? There are {', '.join(INDICES.names())}: us-aqi-2024 35.4")
    if value.startswith("--"):
        raise Mistake(f"no such option: {value[:40]!r}")
    entry = _picked(INDICES, name, on, version)
    if period is not None and not isinstance(entry, Who):
        raise Mistake(f"--period is for who-2021 only, {name} has its own")
    try:
        if isinstance(entry, NowCast):
            hours = [_hour(text, ago) for ago, text in enumerate(value.split(","))]
            _print(entry, entry.compute_hours(hours, pollutant), {"pollutant": pollutant})
            return
        given = _number(value, name)
        if isinstance(entry, Who):
            result = entry.compute(given, pollutant, period or "24h")
        else:
            result = entry.compute(given, pollutant)
    except InputError as error:
        raise Mistake(f"{name}: {error}") from None
    _print(entry, result, {"pollutant": pollutant, "input": float(given)})


def _hour(text: str, ago: int) -> Decimal | None:
    text = text.strip()
    return _number(text, f"nowcast: hour {ago + 1} of the list") if text else None


def _print(entry: Entry, result: Result, asked: dict[str, Any]) -> None:
    said: dict[str, Any] = {"value": result.value}
    if result.reason is not None:
        said["reason"] = result.reason
    if result.category is not None:
        said["category"] = result.category
    if result.band is not None:
        said["band"] = list(result.band)
    click.echo(json.dumps({**said, **asked, **result.extra, **entry.about()}))


def _print_list(
    name: str | None, value: object, entries: Iterable[Any], more: Callable[[Any], dict[str, Any]]
) -> None:
    if name is not None or value is not None:
        raise Mistake("--list stands alone")
    said = [{**entry.about(), "alternative": entry.alternative, **more(entry)} for entry in entries]
    click.echo(json.dumps({"entries": said}))


def _fields(command: Callable[..., None]) -> Callable[..., None]:
    for field in reversed(MASS_FIELDS):
        flag = f"--{field.replace('_', '-')}"
        command = click.option(flag, field, metavar="UG_M3", help=f"The raw {field}.")(command)
    return command


@click.command()
@click.argument("name", required=False)
@_fields
@click.option("--rh", metavar="PERCENT", help="Relative humidity.")
@click.option(
    "--model", help="The sensor, as in config.json; by default the first that the correction is for."
)
@click.option("--kappa", metavar="NUMBER", help="kappa: hygroscopicity, 0 to 2.")
@click.option("--density", metavar="G_CM3", help="kappa: density of the dry particles, 0.1 to 20.")
@click.option("--rh-cap", metavar="PERCENT", help="kappa: hold the humidity there, 0 to 99.")
@_shared
def correct(
    name: str | None,
    rh: str | None,
    model: str | None,
    kappa: str | None,
    density: str | None,
    rh_cap: str | None,
    on: date | None,
    version: str | None,
    listing: bool,
    **fields: str | None,
) -> None:
    """Correct one raw value: NAME --pm25 10 --rh 50.

    NAME: none, epa-2021, kappa. --pm25 is a Plantower's atmospheric channel, --pm25-cf1 its CF=1 channel.

    Prints one JSON object. Its value is null, with a reason, where the correction is not made for the sensor,
    the channel or the air.
    """
    given = {field: text for field, text in fields.items() if text is not None}
    if listing:
        _print_list(name, next(iter(given), rh), CORRECTIONS.entries(), _for_whom)
        return
    if name is None:
        raise Mistake(
            f"which correction? There are {', '.join(CORRECTIONS.names())}: epa-2021 --pm25 10 --rh 50"
        )
    if len(given) != 1:
        raise Mistake(f"{name}: give one value, for instance --pm25 10; there are {len(given)}")
    field, text = next(iter(given.items()))
    correction = _picked(CORRECTIONS, ALIASES.get(name, name), on, version)
    value = _number(text, f"--{field.replace('_', '-')}")
    try:
        picograms(value)
    except InputError as error:
        raise Mistake(f"{name}: {error}") from None
    correction = _with_settings(correction, {"kappa": kappa, "density": density, "rh_cap": rh_cap})
    if rh is None and correction.needs_rh:
        raise Mistake(f"{name} needs the humidity: --rh 50")
    humidity = None if rh is None else _within(rh, "--rh", 0, 100)
    model = model or (correction.models[0] if correction.models else "")
    done = correction.correct(Measured(float(value), humidity, model, field))
    said: dict[str, Any] = {"value": done.value, "reason": done.reason, "note": done.note}
    said = {key: it for key, it in said.items() if key == "value" or it is not None}
    asked = {"field": field, "input": float(value), "rh": humidity, "model": model or None}
    click.echo(json.dumps({**said, **asked, **done.extra, **correction.about()}))


def _for_whom(entry: Correction) -> dict[str, Any]:
    return {"models": list(entry.models) or None, "fields": list(entry.fields)}


# Setting -> what it may be.
_SETTINGS = {"kappa": (0.0, 2.0), "density": (0.1, 20.0), "rh_cap": (0.0, 99.0)}


def _with_settings(correction: Correction, texts: dict[str, str | None]) -> Correction:
    wanted = {
        name: _within(text, f"--{name.replace('_', '-')}", *_SETTINGS[name])
        for name, text in texts.items()
        if text is not None
    }
    if not wanted:
        return correction
    if not isinstance(correction, Kappa):
        raise Mistake(f"{correction.name} has no settings; --kappa, --density and --rh-cap are for kappa")
    return replace(correction, **wanted)


def _within(text: str, what: str, low: float, high: float) -> float:
    number = _number(text, what)
    if not low <= number <= high:
        raise Mistake(f"{what}: {float(number):g} is not within {low:g} to {high:g}")
    return float(number)
