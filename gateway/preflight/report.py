"""The findings for people, worst last, or as JSON; and the exit code."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from gateway.config import Settings
from gateway.preflight.examine import Options, examine
from gateway.preflight.finding import Finding

_WORDS = {"ok": "ok   ", "warn": "warn ", "fail": "FAIL "}
GOOD, FOUND = 0, 1


def report(
    settings: Settings,
    rate: float | None,
    broker_config: Path | None,
    no_load: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Examine and print; the exit code."""
    # What a trial puts up at the broker and on the disk is taken down again, also when the check is ended.
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        findings = examine(settings, Options(rate, broker_config, not no_load))
        found = list(findings) if as_json else _told(findings)
    finally:
        signal.signal(signal.SIGTERM, before)
    failed = sum(each.level == "fail" for each in found)
    warned = sum(each.level == "warn" for each in found)
    code = FOUND if failed or (strict and warned) else GOOD
    if as_json:
        document = {"fail": failed, "warn": warned, "findings": [asdict(each) for each in found]}
        click.echo(json.dumps(document, ensure_ascii=False))
        return code
    for title, level in (("warnings", "warn"), ("would lose data or stall", "fail")):
        _group(title, [each for each in found if each.level == level])
    click.echo(f"\n{failed} would lose data or stall, {warned} warnings, {len(found) - failed - warned} ok")
    return code


def _told(findings: Iterable[Finding]) -> list[Finding]:
    """What is well is printed at once."""
    found: list[Finding] = []
    for each in findings:
        found.append(each)
        if each.level == "ok":
            _line(each)
    return found


def _group(title: str, found: list[Finding]) -> None:
    if found:
        click.echo(f"\n{title}:")
    for each in found:
        _line(each)
        for change in each.change:
            click.echo(f"       change: {change}")


def _line(it: Finding) -> None:
    click.echo(f"{_WORDS[it.level]} {it.name}: {it.text}")
