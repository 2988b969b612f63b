"""Mosquitto's own configuration: each bad setting by file and line, and the setting that puts it right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.preflight.acl_file import allowed, matches, rules_for
from gateway.preflight.broker_file import BrokerFile
from gateway.preflight.finding import Finding
from gateway.preflight.mosquitto_conf import ConfError, MosquittoConf
from gateway.preflight.rate import Rate

GOOD = [
    "# of a city",
    "listener 1883",
    "certfile /etc/mosquitto/server.pem",
    "allow_anonymous false",
    "acl_file ACL",
    "persistence true",
    "autosave_interval 60",
    "max_queued_messages 0",
    "max_queued_bytes 500000000",
]
RULES = """\
topic read dl/#
user other
topic readwrite #
user dustline-gateway
topic read dl/1/warsaw/+/+/readings
topic read dl/1/warsaw/+/+/status
topic read dl/1/warsaw/+/+/health
topic read dl/1/warsaw/+/+/reply
topic read dl/1/warsaw/+/+/fetch
topic write dl/1/warsaw/+/+/ack
"""


@pytest.fixture
def judge(tmp_path: Path) -> Any:
    acl = tmp_path / "acl"
    acl.write_text(RULES)

    def run(lines: list[str], rate: float = 50, rules: str = RULES, **broker: Any) -> dict[str, Finding]:
        acl.write_text(rules)
        file = tmp_path / "mosquitto.conf"
        file.write_text("\n".join(lines).replace("ACL", str(acl)) + "\n")
        settings = Settings(broker={"username": "dustline-gateway", **broker})
        found = list(BrokerFile(file, settings, Rate(rate, "test")).check())
        assert len({each.name for each in found}) == len(found)
        return {each.name: each for each in found}

    return run


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {name: each.level for name, each in found.items() if each.level != "ok"}


def test_good_file_has_no_finding(judge: Any) -> None:
    assert levels(judge(GOOD)) == {}
    assert levels(judge(GOOD, protocol=311)) == {}


@pytest.mark.parametrize(
    ("line", "name", "level", "change"),
    [
        ("persistence false", "persistence", "fail", "persistence true"),
        ("persistence", "persistence", "fail", "persistence true"),
        ("autosave_interval 1800", "autosave", "fail", "autosave_interval 60"),
        ("autosave_interval 0", "autosave", "fail", "autosave_interval 60"),
        ("autosave_interval 200", "autosave", "warn", "autosave_interval 60"),
        ("max_queued_messages 100", "queue", "fail", "max_queued_messages 0"),
        ("max_queued_messages 29999", "queue", "fail", "max_queued_messages 0"),
        ("max_queued_bytes 1000000", "queue", "fail", "max_queued_bytes 500000000"),
        ("max_queued_bytes 0", "queue", "warn", "max_queued_bytes 500000000"),
        ("allow_anonymous true", "anonymous", "warn", "allow_anonymous false"),
    ],
)
def test_each_bad_setting_is_told_with_its_line(
    line: str, name: str, level: str, change: str, judge: Any, tmp_path: Path
) -> None:
    key = line.split()[0]
    (at,) = [at for at, each in enumerate(GOOD) if each.split()[0] == key]
    found = judge([*GOOD[:at], line, *GOOD[at + 1 :]])
    assert levels(found) == {f"broker_file.{name}": level}
    assert f"{tmp_path}/mosquitto.conf:{at + 1}: {change}" in found[f"broker_file.{name}"].change


@pytest.mark.parametrize(
    ("line", "name", "change"),
    [
        ("persistent_client_expiration 1d", "expiry", "persistent_client_expiration 7d"),
        ("message_size_limit 5000", "message_size", "message_size_limit 0"),
        ("max_packet_size 5000", "message_size", "max_packet_size 20000"),
        ("memory_limit 1000000", "memory", "memory_limit 100000000"),
        ("retain_available false", "retain", "retain_available true"),
        ("max_qos 0", "qos", "max_qos 2"),
        ("max_connections 5", "connections", "max_connections 100"),
    ],
)
def test_limit_that_is_too_low_is_a_loss(
    line: str, name: str, change: str, judge: Any, tmp_path: Path
) -> None:
    found = judge([*GOOD, line])
    assert levels(found) == {f"broker_file.{name}": "fail"}
    assert found[f"broker_file.{name}"].change == (f"{tmp_path}/mosquitto.conf:{len(GOOD) + 1}: {change}",)


def test_file_that_says_nothing_has_mosquittos_defaults(judge: Any, tmp_path: Path) -> None:
    found = judge([])
    assert {"broker_file.persistence", "broker_file.queue"} <= {
        name for name, level in levels(found).items() if level == "fail"
    }
    assert found["broker_file.persistence"].change == (
        f"{tmp_path}/mosquitto.conf, to be added: persistence true",
    )
    assert "autosave_interval 1800 by default" in judge(["persistence true"])["broker_file.autosave"].text


def test_limits_are_judged_by_the_networks_rate(judge: Any) -> None:
    small = [line for line in GOOD if not line.startswith("max_queued")]
    assert levels(judge(small, rate=1.6)) == {}
    assert levels(judge(small, rate=1.7)) == {"broker_file.queue": "fail"}
    by_changes = [*GOOD, "autosave_on_changes true"]
    assert levels(judge(by_changes, rate=1)) == {}
    found = judge([*by_changes, "autosave_interval 1000"], rate=1)
    assert levels(found) == {"broker_file.autosave": "fail"}
    assert "500 s" in found["broker_file.autosave"].text


def test_inflight_counts_with_mqtt_311_only(judge: Any) -> None:
    few = [*GOOD, "max_inflight_messages 5"]
    assert levels(judge(few)) == {}
    assert levels(judge(few, protocol=311)) == {"broker_file.inflight": "fail"}
    assert levels(judge([*GOOD, "max_inflight_bytes 600"], protocol=311)) == {"broker_file.inflight": "fail"}


def test_include_dir_and_the_last_of_two_lines(judge: Any, tmp_path: Path) -> None:
    more = tmp_path / "conf.d"
    more.mkdir()
    (more / "b.conf").write_text("\npersistence false\n")
    (more / "a.conf").write_text("persistence true\n")
    (more / "c.txt").write_text("persistence true\n")
    found = judge([*GOOD, f"include_dir {more}"])
    assert levels(found) == {"broker_file.persistence": "fail"}
    assert found["broker_file.persistence"].change == (f"{more}/b.conf:2: persistence true",)
    with pytest.raises(ConfError, match=r"mosquitto.conf:10: include_dir /nowhere cannot be read"):
        judge([*GOOD, "include_dir /nowhere"])
    with pytest.raises(ConfError, match="cannot be read"):
        MosquittoConf(tmp_path / "none.conf")


def test_options_of_another_listener_do_not_count(judge: Any) -> None:
    elsewhere = [*GOOD, "listener 9001", "allow_anonymous true"]
    assert levels(judge(elsewhere)) == {"broker_file.anonymous": "warn"}
    assert levels(judge(["per_listener_settings true", *elsewhere])) == {}
    open_one = [line for line in GOOD if not line.startswith("certfile")]
    assert levels(judge(open_one)) == {"broker_file.tls": "warn"}
    assert levels(judge(["listener 1883 127.0.0.1", *open_one[2:]])) == {}


@pytest.mark.parametrize("kind", ["readings", "status", "health", "ack"])
def test_each_absent_rule_is_named(kind: str, judge: Any, tmp_path: Path) -> None:
    found = judge(GOOD, rules=re.sub(rf"(?m)^.*/{kind}\n", "", RULES))
    access = "write" if kind == "ack" else "read"
    assert found["broker_file.acl"].change == (
        f"{tmp_path}/acl, user dustline-gateway: topic {access} dl/1/warsaw/+/+/{kind}",
    )
    assert judge(GOOD, rules=RULES + "topic deny dl/1/warsaw/#\n")["broker_file.acl"].level == "fail"
    line = "topic read dl/1/warsaw/+/+/fetch"
    found = judge(GOOD, rules=RULES.replace(line + "\n", ""))["broker_file.acl"]
    assert (found.level, found.change[0].endswith(line)) == ("warn", True)


def test_absent_or_unreadable_rules_are_no_ok(judge: Any) -> None:
    assert levels(judge([line for line in GOOD if "acl" not in line])) == {"broker_file.acl": "warn"}
    gone = [line.replace("ACL", "/nowhere/acl") for line in GOOD]
    assert levels(judge(gone)) == {"broker_file.acl": "warn"}
    plugin = ["plugin /usr/lib/dynsec.so" if "acl" in line else line for line in GOOD]
    assert levels(judge(plugin)) == {"broker_file.acl": "warn"}


def test_the_documented_file_passes(repo: Path, judge: Any) -> None:
    """docs/city-it.md, with its rules."""
    text = (repo / "docs/city-it.md").read_text()
    block = re.search(r"(?m)^    allow_anonymous false\n(?:    .*\n)+", text)
    rules = re.search(r"(?m)^    user dustline-gateway\n(?:    .*\n)+", text)
    assert block is not None
    assert rules is not None
    lines = [line.strip().replace("/etc/mosquitto/acl", "ACL") for line in block[0].splitlines()]
    assert levels(judge(lines, rules=re.sub("(?m)^    ", "", rules[0]))) == {}


@pytest.mark.parametrize(
    ("pattern", "topic", "same"),
    [
        ("dl/#", "dl/1/x", True),
        ("dl/#", "dl", True),
        ("dl/+", "dl/1/x", False),
        ("dl/+/x", "dl/1/x", True),
        ("dl/1", "dl/1/x", False),
        ("dl/1/x/y", "dl/1/x", False),
        ("#", "a/b", True),
    ],
)
def test_wildcards(pattern: str, topic: str, same: bool) -> None:
    assert matches(pattern, topic) is same


def test_patterns_are_everybodys(tmp_path: Path) -> None:
    file = tmp_path / "acl"
    file.write_text("user a\ntopic a/#\npattern write logs/%u/%c\npattern deny logs/b/#\n")
    assert allowed(rules_for(file, "a", "id"), "write", "logs/a/id")
    assert not allowed(rules_for(file, "a", "id"), "read", "logs/a/id")
    assert allowed(rules_for(file, "a", "id"), "read", "a/x")
    assert not allowed(rules_for(file, "b", "id"), "write", "logs/b/id")
    assert not allowed(rules_for(file, None, "id"), "write", "logs/a/id")
