"""The label sheet, read back: text by PDFium, QR codes by ZXing from the rendered page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from click.testing import CliRunner

from gateway.cli import gateway
from gateway.enrol.kit import Kit
from gateway.enrol.kits_file import Label, open_new, read_labels, write_kits
from gateway.enrol.labels import GRIDS, label_sheet

MM = 72 / 25.4
# The last has all that a Wi-Fi QR code must escape, and the longest name.
LABELS = [
    Label("praga-1", "Dustline-praga-1", "k7m3-xq2p-9ftr"),
    Label("wola-2", "Dustline-wola-2", "aaaa-bbbb-cccc"),
    Label("n" * 23, "Dustline-" + "n" * 23, 'a;b\\c,d:e"f'),
]


def pages(sheet: bytes) -> list[Any]:
    return list(pypdfium2.PdfDocument(sheet))


def codes_on(page: Any) -> list[tuple[str, float, float]]:
    """Text, and x and y of the upper left corner in mm, of each QR code as 300 dots per inch print it."""
    picture = page.render(scale=300 / 72).to_pil()
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    per_mm = 300 / 25.4
    return [
        (each.text, each.position.top_left.x / per_mm, each.position.top_left.y / per_mm) for each in found
    ]


def unescaped(text: str) -> dict[str, str]:
    """Fields of `WIFI:T:WPA;S:...;P:...;;`, as a phone reads it: a backslash goes before \\ ; , : and "."""
    assert text.startswith("WIFI:")
    fields = re.findall(r"([A-Z]):((?:\\.|[^;\\])*);", text[5:])
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in fields}


@pytest.mark.parametrize("grid", list(GRIDS))
def test_every_label_joins_its_own_portal(grid: str) -> None:
    (page,) = pages(label_sheet(LABELS, GRIDS[grid]))
    assert [round(size / MM) for size in page.get_size()] == [210, 297]
    found = {tuple(sorted(unescaped(text).items())): (x, y) for text, x, y in codes_on(page)}
    wanted = [(("P", each.password), ("S", each.ssid), ("T", "WPA")) for each in LABELS]
    assert set(found) == set(wanted)
    # Each within its own label.
    cell = GRIDS[grid]
    for at, key in enumerate(wanted):
        row, column = divmod(at, cell.columns)
        x, y = found[key]
        left, top = cell.left + column * (cell.width + cell.gap), cell.top + row * cell.height
        assert left + 2 < x < left + cell.width / 2, key
        assert top + 2 < y < top + cell.height / 2, key


def test_text_has_polish_letters_and_stays_on_its_label() -> None:
    (page,) = pages(label_sheet(LABELS, GRIDS["3x7"]))
    text = page.get_textpage()
    lines = text.get_text_range()
    for label in LABELS:
        for wanted in (label.node, label.ssid, label.password):
            assert wanted in lines
    assert "hasło" in lines
    assert "połączyć się z czujnikiem" in lines.replace("\r\n", " ")
    # The longest names and all small print lie within the second and third label of the first row.
    cell = GRIDS["3x7"]
    bounds = [text.get_charbox(at) for at in range(text.count_chars()) if text.get_text_range(at, 1).strip()]
    for left, bottom, right, top in bounds:
        column = int((left / MM - cell.left) // (cell.width + cell.gap))
        end = cell.left + column * (cell.width + cell.gap) + cell.width
        assert right / MM <= end, "text beyond its label"
        assert 297 - bottom / MM <= cell.top + cell.height
        assert 297 - top / MM >= cell.top


def test_sheets_go_on_and_begin_where_they_are_told() -> None:
    cell = GRIDS["2x4"]
    sheets = pages(label_sheet([LABELS[0]] * 10, cell, skip=6))
    assert [len(codes_on(page)) for page in sheets] == [2, 8]
    assert min(y for _, _, y in codes_on(sheets[0])) > cell.top + 3 * cell.height


def test_command_takes_the_file_of_enrol_and_leaves_the_secret_out(tmp_path: Path) -> None:
    kits = tmp_path / "kits.csv"
    with open_new(kits) as opened:
        write_kits(opened, [Kit(label.node, label.password, "DL1.KITCODE.0") for label in LABELS])
    assert read_labels(kits) == LABELS
    sheet = tmp_path / "labels.pdf"
    words = ["labels", "--kits", str(kits), "-o", str(sheet), "--grid", "2x7"]
    done = CliRunner().invoke(gateway, [*words, "wola-2"])
    assert (done.exit_code, done.output) == (0, f"1 labels in {sheet}\n")
    assert sheet.stat().st_mode & 0o777 == 0o600
    (page,) = pages(sheet.read_bytes())
    (code,) = codes_on(page)
    assert unescaped(code[0])["S"] == "Dustline-wola-2"
    assert "KITCODE" not in page.get_textpage().get_text_range()
    assert b"KITCODE" not in sheet.read_bytes()
    again = CliRunner().invoke(gateway, words)
    assert again.exit_code == 1
    assert "exists already" in again.output
    strange = CliRunner().invoke(
        gateway, ["labels", "--kits", str(kits), "-o", str(tmp_path / "b"), "nobody"]
    )
    assert (strange.exit_code, "nobody is not in" in strange.output) == (1, True)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    other = CliRunner().invoke(
        gateway, ["labels", "--kits", str(tmp_path / "other.csv"), "-o", str(tmp_path / "b")]
    )
    assert (other.exit_code, "is no file of `dustline gateway enrol`" in other.output) == (1, True)
