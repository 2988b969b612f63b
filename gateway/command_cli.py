"""`dustline gateway command` and `dustline gateway configure`: what is said to nodes."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, cast

import click
from pydantic import ValidationError

from gateway import topics
from gateway.cli_options import Unanswered, harmless, node_name, with_config
from gateway.config import Settings, load
from gateway.contract import NodeCommand, NodeConfig, NodeSettings, Online, Reply, explain
from gateway.control import Control, ControlError

DONE, NO = 0, 1
_SECONDS = 20
_SELFTEST_SECONDS = 120  # of a silent sensor it finds out why, which takes over half a minute
_OK_WORDS = {True: "ok", False: "BAD", None: "?"}


@click.command("command")
@click.argument("node", callback=node_name)
@click.argument("do", type=click.Choice(["identify", "reboot", "selftest"]))
@click.option("--seconds", type=click.IntRange(1, 3600), help="How long its LED blinks; of identify only.")
@click.option("--timeout", type=click.IntRange(1, 3600), help="Wait so long for the reply, s.")
@click.option("--lang", type=click.Choice(["en", "pl", "both"]), default="both", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the reply as the node sent it.")
@with_config(load, Unanswered)
def command_command(
    settings: Settings,
    node: str,
    do: str,
    seconds: int | None,
    timeout: int | None,
    lang: str,
    as_json: bool,
) -> None:
    """Let a node do something, and print its reply.

    identify blinks its LED, reboot starts it anew, selftest looks at each of its parts. Exit code 0 when that
    was done and all is well, 1 when the node says no or finds a fault, 2 when no reply came.
    """
    if seconds is not None and do != "identify":
        raise click.UsageError("--seconds is of identify only")
    wait = timeout or (_SELFTEST_SECONDS if do == "selftest" else _SECONDS)
    more = {} if seconds is None else {"seconds": seconds}
    message = NodeCommand.model_validate(
        {"v": 1, "id": os.urandom(6).hex(), "t": int(time.time()), "do": do, **more}
    )
    try:
        with Control(settings.broker, settings.broker.id_for(settings.network)) as control:
            payload, reply = _ask(control, settings.network, node, message, wait)
    except ControlError as error:
        raise Unanswered(str(error)) from error
    if as_json:
        click.echo(payload.decode())
    else:
        _show(node, do, reply, lang)
    sys.exit(DONE if reply.ok else NO)


def _ask(control: Control, network: str, node: str, message: NodeCommand, wait: float) -> tuple[bytes, Reply]:
    """The reply as it came and as it is understood."""
    answers, status = topics.build(network, node, "reply"), topics.build(network, node, "status")
    known = control.retained(answers, status)
    connected = _online(known.get(status)) is not None
    payload = message.model_dump_json(exclude_unset=True).encode()
    if not control.publish(topics.build(network, node, "command"), payload):
        raise Unanswered(f"{node} is not known to the broker: check its name and the network ({network})")
    for heard in control.messages(wait):
        if heard.topic == status:
            connected = _online(heard.payload) is not None
        if heard.topic != answers:
            continue
        try:
            reply = Reply.model_validate_json(heard.payload)
        except ValidationError as error:
            click.echo(f"a reply of {node} breaks the contract: {harmless(explain(error))}", err=True)
            continue
        if reply.id == message.id:
            return heard.payload, reply
    state = "is connected" if connected else "is not connected"
    raise Unanswered(
        f"no reply of {node} within {wait} s; by its status it {state}. "
        "A node that comes back within 10 minutes still does it"
    )


def _online(payload: bytes | None) -> Online | None:
    """A node's status, None when it is offline or cannot be read."""
    try:
        return Online.model_validate_json(payload or b"")
    except ValidationError:
        return None


def _show(node: str, do: str, reply: Reply, lang: str) -> None:
    if not reply.results:
        click.echo(f"{node}: {do}: {'done' if reply.ok else 'NOT done'}: {harmless(reply.text) or '-'}")
        return
    width = max(len(each.part) for each in reply.results)
    for each in reply.results:
        head = f"{_OK_WORDS[each.ok]:4}{each.part:{width}}  "
        said = {"en": [each.en], "pl": [each.pl], "both": [each.en, each.pl]}[lang]
        click.echo(head + harmless(said[0]))
        for more in said[1:]:
            click.echo(" " * len(head) + harmless(more))


