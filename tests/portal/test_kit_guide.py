"""docs/kit: both languages have the same steps and pictures, and nothing that they point to is missing."""

from __future__ import annotations

import importlib
import re
import struct
from typing import Any

from tests.support import REPO

GUIDE = REPO / "docs" / "kit"
PAGES = {lang: (GUIDE / f"{lang}.md").read_text(encoding="utf-8") for lang in ("en", "pl")}
LINK = re.compile(r"\]\(([^)#]+)\)")


def shape(text: str) -> list[str]:
    """What each block is, without its words: heading with its number, row, list item, picture."""
    found: list[str] = []
    for line in text.splitlines():
        heading = re.match(r"(#+) (?:\w+ (\d+)\.)?", line)
        item = re.match(r"(\d+\.|-) ", line)
        if heading:
            found.append(f"{heading[1]} {heading[2] or ''}")
        elif item:
            found.append(item[1])
        elif line.startswith("|"):
            found.append(f"row of {line.count('|')}")
        elif line.startswith("!["):
            found.append("picture")
        elif line.startswith(("**You see:**", "**Widzisz:**")):
            found.append("seen")
    return found


def test_both_languages_have_the_same_steps() -> None:
    assert shape(PAGES["en"]) == shape(PAGES["pl"])
    assert shape(PAGES["en"]).count("seen") == 7, "each step says what to see"
    assert [one for one in shape(PAGES["en"]) if one == "10."]


def test_what_they_point_to_is_there() -> None:
    for lang, text in PAGES.items():
        links = LINK.findall(text)
        assert links
        for link in links:
            assert (GUIDE / link).resolve().exists(), f"{lang}: {link}"
        assert [link.replace(f"/{lang}-", "/") for link in links if "images" in link]
    pictures = [link for link in LINK.findall(PAGES["en"]) if "images" in link]
    polish = [link for link in LINK.findall(PAGES["pl"]) if "images" in link]
    assert [link.replace("/en-", "/pl-") for link in pictures] == polish


def test_every_wiring_picture_is_offered() -> None:
    for text in PAGES.values():
        offered = {link.rpartition("/")[2] for link in LINK.findall(text) if "wiring" in link}
        assert offered == {path.name for path in (REPO / "docs" / "wiring").glob("*.svg")}


def test_the_pictures_are_modest() -> None:
    pictures = sorted((REPO / "docs" / "images" / "kit").glob("*.png"))
    assert len(pictures) == 12
    for path in pictures:
        data = path.read_bytes()
        assert len(data) < 60_000, path
        width, height = struct.unpack(">II", data[16:24])
        assert (width, height) <= (360, 700), path


def test_it_quotes_what_the_page_says() -> None:
    for lang, quotes in {
        "en": ("It works", "The settings are kept.", "Nothing is at fault"),
        "pl": ("Udało się", "Ustawienia są zapisane.", "Wszystko w porządku"),
    }.items():
        words: Any = importlib.import_module(f"setup.words_{lang}")
        said = "\n".join(words.WORDS.values())
        for quote in quotes:
            assert quote in PAGES[lang], quote
            assert quote in said, quote
