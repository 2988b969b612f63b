"""What the command-line files share: --config and --shard with plain errors, and text no terminal obeys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.config import ConfigError, JournalSettings, Settings
from gateway.journal.schema import JournalError, advice
from gateway.operate.shard import take_journal, take_shard
from gateway.topics import valid_name


class Unusable(click.ClickException):
    """The configuration is at fault; what was asked for could not even begin."""

    exit_code = 2


class Unanswered(click.ClickException):
    """Nobody knows what became of it."""

    exit_code = 2


SHARD_HELP = "Of gateway I of N that share the nodes, such as 2/4."


def of_shard(
    read: Callable[[Path | None], Settings | JournalSettings], file: Path | None, shard: str | None
) -> Settings | JournalSettings:
    """What `read` gives, as it is for gateway i of n. Raises ConfigError."""
    settings = read(file)
    if shard is None:
        return settings
    return take_shard(settings, shard) if isinstance(settings, Settings) else take_journal(settings, shard)


def with_shard(
    read: Callable[[Path | None], Settings | JournalSettings],
    mistake: type[click.ClickException] = click.ClickException,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As with_config, with --shard besides."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option("--shard", metavar="I/N", help=SHARD_HELP)
        @with_config(lambda file: file, mistake)
        @wraps(command)
        def call(file: Path | None, shard: str | None, **options: Any) -> None:
            command(of_shard(read, file, shard), **options)

        return call

    return decorate


def with_config(
    read: Callable[[Path | None], object], mistake: type[click.ClickException] = click.ClickException
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add --config, hand over what `read` makes of it, and turn a user's mistake into a plain message."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--config",
            "file",
            type=click.Path(path_type=Path),
            help="Configuration file; without it gateway.toml in this directory, or else the defaults.",
        )
        @wraps(command)
        def call(file: Path | None, **options: Any) -> None:
            try:
                command(read(file), **options)
            except (ConfigError, JournalError) as error:
                raise mistake(str(error)) from error
            except sqlite3.Error as error:
                raise mistake(f"the journal cannot be used ({error}); {advice(error)}") from error

        return call

    return decorate


def harmless(text: str) -> str:
    """Escaped: it may hold what a stranger sent, and a terminal obeys control characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def node_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Callback of an option or argument: a name that a node can have."""
    if value is not None and not valid_name(value):
        raise click.BadParameter("a node's name is 1 to 32 of a-z, 0-9 and -")
    return value


def when(_context: click.Context | None, _parameter: click.Parameter | None, value: str | None) -> int | None:
    """Callback of an option: UTC seconds of what was written."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    try:
        when = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(
            "write a date such as 2026-01-31 or 2026-01-31T12:00Z, or UTC seconds"
        ) from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
