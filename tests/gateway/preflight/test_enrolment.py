"""`check` with enrolment: a canary at real Mosquittos, with rules that hold and with rules that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.preflight.enrolment import check_enrolment
from gateway.preflight.finding import Finding
from tests.gateway.enrol.guarded import settings_for, with_dynsec, with_files


def found(settings: Any, tried: bool = True) -> dict[str, Finding]:
    return {each.name: each for each in check_enrolment(settings, tried)}


@pytest.mark.parametrize("kind", [with_files, with_dynsec])
def test_a_broker_that_holds_its_nodes(tmp_path: Path, mosquitto: Any, kind: Any) -> None:
    broker, enrol = kind(tmp_path, mosquitto)
    findings = found(settings_for(tmp_path, broker.port, enrol))
    assert {each.level for each in findings.values()} == {"ok"}, findings
    assert findings.keys() == {"broker.anonymous", "enrol.kit", "enrol.canary"}
    # The canary is gone.
    for file in ("passwords", "dynamic-security.json"):
        if (tmp_path / file).exists():
            assert "dustline-check" not in (tmp_path / file).read_text()


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("pattern readwrite dl/1/#", "may publish in another node's name; it gets another node's commands"),
        ("", "may not publish what is its own; it does not get its own commands"),
    ],
)
def test_rules_that_the_broker_really_has_are_tried(
    tmp_path: Path, mosquitto: Any, rule: str, fault: str
) -> None:
    broker, enrol = with_files(tmp_path, mosquitto)
    acl: Path = enrol["acl_file"]
    # The file that the gateway is told of is right; the broker reads another.
    own = tmp_path / "its-own-acl"
    own.write_text(acl.read_text().replace("pattern readwrite dl/1/+/+/%u/#", rule))
    conf = tmp_path / "mosquitto0" / "mosquitto.conf"
    conf.write_text(conf.read_text().replace(f"acl_file {acl}", f"acl_file {own}"))
    broker.stop()
    broker.start()
    findings = found(settings_for(tmp_path, broker.port, enrol))
    assert findings["enrol.canary"].level == "fail"
    assert fault in findings["enrol.canary"].text
    assert "dustline-check" not in enrol["password_file"].read_text()


def test_anybody_is_let_in(tmp_path: Path, mosquitto: Any) -> None:
    broker, enrol = with_files(tmp_path, mosquitto)
    conf = tmp_path / "mosquitto0" / "mosquitto.conf"
    conf.write_text(conf.read_text().replace("allow_anonymous false", "allow_anonymous true"))
    broker.stop()
    broker.start()
    findings = found(settings_for(tmp_path, broker.port, {**enrol, "host": ""}), tried=False)
    assert findings["broker.anonymous"].level == "fail"
    assert findings["broker.anonymous"].change == ("mosquitto.conf: allow_anonymous false",)
    assert findings["enrol.kit"].level == "fail"
    assert "set enrol.host" in findings["enrol.kit"].text
    assert findings["enrol.canary"].text == "not tried (--no-load)"


def test_without_enrolment_nothing_is_said(tmp_path: Path) -> None:
    assert found(settings_for(tmp_path, 1, {})) == {}