@click.command("configure")
@click.argument("words", nargs=-1, metavar="[NODE]... [KEY=VALUE]...")
@click.option("--all-listed", is_flag=True, help="All nodes of nodes_file.")
@click.option("--show", is_flag=True, help="Only print what is set and what runs.")
@click.option("--clear", is_flag=True, help="Take back all that was set: the node's own file counts again.")
@click.option(
    "--timeout", type=click.IntRange(0, 3600), default=15, show_default=True, help="Wait so long for it, s."
)
@with_config(load, Unanswered)
def configure_command(
    settings: Settings, words: tuple[str, ...], all_listed: bool, show: bool, clear: bool, timeout: int
) -> None:
    """Set what nodes do, from afar: `configure praga-1 window_s=30 sleep_s=60`.

    What was set before stays; KEY= takes one back. A node has new settings on trial for 10 minutes, and goes
    back to the former ones when it does not reach the gateway with them. Exit code 2 when the broker cannot
    be used, 1 when a node has rejected the settings.
    """
    nodes = [word for word in words if "=" not in word] + (
        sorted(settings.public_places) if all_listed else []
    )
    changes = _changes([word for word in words if "=" in word])
    strange = [node for node in nodes if not topics.valid_name(node)]
    if strange:
        raise click.UsageError(f"{harmless(strange[0])}: a node's name is 1 to 32 of a-z, 0-9 and -")
    if not nodes:
        raise click.UsageError("name a node, or --all-listed for those of nodes_file")
    if (show or clear) == bool(changes):
        raise click.UsageError("give settings as KEY=VALUE, or --show, or --clear")
    try:
        with Control(settings.broker, settings.broker.id_for(settings.network)) as control:
            rejected = _configure(control, settings.network, nodes, changes, show, clear, timeout)
    except ControlError as error:
        raise Unanswered(str(error)) from error
    sys.exit(NO if rejected else DONE)


def _changes(words: list[str]) -> dict[str, Any]:
    """Name -> value as JSON has it, None to take it back. UsageError for what the contract does not allow."""
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = json.loads(text) if text else None
        except ValueError:
            found[name] = text
    strange = sorted(found.keys() - NodeSettings.model_fields.keys())
    if strange:
        raise click.UsageError(
            f"{harmless(strange[0])} cannot be set; {', '.join(NodeSettings.model_fields)} can"
        )
    try:
        NodeSettings.model_validate({name: value for name, value in found.items() if value is not None})
    except ValidationError as error:
        raise click.UsageError(harmless(explain(error))) from error
    return found


def _configure(
    control: Control,
    network: str,
    nodes: list[str],
    changes: dict[str, Any],
    show: bool,
    clear: bool,
    timeout: float,
) -> bool:
    """Whether a node has rejected what is set for it."""
    places = [topics.build(network, node, kind) for node in nodes for kind in ("config", "status")]
    known = control.retained(*places)
    waiting: dict[str, tuple[str, int]] = {}  # topic of the status -> node, version
    rejected = False
    for node in nodes:
        topic, status = topics.build(network, node, "config"), topics.build(network, node, "status")
        version, now_set = _present(node, known.get(topic))
        online = _online(known.get(status))
        if show:
            rejected = _tell(node, version, now_set, online) or rejected
            continue
        # Above all that the node knows of, or it would not take it: the broker may have forgotten.
        version = max(version, online.config if online else 0, online.config_rejected if online else 0) + 1
        wanted = {} if clear else {**now_set, **changes}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        message = NodeConfig.model_validate({"v": 1, "version": version, "settings": wanted})
        control.publish(topic, message.model_dump_json(exclude_unset=True).encode(), retain=True)
        click.echo(f"{node}: version {version}: {_words(wanted)}")
        if online:
            waiting[status] = (node, version)
        else:
            click.echo(f"{node}: is offline; it takes version {version} when it connects")
    return _await(control, waiting, timeout) or rejected


def _present(node: str, payload: bytes | None) -> tuple[int, dict[str, Any]]:
    """(version, settings) of what is retained for a node."""
    if not payload:
        return 0, {}
    try:
        held = NodeConfig.model_validate_json(payload)
    except ValidationError as error:
        click.echo(f"{node}: what is set breaks the contract and does not count: {harmless(explain(error))}")
        try:
            version: Any = cast("dict[str, Any]", json.loads(payload))["version"]
        except (ValueError, KeyError, TypeError):
            version = 0
        return version if type(version) is int and version > 0 else 0, {}
    return held.version, held.settings.model_dump(exclude_unset=True)


def _tell(node: str, version: int, now_set: dict[str, Any], online: Online | None) -> bool:
    runs = "is offline" if online is None else f"runs version {online.config}"
    rejected = online is not None and online.config_rejected and online.config_rejected == version
    if rejected:
        runs += ", has REJECTED this one"
    held = f"version {version}: {_words(now_set)}" if version else "nothing is set"
    click.echo(f"{node}: {held}; it {runs}")
    return bool(rejected)


def _await(control: Control, waiting: dict[str, tuple[str, int]], timeout: float) -> bool:
    rejected = False
    if waiting and timeout:
        for heard in control.messages(timeout):
            online = _online(heard.payload)
            node, version = waiting.get(heard.topic, ("", 0))
            if online is None or not node:
                continue
            if online.config == version:
                click.echo(f"{node}: version {version} is in force, on trial")
            elif online.config_rejected == version:
                click.echo(f"{node}: version {version} was REJECTED; correct the settings and set them again")
                rejected = True
            else:
                continue
            del waiting[heard.topic]
            if not waiting:
                break
    for node, version in waiting.values():
        click.echo(f"{node}: has not said yet that version {version} is in force; look again with --show")
    return rejected


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items()) or "as in its own file"
