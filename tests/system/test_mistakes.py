"""A user's mistake at the command line: one sentence with a way out, exit code 1 or 2, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dustline.cli import main

GARBAGE = bytes(range(256)) * 4
# What is wrong with a configuration file, and what is said of it.
CONFIGS = {
    "missing": "there is no such file; check the name",
    "folder": "is a directory; name the file in it",
    "garbage": "is not UTF-8 text",
    "text": "is not valid TOML",
}
# Of options and arguments that a command wants, by name, where no number or choice says it.
WORDS = {"since": "2026-01-01"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "garbage").write_bytes(GARBAGE)
    (tmp_path / "text").write_text("hello = [\nworld\n")
    (tmp_path / "places.toml").write_text('nodes_file = "none.toml"\n')
    return tmp_path


def refused(*words: str) -> Result:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code in (1, 2), (words, done.output)
    assert isinstance(done.exception, SystemExit), (words, done.exception)
    return done


def commands(
    at: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(at, click.Group):
        yield path, at
        return
    context = click.Context(at)
    for name in at.list_commands(context):
        below = at.get_command(context, name)
        assert below is not None
        yield from commands(below, (*path, name))


def wanted(parameter: click.Parameter) -> list[str]:
    """Words that give a required parameter some value."""
    if not parameter.required:
        return []
    if isinstance(parameter.type, click.Choice):
        word = str(parameter.type.choices[0])
    else:
        word = (
            "1"
            if isinstance(parameter.type, click.types.IntParamType)
            else WORDS.get(parameter.name or "", "n1")
        )
    return [parameter.opts[0], word] if isinstance(parameter, click.Option) else [word]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_that_cannot_be_used(here: Path, config: str) -> None:
    """By every command that takes one."""
    tried = 0
    before = sorted(here.iterdir())
    for path, command in commands(main):
        if not any("--config" in parameter.opts for parameter in command.params):
            continue
        words = [word for parameter in command.params for word in wanted(parameter)]
        done = refused(*path, *words, "--config", config)
        if "Usage:" not in done.output:  # its own words come first in some
            assert CONFIGS[config] in done.output, (path, done.output)
            tried += 1
    assert tried > 30
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ledger folder", "folder: is a directory; name the file in it"),
        ("gateway journal salvage", "there is no such file; has a gateway run with this configuration?"),
        (
            "gateway run --config places.toml",
            "none.toml: there is no such file; check the name in the config",
        ),
        ("gateway labels --kits empty -o labels.pdf", "empty holds no node"),
        ("gateway codes drop 7", "no unused code has the number 7; `dustline gateway codes list` shows them"),
        ("node bundle --firmware folder", "folder holds no firmware"),
        ("node keys none --board esp32", "none cannot be read: No such file"),
        (
            "node image --board esp32 -o out --micropython garbage --portal-password-file garbage",
            "garbage: is no text",
        ),
        ("sim node --directory empty", "'--directory': Directory 'empty' is a file"),
        ("sim node --directory empty/below", "empty/below/centrum/flash: Not a directory"),
        ("sim fleet --directory empty", "'--directory': Directory 'empty' is a file"),
        ("sim fleet --depth light --record none/r.jsonl.gz", "there is no directory none; make it first"),
        ("demo --web-port 70000", "70000 is not in the range 0<=x<=65535"),
        ("sim node --network War_saw", "Invalid value for --network: 'War_saw': 1 to 32 of a-z"),
        (
            "node image --board esp32 -o out --micropython garbage --network War_saw",
            "network 'War_saw': 1 to 32 of a-z, 0-9 and -",
        ),
        ("sim node --broker here", "Invalid value for --broker: 'here' is not HOST:PORT"),
        ("sim node --ntp here", "Invalid value for --ntp: 'here' is not HOST:PORT"),
    ],
)
def test_a_wrong_word(words: str, says: str) -> None:
    assert says in refused(*words.split()).output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("gateway enrolled", "nobody is enrolled here yet"),
        ("gateway codes list", "no codes were made"),
        ("gateway channel", "all others: stable"),
    ],
)
def test_looking_makes_no_file(here: Path, words: str, says: str) -> None:
    """In a wrong directory it would lie there, and look like the gateway's."""
    before = sorted(here.iterdir())
    done = CliRunner().invoke(main, words.split())
    assert (done.exit_code, says in done.output) == (0, True), done.output
    assert sorted(here.iterdir()) == before


def test_calibrate_takes_its_configuration_before_and_behind_the_command(here: Path) -> None:
    (here / "city.toml").write_text('[calibration]\nfolder = "folder"\n')
    for words in (("--config", "city.toml", "list"), ("list", "--config", "city.toml")):
        done = CliRunner().invoke(main, ["calibrate", *words])
        assert (done.exit_code, done.output) == (0, "there are none\n")
