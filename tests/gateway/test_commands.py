"""`dustline gateway check` and `dustline ledger`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from gateway.journal import Journal
from gateway.preflight import disk
from tests.gateway.talker import Talker, reading
from tests.support import wait_for


def invoke(*words: str, config: Path) -> Result:
    return CliRunner().invoke(main, [*words, "--config", str(config)])


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # A directory in memory, which temporary ones are on some machines, is a loss.
    (tmp_path / "mounts").write_text("/dev/sda1 / ext4 rw 0 0\n")
    monkeypatch.setattr(disk, "MOUNTS", tmp_path / "mounts")

    def write(port: int, more: str = "", broker: str = "") -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(f"[broker]\nport = {port}\n{broker}\n[journal]\npath = 'journal.sqlite'\n{more}")
        return path

    return write


@pytest.mark.parametrize("protocol", [5, 311])
def test_check_of_a_sound_configuration(protocol: int, config: Any, mosquitto: Any) -> None:
    path = config(mosquitto().port, broker=f"protocol = {protocol}")
    result = invoke("gateway", "check", config=path)
    assert result.exit_code == 0, result.output
    assert "3 subscriptions granted" in result.output
    assert "does not exist yet and can be made" in result.output
    assert "FAIL" not in result.output
    # A check leaves nothing behind.
    assert not (path.parent / "journal.sqlite").exists()


def test_check_leaves_a_running_gateway_alone(
    config: Any, mosquitto: Any, run_gateway: Any, talk: Any
) -> None:
    port = mosquitto().port
    gateway = run_gateway(port)
    result = invoke("gateway", "check", config=config(port))
    assert result.exit_code == 0, result.output
    assert "in use by a running gateway" in result.output
    assert gateway.session.connected
    assert gateway.session.counts.connections == 1


def test_check_tells_what_to_change(config: Any, free_port: Any, mosquitto: Any, tmp_path: Path) -> None:
    result = invoke("gateway", "check", config=config(free_port()))
    assert result.exit_code == 1
    assert "cannot be reached (Connection refused); is it running there?" in result.output

    passwords = tmp_path / "passwords"
    passwords.write_text("")
    port = mosquitto([f"password_file {passwords}", "allow_anonymous false"]).port
    result = invoke("gateway", "check", config=config(port))
    assert result.exit_code == 1
    assert "refuses the connection: Not authorized" in result.output
    assert "DUSTLINE_BROKER__PASSWORD" in result.output


def test_check_calls_a_forgetful_session_a_loss(config: Any, mosquitto: Any) -> None:
    result = invoke("gateway", "check", config=config(mosquitto().port, broker="session_expiry_s = 0"))
    assert result.exit_code == 1
    assert "change: gateway.toml, [broker]: session_expiry_s = 604800" in result.output


def test_check_of_a_file_that_is_no_journal(config: Any, mosquitto: Any, tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("no database " * 100)
    result = invoke("gateway", "check", config=config(mosquitto().port))
    assert result.exit_code == 1
    assert "move the file away" in result.output


def test_check_of_an_influxdb_that_is_not_there(config: Any, mosquitto: Any, free_port: Any) -> None:
    more = f"[influx]\nenabled = true\napi = 'v1'\ndatabase = 'd'\nurl = 'http://127.0.0.1:{free_port()}'\n"
    result = invoke("gateway", "check", config=config(mosquitto().port, more))
    assert result.exit_code == 1
    assert result.output.count("FAIL") == 1


def test_ledger_while_the_gateway_runs(config: Any, mosquitto: Any, run_gateway: Any, talk: Any) -> None:
    port = mosquitto().port
    path = config(port)
    assert "there is no such file" in invoke("ledger", config=path).output
    run_gateway(port)
    node: Talker = talk(port)
    node.send(
        {
            "v": 1,
            "boot": 4,
            "up": 9,
            "t": None,
            "heap_free": 1,
            "reset": "power",
            "born": [[4, 9], [3, 2]],
            "outbox": {"depth": 0, "bytes": 0, "aside": 0},
            "sensors": [],
            "counters": {},
        },
        kind="health",
    )
    node.readings(*[reading(seq) for seq in (1, 2, 4, 5)], reading(6, n=-1), boot=4)
    wait_for(lambda: node.acked(4, 6), what="the ack")
    table = invoke("ledger", config=path).output.splitlines()
    assert table[0].split() == ["node", "boot", "born", "stored", "quarantined", "missing", "missing", "seqs"]
    assert table[1].split() == ["node-1", "3", "2", "0", "0", "2", "1-2"]
    assert table[2].split() == ["node-1", "4", "9", "4", "1", "4", "3,7-9"]
    rows = json.loads(invoke("ledger", "--json", "--node", "node-1", config=path).output)["rows"]
    assert rows[1] == {
        "node": "node-1",
        "boot": 4,
        "born": 9,
        "stored": 4,
        "quarantined": 1,
        "missing": 4,
        "missing_ranges": [[3, 3], [7, 9]],
    }
    for more in ((), ("--json",)):
        unknown = invoke("ledger", "--node", "x", *more, config=path)
        assert unknown.exit_code == 1
        assert "nothing is known of node x; `dustline ledger` names" in unknown.output
    assert invoke("ledger", "--node", "x", "--since", "2026-01-01", config=path).exit_code == 0
    assert invoke("ledger", "--since", "yesterday", config=path).exit_code == 2


def test_password_shows_up_nowhere(
    config: Any, mosquitto: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUSTLINE_BROKER__PASSWORD", "hunter2")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    port = mosquitto([f"password_file {passwords}"]).port
    result = invoke("gateway", "check", config=config(port, broker="username = 'gw'"))
    assert result.exit_code == 1
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "--since", "\u00b2"),
        ("ledger", "--since", "9" * 30),
        ("gateway", "quarantine", "--limit", "9" * 30),
        ("ledger", "--node", "x\udcff"),  # a byte that is not UTF-8
        ("ledger", "--node", "Praga 1"),
        ("gateway", "quarantine", "--node", "x\udcff"),
        ("gateway", "quarantine", "list", "--node", "praga_1"),
    ],
)
def test_value_that_nothing_can_have_is_a_users_mistake(words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("")
    Journal(tmp_path / "dustline-journal.sqlite").close()
    result = invoke(*words, config=path)
    assert result.exit_code == 2, result.output
    assert f"Invalid value for '{words[-2]}'" in result.output


@pytest.mark.parametrize("words", [("ledger",), ("gateway", "quarantine")])
def test_looking_into_the_journal_needs_no_secrets(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        "nodes_file = 'of-another-user.toml'\n[journal]\npath = 'j.sqlite'\n"
        "[broker]\nhost = 'b'\nusername = 'gw'\ntls = true\nca_file = 'of-another-user.pem'\n"
        "[influx]\nenabled = true\napi = 'v2'\norg = 'o'\nbucket = 'b'\n"
    )
    Journal(tmp_path / "j.sqlite").close()
    result = invoke(*words, config=path)
    assert result.exit_code == 0, result.output
    # What they do need is still judged, in the file and in the environment.
    monkeypatch.setenv("DUSTLINE_JOURNAL__PATH", str(tmp_path / "none.sqlite"))
    assert "none.sqlite: there is no such file" in invoke(*words, config=path).output
    monkeypatch.delenv("DUSTLINE_JOURNAL__PATH")
    path.write_text("[journal]\npth = 'j.sqlite'\n")
    assert "journal.pth: unknown key" in invoke(*words, config=path).output
