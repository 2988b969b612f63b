"""What the pages name is there: links and anchors, files and folders, commands and options, keys, rooms."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from dustline.cli import main
from gateway.config import Settings
from gateway.operate.reload import APPLIED
from tests.support import REPO

PAGES = [
    *sorted(REPO.glob("*.md")),
    *sorted((REPO / "docs").rglob("*.md")),
]
ROOMS = ("firmware", "gateway", "simulator", "dustline", "tests", "bench", "docs", "deploy", "scripts")
LINK = re.compile(r"\]\(([^)\s]+)\)")
TICKED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w*./-]+\.(?:py|sh|service)")
FOLDER = re.compile(rf"(?:{'|'.join(ROOMS)})(?:/[\w.-]+)*/")
COMMAND = re.compile(r"(?<![\w/.-])(?:[\w./]*bin/)?dustline ([a-z][^`|\n]*)")
KEY = re.compile(r"`([a-z]+\.[a-z_]+)(?: = [^`]+)?`")
OF_AN_ANSWER = {"network.nodes"}  # of /api/air


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def tree() -> tuple[list[str], set[str]]:
    """Files of the rooms, and their folders."""
    files = [
        path.relative_to(REPO).as_posix()
        for room in ROOMS
        for path in (REPO / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return files, {parent.as_posix() for file in files for parent in Path(file).parents}


def anchors(page: Path) -> set[str]:
    """Of the headings, as the usual renderers make them."""
    found: list[str] = []
    for line in re.sub(r"```.*?```", "", text(page), flags=re.DOTALL).splitlines():
        heading = re.match(r"#+ (.*)", line)
        if heading:
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1].strip().lower())
            name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            found.append(name if name not in found else f"{name}-{found.count(name)}")
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPO).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(text(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPO).as_posix())
def test_files_and_folders_are_there(page: Path) -> None:
    """A file may be named by the end of its path, also with a star."""
    files, folders = tree()
    for word in TICKED.findall(text(page)):
        if FILE.fullmatch(word) and not word.startswith("/"):
            assert any(fnmatch(file, word) or fnmatch(file, f"*/{word}") for file in files), word
        elif FOLDER.fullmatch(word):
            assert word.rstrip("/") in folders, word


def wrong(words: list[str]) -> str | None:
    """What this command line names that the program does not have."""
    at: click.Command = main
    known: dict[str, click.Parameter] = {}
    rest: Iterator[str] = iter(words)
    for word in rest:
        word = word.strip("`.,;:()\"'")
        if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word):
            option = word.partition("=")[0]
            if option != "--help" and option not in known:
                return f"{at.name} has no {option}"
            parameter = known.get(option)
            if isinstance(parameter, click.Option) and not parameter.is_flag and "=" not in word:
                next(rest, None)
        elif isinstance(at, click.Group):
            below = at.get_command(click.Context(at), word)
            if below is None:
                return f"{at.name} has no {word}" if re.fullmatch(r"[a-z-]+", word) else None
            at = below
            known |= {option: each for each in at.params for option in each.opts}
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPO).as_posix())
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in COMMAND.findall(text(page)):
        line = re.split(r"#|&&|>|\||\[", line)[0]
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.split()
        if words[0].strip("`.,;:()") in main.list_commands(click.Context(main)):
            assert wrong(words) is None, line


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield above + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{above}{name}.")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPO).as_posix())
def test_settings_exist(page: Path) -> None:
    """The gateway's; a node has `broker.user` and others of its own, and `check` gives its findings names."""
    if page.parent.name == "node":
        return
    known = set(keys(Settings))
    sections = {key for key in known if "." not in key}
    findings = "".join(text(path) for path in (REPO / "gateway" / "preflight").glob("*.py"))
    for key in KEY.findall(text(page)):
        if key.partition(".")[0] in sections and not key.endswith((".py", ".toml", ".sqlite")):
            assert key in known | OF_AN_ANSWER or f'"{key}"' in findings, key


def test_every_room_is_in_the_architecture() -> None:
    page = text(REPO / "docs" / "architecture.md")
    named = {word.rstrip("/") for word in TICKED.findall(page)}
    there = {
        path.parent.relative_to(REPO).as_posix()
        for room in ("firmware", "gateway", "simulator", "dustline")
        for path in (REPO / room).rglob("*.py")
    }
    assert sorted({*there, *ROOMS} - named) == []


def test_every_section_stands_in_the_table_of_what_a_reload_applies() -> None:
    page = text(REPO / "docs" / "operation.md")
    table = page.partition("| applied at once | needs a restart |")[2].partition("\n\n")[0]
    columns = [
        " ".join(cells)
        for cells in zip(*(row.split("|")[1:3] for row in table.splitlines()[2:]), strict=True)
    ]
    for key in Settings.model_fields:
        if key != "journal":  # its keys stand in both
            assert re.search(rf"`\[?{key}[\].`]", columns[key not in APPLIED]), key
