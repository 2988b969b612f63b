"""`dustline sim power`: what a node's sensors and board take, and how long lasers and batteries last."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import click

from simulator.power import MODES, Cycle, Use, node_use, sources
from simulator.power_data import BOARDS, CELL_V, CONVERTER, SENSORS, USABLE

# Cycles that people use: warm-up, window and sleep in seconds.
TYPICAL = (
    ("always measuring", Cycle(30, 60, 0)),
    ("every 3 minutes", Cycle(30, 60, 90)),
    ("every 5 minutes", Cycle(30, 60, 210)),
    ("every 10 minutes", Cycle(30, 60, 510)),
    ("every hour", Cycle(30, 60, 3510)),
)


def _capacity(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """mAh of `3000mAh`, `3Ah` or `3000`."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mah|ah)?", text.strip(), re.IGNORECASE)
    value = float(match[1]) * (1000 if (match[2] or "").lower() == "ah" else 1) if match else 0.0
    if not 0 < value < 1e7:  # 10,000 Ah: no node hangs on more
        raise click.BadParameter(f"{text[:20]!r} is no capacity; write it as 3000mAh or 3Ah")
    return value


def _seconds(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """A number: click's ranges let `nan` through."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


@click.command()
@click.option(
    "--sensor",
    "sensors",
    multiple=True,
    type=click.Choice(list(SENSORS)),
    default=("sds011",),
    show_default=True,
    help="Give it several times for several sensors.",
)
@click.option(
    "--warmup",
    type=click.FloatRange(0, 600),
    callback=_seconds,
    help="Seconds; default 30 when a cycle is given.",
)
@click.option(
    "--window", type=click.FloatRange(1, 3600), callback=_seconds, help="Seconds of one reading; default 60."
)
@click.option(
    "--sleep", type=click.FloatRange(0, 86400), callback=_seconds, help="Seconds between windows; default 0."
)
@click.option("--board", type=click.Choice(list(BOARDS)), default="esp32-devkit", show_default=True)
@click.option("--mode", type=click.Choice(MODES), default="always-on", show_default=True, help="Of Wi-Fi.")
@click.option("--switched", is_flag=True, help="A switch cuts the sensors' supply while they sleep.")
@click.option(
    "--battery", callback=_capacity, metavar="CAPACITY", help="A lithium-ion cell, such as 3000mAh."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--sources", "with_sources", is_flag=True, help="Where each number is from.")
def power(
    sensors: tuple[str, ...],
    warmup: float | None,
    window: float | None,
    sleep: float | None,
    board: str,
    mode: str,
    switched: bool,
    battery: float | None,
    as_json: bool,
    with_sources: bool,
) -> None:
    """Reckon current, laser hours and readings of a node from datasheets' figures.

    Without a cycle (--warmup, --window, --sleep) it compares usual ones. The firmware keeps Wi-Fi on, or
    sleeps deeply with `deep_sleep`; modem-sleep shows what it would save.
    """
    if warmup is None and window is None and sleep is None:
        cycles = TYPICAL
    else:
        one = Cycle(30 if warmup is None else warmup, 60 if window is None else window, sleep or 0)
        cycles = ((f"{one.warmup_s:g} s warm-up, {one.window_s:g} s window, {one.sleep_s:g} s sleep", one),)
    uses = [(name, cycle, node_use(sensors, cycle, board, mode, battery, switched)) for name, cycle in cycles]
    cited = sources(sensors, board)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "board": board,
                    "mode": mode,
                    "battery_mah": battery,
                    "cycles": [_object(name, cycle, use) for name, cycle, use in uses],
                    "sources": [{"name": name, **vars(figure)} for name, figure in cited],
                }
            )
        )
        return
    click.echo(f"{', '.join(sensors)} on {BOARDS[board].label}; Wi-Fi {mode}")
    if len(uses) == 1:
        _tell(uses[0][0], uses[0][2])
    else:
        _table([(name, use) for name, _, use in uses])
    if any(each.laser_years is not None for each in uses[0][2].sensors):
        click.echo("A laser's years count its hours of light only; fan and dust may end it sooner.")
    if mode == "modem-sleep":
        click.echo("The firmware has no modem-sleep: this is what it would save.")
    elif mode == "deep-sleep":
        click.echo('The firmware does so with "deep_sleep": true in config.json.')
    if with_sources:
        for name, figure in cited:
            click.echo(
                f"  {name}: {figure.value:g}{' ' + figure.unit if figure.unit else ''} - {figure.source}"
            )
    else:
        click.echo("From datasheets; --sources names document and table of each number.")


def _object(name: str, cycle: Cycle, use: Use) -> dict[str, Any]:
    return {
        "name": name,
        "warmup_s": cycle.warmup_s,
        "window_s": cycle.window_s,
        "sleep_s": cycle.sleep_s,
        "readings_per_day": use.readings_per_day,
        "sensors": [
            {
                "model": each.model,
                "supply_v": each.supply_v,
                "mah_per_day": each.mah_per_day,
                "laser_h_per_year": each.laser_h_per_year,
                "laser_years": each.laser_years,
            }
            for each in use.sensors
        ],
        "board": {"supply_v": use.board_v, "mah_per_day": 24 * use.board_ma},
        "mah_per_day_5v": 24 * use.usb_ma,
        "mah_per_day_cell": 24 * use.cell_ma,
        "battery_days": use.battery_days,
    }


def _tell(name: str, use: Use) -> None:
    click.echo(f"cycle                {name}")
    click.echo(f"readings per day     {use.readings_per_day:.0f}")
    for each in use.sensors:
        click.echo(f"{each.model:20} {each.mah_per_day:.1f} mAh/day at {each.supply_v:g} V")
        if each.laser_years is not None:
            click.echo(
                f"{'':20} laser {each.laser_h_per_year:.0f} h/year, {each.laser_years:.1f} years "
                "to the datasheet's life"
            )
    click.echo(f"board                {24 * use.board_ma:.1f} mAh/day at {use.board_v:g} V")
    click.echo(f"together             {24 * use.usb_ma:.0f} mAh/day from 5 V (USB)")
    click.echo(
        f"                     {24 * use.cell_ma:.0f} mAh/day from a {CELL_V.value:g} V cell, "
        f"converters {CONVERTER.value:.0%}"
    )
    if use.battery_days is not None:
        click.echo(
            f"on the battery       {use.battery_days:.1f} days, {USABLE.value:.0%} of its capacity used"
        )


def _table(uses: list[tuple[str, Use]]) -> None:
    battery = uses[0][1].battery_days is not None
    heads = ["cycle", "readings/day", "mAh/day 5 V", "mAh/day cell"]
    heads += [f"{each.model} laser" for each in uses[0][1].sensors if each.laser_years is not None]
    rows = [heads + (["days on battery"] if battery else [])]
    for name, use in uses:
        row = [name, f"{use.readings_per_day:.0f}", f"{24 * use.usb_ma:.0f}", f"{24 * use.cell_ma:.0f}"]
        row += [
            f"{each.laser_h_per_year:.0f} h/y {each.laser_years:.1f} y"
            for each in use.sensors
            if each.laser_years is not None
        ]
        rows.append(row + ([f"{use.battery_days:.1f}"] if use.battery_days is not None else []))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        first, *rest = zip(row, widths, strict=True)
        click.echo("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))
