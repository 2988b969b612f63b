"""`dustline gateway downsample ...`: hourly and daily means in InfluxDB."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import click

from gateway.cli_options import harmless, when, with_config
from gateway.config import Settings, load
from gateway.destinations.settings import InfluxSettings
from gateway.downsample.http import DownsampleError
from gateway.downsample.plan import hours_of
from gateway.downsample.result import Installer


@click.group()
def downsample() -> None:
    """Hourly and daily means, made by InfluxDB itself: docs/influxdb.md says what is in them."""


@downsample.command("show")
@with_config(load)
def show_command(settings: Settings) -> None:
    """Print what `apply` would install: continuous queries for InfluxDB 1.x, tasks for 2.x."""
    installer = _installer(settings)
    click.echo(installer.statements(), nl=False)
    installer.close()


@downsample.command("apply")
@click.option("--replace", is_flag=True, help="Put ours in the place of one that has its name and differs.")
@with_config(load)
def apply_command(settings: Settings, replace: bool) -> None:
    """Install it on the configured server. What exists stays. Exit code 1 if something is left to do."""
    installer, left = _installer(settings), 0
    try:
        for step in installer.apply(replace):
            click.echo(f"{'ok  ' if step.ok else 'BAD '} {harmless(step.text)}")
            left += not step.ok
    except DownsampleError as error:
        raise click.ClickException(harmless(str(error))) from error
    finally:
        installer.close()
    if left:
        click.echo(f"{left} to be put right")
        sys.exit(1)
    click.echo("means of the past: dustline gateway downsample recompute --since DATE")


@downsample.command("recompute")
@click.option("--since", required=True, callback=when, help="A date, a date and time (UTC), or UTC seconds.")
@click.option("--until", callback=when, help="The same; without it, now.")
@with_config(load)
def recompute_command(settings: Settings, since: int, until: int | None) -> None:
    """Make the means of a past period anew, as after an outage that was longer than 15 days."""
    now = time.time()
    hours = hours_of(since, now if until is None else until, now)
    if hours.start >= hours.stop:
        raise click.UsageError("no whole hour that is over lies between --since and --until")
    installer = _installer(settings)
    try:
        for done in installer.recompute(hours, now):
            count = "" if done.written is None else f", {done.written} points"
            click.echo(f"{done.what} means, {_utc(done.span.start)} to {_utc(done.span.stop)}{count}")
    except DownsampleError as error:
        raise click.ClickException(harmless(str(error))) from error
    finally:
        installer.close()


def _installer(settings: Settings) -> Installer:
    influx: InfluxSettings = settings.influx
    if not influx.enabled:
        raise click.ClickException("influx.enabled is false: there is no InfluxDB to make means in")
    if influx.api == "v1":
        from gateway.downsample.influx_v1 import InfluxV1Installer

        return InfluxV1Installer(influx, settings.quality.enabled)
    from gateway.downsample.influx_v2 import InfluxV2Installer

    return InfluxV2Installer(influx, settings.quality.enabled)


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
