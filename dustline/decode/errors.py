"""What keeps a capture from being decoded at all."""

from __future__ import annotations

import click


class DecodeError(click.ClickException):
    """Nothing can be decoded; the message says why."""

    exit_code = 2
