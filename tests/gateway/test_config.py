"""The configuration: a sample in step with the models, and errors that a person can act on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from dustline.cli import main
from gateway.broker_settings import BrokerSettings
from gateway.config import ConfigError, Settings, load
from gateway.sample import sample


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write(directory: Path, text: str, name: str = "gateway.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def leaves(model: type[BaseModel], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Default of every key, by its path."""
    found: dict[tuple[str, ...], Any] = {}
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found |= leaves(info.annotation, (*above, name))
        else:
            found[(*above, name)] = info.get_default(call_default_factory=True)
    return found


def flat(table: dict[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every key of a TOML document, by its path."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in table.items():
        path = (*above, name)
        found |= flat(value, path) if isinstance(value, dict) else {path: value}
    return found


def test_sample_in_deploy_is_the_one_that_the_models_make(repo: Path) -> None:
    path = repo / "deploy" / "gateway.toml"
    assert path.read_text() == sample(), "run: dustline gateway config sample > deploy/gateway.toml"
    assert load(path).broker == BrokerSettings()


def test_sample_has_every_key_with_its_default() -> None:
    document = tomllib.loads(re.sub(r"(?m)^#(?=[a-z])", "", sample()))
    shown = flat(document)
    defaults = leaves(Settings)
    assert shown.keys() == defaults.keys()
    for path, default in defaults.items():
        expected = "" if default is None else str(default) if isinstance(default, Path) else default
        assert shown[path] == expected, path


def unexplained(model: type[BaseModel]) -> list[str]:
    found: list[str] = []
    for name, info in model.model_fields.items():
        if not info.description:
            found.append(name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found += unexplained(info.annotation)
    return found


def test_every_key_is_explained() -> None:
    assert unexplained(Settings) == []


def test_defaults_without_a_file_stay_on_this_machine() -> None:
    settings = load(None)
    assert (settings.broker.host, settings.web.host) == ("127.0.0.1", "127.0.0.1")
    assert not settings.influx.enabled


def test_file_of_this_directory_is_found(tmp_path: Path) -> None:
    write(tmp_path, "network = 'krakow'")
    assert load(None).network == "krakow"


def test_environment_gives_secrets_and_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "[broker]\nhost = 'b'\nusername = 'gw'\npassword = 'from-file'\n")
    monkeypatch.setenv("DUSTLINE_BROKER__PASSWORD", "hunter2")
    monkeypatch.setenv("DUSTLINE_MICROPYTHON", "/somewhere")  # another part's, none of ours
    settings = load(path)
    assert settings.broker.host == "b"
    assert settings.broker.password is not None
    assert settings.broker.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + str(settings.model_dump())


def test_section_misspelt_in_the_environment_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUSTLINE_BROKR__PASSWORD", "hunter2")
    with pytest.raises(
        ConfigError, match=r"DUSTLINE_BROKR__PASSWORD: there is no section \[brokr\]"
    ) as error:
        load(None)
    assert "hunter2" not in str(error.value)


def test_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("network = 'krakow'", encoding="utf-8-sig")  # as an editor of Windows saves it
    assert load(path).network == "krakow"


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    write(tmp_path / "etc", "[nodes.n1]\nlabel = 'Roof'\nlat = 52.2\nlon = 21\n", "nodes.toml")
    settings = load(write(tmp_path / "etc", "nodes_file = 'nodes.toml'\n"))
    assert settings.journal.path == tmp_path / "etc" / "dustline-journal.sqlite"
    assert (settings.places["n1"].label, settings.places["n1"].lat) == ("Roof", 52.2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("network = 'Warsaw'", "network: network must be 1 to 32 of a-z, 0-9 and -"),
        ("netwrok = 'x'", "netwrok: unknown key; remove it or correct its spelling"),
        ("[broker]\nprot = 1", "broker.prot: unknown key"),
        ("[broker]\nport = 'x'", "broker.port: must be a valid integer"),
        ("[broker]\nport = 70000", "broker.port: must be less than or equal to 65535"),
        ("[broker]\nprotocol = 4", "broker.protocol: must be 5 or 311"),
        ("[broker]\nhost = 'mqtt.example:1883'", "broker.host: host must be a name or an address alone"),
        (
            "[broker]\nhost = '[::1]'",
            "broker.host: host must be a name or an address alone, without brackets",
        ),
        ("broker = 'mqtt.example'", "broker: must be a section of its own, in [brackets]"),
        ("[[broker]]\nport = 1883", "broker: must be a section of its own, in [brackets]"),
        ("[journal]\npath = 5", "journal.path: must be a path, in quotes"),
        ("[broker]\nhost = 'a..b'", "broker.host: host is no name"),
        ("[broker]\nshards = '5/4'", 'broker.shards: shards must look like "1/1"'),
        ("[broker]\nca_file = 'ca.pem'", "broker: ca_file is given but tls is false"),
        ("[broker]\ntls = true\nca_file = 'ca.pem'", "ca.pem is not there"),
        ("[broker]\npassword = 'hunter2'", "broker: password is given without username"),
        ("[broker]\nport = 0\n[checks]\nfuture_s = -1", "checks.future_s: must be greater"),
        ("[broker]\ntls = true\nca_file = 'gateway.toml'", "gateway.toml holds no certificate"),
        ("[journal]\npath = '/'", "journal.path: path must name a file"),
        ('[journal]\npath = "a\\u0000b"', "journal.path: path must name a file"),
        (f"[journal]\npath = '{'j' * 248}'", "journal.path: path cannot be used (File name too long)"),
        (f"[journal]\npath = '{'j' * 300}'", "journal.path: path cannot be used (File name too long)"),
        (f"[journal]\npath = '{'j/' * 300}j'", "journal.path: path is longer than 500 bytes"),
        (f"[journal]\npath = '{'j/' * 3000}j'", "journal.path: path is longer than 500 bytes"),
        ("[broker]\nport = true", "broker.port: must be a number, not true or false"),
        ('[broker]\nusername = "a\\u0000b"', "broker.username: has a NUL character"),
        ('[broker]\nclient_id = "a\\u0000b"', "broker.client_id: has a NUL character"),
        (f"[broker]\nusername = '{'u' * 65536}'", "broker.username: is not UTF-8 text of at most 65535"),
        (f"[broker]\nclient_id = '{'u' * 65530}'", "broker.client_id: is not UTF-8 text of at most 65529"),
        ("[broker]\nport = " + "9" * 5000, "holds a number or nesting beyond all measure"),
        ("[broker", "is not valid TOML"),
        ("nodes_file = 'none.toml'", "none.toml: there is no such file"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_error_in_the_file_is_told_with_its_place(
    text: str, words: str, command: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    result = CliRunner().invoke(main, ["gateway", command, "--config", str(path)])
    assert result.exit_code == (2 if command == "check" else 1)
    assert words in result.output
    assert str(tmp_path) in result.output
    assert "Traceback" not in result.output
    assert "hunter2" not in result.output


def test_influx_ca_file_without_a_certificate_is_told(tmp_path: Path) -> None:
    text = "[influx]\nenabled = true\napi = 'v1'\ndatabase = 'd'\nca_file = 'gateway.toml'"
    with pytest.raises(ConfigError, match="holds no certificate"):
        load(write(tmp_path, text))


def test_password_that_is_no_utf8_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUSTLINE_BROKER__USERNAME", "gateway")
    monkeypatch.setenv("DUSTLINE_BROKER__PASSWORD", "hunter2\udcff")
    with pytest.raises(ConfigError, match="DUSTLINE_BROKER__PASSWORD: is not UTF-8 text") as error:
        load(None)
    assert "hunter2" not in str(error.value)


def test_error_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUSTLINE_BROKER__PORT", "many")
    with pytest.raises(ConfigError, match=r"^environment: DUSTLINE_BROKER__PORT: must be a valid integer"):
        load(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[nodes.N1]\nlat = 1\nlon = 2", "nodes.N1: no valid node name"),
        ("[nodes.n1]\nlat = 100\nlon = 2", "nodes.n1.lat: must be less than or equal to 90"),
        ("[nodes.n1]\nlat = 1", "nodes.n1.lon: is missing; add it"),
        ("[node.n1]\nlat = 1\nlon = 2", "node: unknown key"),
    ],
)
def test_error_in_the_places(text: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, text, "nodes.toml")
    with pytest.raises(ConfigError, match=re.escape(words)):
        load(write(tmp_path, "nodes_file = 'nodes.toml'"))


def test_missing_file_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ledger", "--config", str(tmp_path / "no.toml")])
    assert result.exit_code == 1
    assert "no.toml: there is no such file; check the name" in result.output


def test_shares_of_several_gateways_are_whole_and_apart() -> None:
    for of in (1, 2, 3, 5, 16):
        parts = [BrokerSettings(shards=f"{mine}/{of}").shard_digits for mine in range(1, of + 1)]
        assert sorted(digit for part in parts for digit in part) == list("0123456789abcdef")
    assert BrokerSettings(shards="c0").shard_digits == ("0", "c")


def test_gateways_of_different_shards_have_different_sessions() -> None:
    names = {BrokerSettings(shards=shards).id_for("warsaw") for shards in ("1/1", "1/2", "2/2", "0f")}
    assert len(names) == 4
    assert BrokerSettings(client_id="mine").id_for("warsaw") == "mine"


def test_a_bool_is_no_number_in_any_section(tmp_path: Path) -> None:
    numbers = [
        path for path, default in leaves(Settings).items() if type(default) in (int, float) and len(path) > 1
    ]
    assert len(numbers) > 40
    for *above, key in numbers:
        if key == "protocol":
            continue  # a choice of two
        section = ".".join(above)
        with pytest.raises(ConfigError, match=f"{section}.{key}: must be a number, not true or false"):
            load(write(tmp_path, f"[{section}]\n{key} = true\n"))
