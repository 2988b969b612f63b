"""Set a node up over its cable, by question and answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from dustline.kit import kit_code, ports
from dustline.kit.errors import KitError
from dustline.kit.improv import Improv, ImprovError, Line, Network
from dustline.kit.words import EN, say

BAUD = 115200
START_S = 30.0
TRIES = 3
Ask = Callable[[str, bool], str]  # (question, whether the answer is hidden)


def ask(question: str, hidden: bool) -> str:
    return str(click.prompt(question, hide_input=hidden, default="" if hidden else None, show_default=False))


def open_line(port: str, seconds: float = 10.0) -> Any:
    """pyserial's Serial. A board with its own USB is away for a moment after a reset. Raises KitError."""
    import serial

    until = time.monotonic() + seconds
    while True:
        try:
            # Both lines low: on common boards any other pair holds the chip in reset, or in its loader.
            line = serial.Serial(baudrate=BAUD, timeout=0.1, exclusive=True)
            line.dtr = line.rts = False
            line.port = port
            line.open()
            return line
        except (serial.SerialException, OSError) as error:
            if time.monotonic() > until:
                raise ports.reason(str(error), port) or KitError(say("other", detail=error)) from error
            time.sleep(0.3)


def set_up(
    line: Line, code: str | None, ssid: str | None, question: Ask = ask, seconds: float = START_S
) -> None:
    """Hand over the kit code, if given, and let the node join a network. Raises KitError."""
    kit = None if code is None else kit_code.read(code)
    improv = Improv(line)
    click.echo(say("starting"))
    try:
        improv.find(seconds)
        firmware, version, chip = (*improv.info(), "", "", "")[:3]
    except ImprovError as error:
        raise KitError(say("no_node")) from error
    click.echo(say("node", firmware=firmware, version=version, chip=chip))
    try:
        if kit is not None:
            try:
                click.echo(say("kit_taken", node=improv.give_kit(kit[0])))
            except ImprovError as error:
                if error.code == 0:
                    raise
                raise KitError(say("kit_refused", detail=error)) from error
        _join(improv, ssid, question)
    except ImprovError as error:
        raise KitError(say("gone")) from error
    except OSError as error:  # pyserial's own is one
        raise KitError(say("gone")) from error
    click.echo(say("done"))


def _join(improv: Improv, ssid: str | None, question: Ask) -> None:
    """Until it works, three times at most. Raises KitError and, when the node is gone, ImprovError."""
    for left in reversed(range(TRIES)):
        chosen, secured = (ssid, True) if ssid is not None else _choose(improv, question)
        password = question(say("password", ssid=chosen), True) if secured else ""
        click.echo(say("joining", ssid=chosen))
        try:
            improv.join(chosen, password)
        except ImprovError as error:
            if error.code == 0:
                raise
            word, detail = (*improv.why(), "", "")[:2]
            key = f"join_{word}" if f"join_{word}" in EN else "join_failed"
            problem = say(key, ssid=chosen, detail=detail)
            # What a new answer can mend; a missing code or an unknown node it cannot.
            if left == 0 or word not in (
                "wrong_password",
                "no_network",
                "not_joined",
                "no_address",
                "password",
            ):
                raise KitError(problem) from error
            click.echo(problem, err=True)
            continue
        return


def _choose(improv: Improv, question: Ask) -> tuple[str, bool]:
    """(name, whether it wants a password)"""
    click.echo(say("scanning"))
    found = improv.networks()
    if not found:
        click.echo(say("no_networks"), err=True)
    for number, one in enumerate(found, 1):
        click.echo(f"  {number:2} {_bars(one)} {one.rssi:4} dBm  {one.ssid}")
    answer = question(say("network"), False)
    if answer.isdecimal() and 1 <= int(answer) <= len(found):
        return found[int(answer) - 1].ssid, found[int(answer) - 1].secured
    known = [one.secured for one in found if one.ssid == answer]
    return answer, known[0] if known else True


def _bars(network: Network) -> str:
    strength = sum(network.rssi >= least for least in (-80, -70, -60)) + 1
    return ("#" * strength).ljust(4, ".")
