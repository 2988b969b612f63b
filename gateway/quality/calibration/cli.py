"""`dustline calibrate`: fit beside a reference station, or from afar; list and show what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli_options import Unusable, with_config
from gateway.config import Settings, load
from gateway.quality.calibration import record
from gateway.quality.calibration.carry_out import Mistake, fit_units, folder_of, library_of, need_numpy
from gateway.quality.calibration.record import CalibrationError

_PAIR = re.compile(r"([a-z0-9-]{1,32})/([a-g])=(.+)")


def _time(_ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """UTC seconds at a full hour; a day alone is its midnight."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Mistake(
            f"{param.opts[0]}: {text[:40]!r} is no time; write it as 2026-01-05 or 2026-01-05T13:00Z"
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    seconds = time.timestamp()
    if seconds % 3600:
        raise Mistake(f"{param.opts[0]}: {text[:40]} is not at a full hour")
    return int(seconds)


_times = (
    click.option("--since", callback=_time, metavar="TIME", help="Begin of the collocation, UTC."),
    click.option("--until", callback=_time, metavar="TIME", help="Its end, UTC."),
    click.option(
        "--from",
        "begins",
        callback=_time,
        metavar="TIME",
        help="It holds from then on; by default from --until.",
    ),
    click.option(
        "--to", "ends", callback=_time, metavar="TIME", help="And until then; by default on and on."
    ),
    click.option("--name", help="Of the calibration; by default made of whom it is for."),
    click.option(
        "--folder",
        type=click.Path(path_type=Path),
        help="Of the calibrations; by default calibration.folder.",
    ),
    click.option("--field", help="pm25, pm25_cf1, pm10, ...; by default pm25, of a Plantower pm25_cf1."),
    click.option("--form", help="One form of the formula; by default the best of the usual ones."),
)


def _with_times(command: Any) -> Any:
    for option in reversed(_times):
        command = option(command)
    return command


def _with_settings(command: Any) -> Any:
    """--config is taken behind the command, and before it as well."""
    return with_config(lambda file: load(file or click.get_current_context().obj), Unusable)(command)


@click.group(invoke_without_command=True)
@click.option("--node", help="The unit's node.")
@click.option("--slot", default="a", show_default=True, help="Its slot.")
@click.option("--reference", type=click.Path(path_type=Path), help="CSV with the station's hourly values.")
@_with_times
@with_config(lambda file: file, Unusable)
@click.pass_context
def calibrate(context: click.Context, file: Path | None, **options: Any) -> None:
    """Fit a unit that hung beside a reference station.

    \b
    dustline calibrate --node n1 --reference station.csv --since 2026-01-05 --until 2026-02-04
    dustline calibrate model --pair n1/a=one.csv --pair n2/a=two.csv --since ... --until ...
    dustline calibrate remote --stations stations.toml --since ... --until ...
    dustline calibrate list | show ID

    Takes the unit's readings from the journal, writes ID.json into calibration.folder and a report ID.svg
    beside it. Exit code 1 when the hours do not carry a calibration. docs/calibration.md says how to go
    about it.
    """
    if context.invoked_subcommand is not None:
        if options["node"] or options["reference"]:
            raise Mistake(f"give --node and --reference, or {context.invoked_subcommand}, not both")
        context.obj = file
        return
    node, reference = options.pop("node"), options.pop("reference")
    slot = options.pop("slot")
    if node is None or reference is None:
        raise Mistake(
            "which unit, and against what? --node n1 --reference station.csv --since ... --until ..."
        )
    fit_units(load(file), [(node, slot, reference)], of_unit=True, **options)


@calibrate.command("model")
@click.option(
    "--pair", "pairs", multiple=True, metavar="NODE/SLOT=CSV", help="A unit and its station's file; repeat."
)
@_with_times
@_with_settings
def model_command(settings: Settings, pairs: Sequence[str], **options: Any) -> None:
    """Fit all units of a model, from those that hung beside stations."""
    found: list[tuple[str, str, Path]] = []
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise Mistake(f"--pair: {pair[:60]!r}; write it as n1/a=station.csv")
        found.append((match[1], match[2], Path(match[3])))
    if not found:
        raise Mistake("which units? --pair n1/a=one.csv --pair n2/a=two.csv")
    fit_units(settings, found, of_unit=False, **options)


@calibrate.command("remote")
@click.option(
    "--stations", type=click.Path(path_type=Path), required=True, help="TOML: [NAME] with lat, lon, file."
)
@click.option("--dry-run", is_flag=True, help="Tell the gains, write nothing.")
@_with_times
@_with_settings
def remote_command(settings: Settings, stations: Path, dry_run: bool, **options: Any) -> None:
    """Calibrate units from afar that never hung beside a station, when the air is well mixed.

    Takes those with a place in nodes_file and a calibration of their model, and none of their own.
    """
    need_numpy()
    from gateway.quality.calibration.from_afar import remote_all

    where = folder_of(settings, options["folder"])
    since, until = options["since"], options["until"]
    if since is None or until is None or since >= until:
        raise Mistake("of which time? Give --since and --until, the later one second")
    if options["name"] or options["form"] or options["field"]:
        raise Mistake("--name, --form and --field are not for remote: it starts from the model's calibration")
    library = library_of(where, may_be_absent=True)
    begins = until if options["begins"] is None else options["begins"]
    try:
        done = remote_all(settings, library, stations, since, until, begins, options["ends"])
        click.echo(done.told)
        for one in done.made:
            assert one.gain_uncertainty is not None
            click.echo(f"{one.id}: {one.notes[0]}; uncertainty {100 * one.gain_uncertainty:.0f} %")
            if not dry_run:
                record.write(one, where)
        for unit, why in done.refused.items():
            click.echo(f"{unit}: none: {why}")
    except CalibrationError as error:
        raise Mistake(str(error)) from error
    if not done.made:
        raise click.ClickException("no calibration was made")


@calibrate.command("list")
@click.option("--folder", type=click.Path(path_type=Path), help="By default calibration.folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_with_settings
def list_command(settings: Settings, folder: Path | None, as_json: bool) -> None:
    """All calibrations: for whom, when, how good."""
    library = library_of(folder_of(settings, folder))
    found = sorted(library.all.values(), key=lambda one: (str(one.subject), one.begins))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "calibrations": [
                        {"id": one.id, **one.model_dump(mode="json", by_alias=True)} for one in found
                    ]
                }
            )
        )
        return
    if not found:
        click.echo("there are none")
        return
    table = [("id", "kind", "for", "from", "to", "form", "RMSE before", "after")]
    for one in found:
        after = "-" if one.after is None else f"{one.after.rmse:.2f}"
        before = "-" if one.before is None else f"{one.before.rmse:.2f}"
        to = "-" if one.ends is None else f"{one.ends:%Y-%m-%d}"
        table.append(
            (one.id, one.kind, str(one.subject), f"{one.begins:%Y-%m-%d}", to, one.form, before, after)
        )
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@calibrate.command("show")
@click.argument("id")
@click.option("--folder", type=click.Path(path_type=Path), help="By default calibration.folder.")
@_with_settings
def show_command(settings: Settings, id: str, folder: Path | None) -> None:
    """One calibration, as its file has it."""
    library = library_of(folder_of(settings, folder))
    if id not in library.all:
        raise Mistake(f"no calibration {id[:80]!r}; `dustline calibrate list` names them")
    click.echo(record.text(library.all[id]), nl=False)
