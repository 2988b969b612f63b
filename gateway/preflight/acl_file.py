"""Mosquitto's acl_file: may this user read and write these topics?

mosquitto.conf(5), acl_file: `topic [read|write|readwrite|deny] T` of the user named above, of anonymous
clients before the first `user`; `pattern` is everybody's, with %u and %c; deny goes before all that grants.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.preflight.mosquitto_conf import ConfError

_ACCESS = ("read", "write", "readwrite", "deny")


@dataclass(frozen=True, slots=True)
class Rule:
    access: str
    topic: str


def rules_for(file: Path, user: str | None, client_id: str) -> list[Rule]:
    """Those that are this user's, with the names put in. Raises ConfError."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ConfError(f"acl_file {file} cannot be read ({error.strerror})") from error
    found: list[Rule] = []
    of: str | None = None
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "user":
            of = rest
        elif word == "topic" and of == user:
            found.append(_rule(rest))
        elif word == "pattern":
            rule = _rule(rest)
            if "%u" in rule.topic and user is None:
                continue
            topic = rule.topic.replace("%u", user or "").replace("%c", client_id)
            found.append(Rule(rule.access, topic))
    return found


def _rule(text: str) -> Rule:
    first, _, rest = text.partition(" ")
    return Rule(first, rest.strip()) if first in _ACCESS and rest else Rule("readwrite", text)


def allowed(rules: list[Rule], access: str, topic: str) -> bool:
    """`topic` is a plain one, without wildcards; `access` is read or write."""
    granted = False
    for rule in rules:
        if matches(rule.topic, topic):
            if rule.access == "deny":
                return False
            granted = granted or rule.access in (access, "readwrite")
    return granted


def matches(pattern: str, topic: str) -> bool:
    """MQTT's wildcards (MQTT 5, 4.7); # also stands for the level above it."""
    wanted, given = pattern.split("/"), topic.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(given) or level not in ("+", given[at]):
            return False
    return len(wanted) == len(given)
