"""A sheet of labels as a PDF: a node's name, its portal's name and password, and both as a QR code.

The QR code is the text that phones know for joining a Wi-Fi: `WIFI:T:WPA;S:name;P:password;;`. One scan joins
the node's own network, where its set-up page opens. The node's secret for the broker is not on a label: that
hangs in the street, and whoever reads it may set the node up anew, but not speak in its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.enrol.errors import EnrolError
from gateway.enrol.kits_file import Label

FONT = (
    Path(__file__).parent.parent / "web" / "static" / "vendor" / "dejavu-fonts-ttf" / "ttf" / "DejaVuSans.ttf"
)
_PAGE = (210.0, 297.0)
_EDGE = 2.5  # printers shift a sheet by as much
_QR_MOST = 34.0
_WORDS = (
    "Zeskanuj kod telefonem, aby połączyć się z czujnikiem i go ustawić. Strona: http://192.168.4.1/",
    "Scan to join the sensor's own Wi-Fi and set it up. Page: http://192.168.4.1/",
)


@dataclass(slots=True, frozen=True)
class Grid:
    """Labels on A4; mm. `left` and `top` are the sheet's margins, `gap` lies between two columns."""

    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    gap: float


GRIDS = {
    "3x7": Grid(3, 7, 63.5, 38.1, 7.25, 15.15, 2.5),
    "3x8": Grid(3, 8, 70.0, 37.0, 0.0, 0.5, 0.0),
    "2x7": Grid(2, 7, 99.1, 38.1, 4.65, 15.15, 2.5),
    "2x4": Grid(2, 4, 99.1, 67.7, 4.65, 13.1, 2.5),
}


def label_sheet(labels: Sequence[Label], grid: Grid, skip: int = 0) -> bytes:
    """The PDF. `skip` leaves out so many labels of the first sheet. Raises EnrolError."""
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise EnrolError("labels need the extra `labels`: pip install 'dustline[labels]'") from error
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title("Dustline")
    if not FONT.exists():
        raise EnrolError(
            f"{FONT} is missing: install Dustline from its wheel, or run `make setup` in a checkout"
        )
    pdf.add_font("DejaVu", fname=FONT)
    on_a_sheet = grid.columns * grid.rows
    for at, label in enumerate(labels, skip % on_a_sheet):
        if at % on_a_sheet == 0 or pdf.page == 0:
            pdf.add_page()
        row, column = divmod(at % on_a_sheet, grid.columns)
        x = grid.left + column * (grid.width + grid.gap)
        _draw(pdf, label, x, grid.top + row * grid.height, grid)
    return bytes(pdf.output())


def _draw(pdf: Any, label: Label, x: float, y: float, grid: Grid) -> None:
    side = min(_QR_MOST, grid.height - 2 * _EDGE, grid.width / 2 - _EDGE)
    _draw_qr(pdf, label, x + _EDGE, y + (grid.height - side) / 2, side)
    left = x + _EDGE + side + 1.5
    width = x + grid.width - _EDGE - left
    pdf.set_xy(left, y + _EDGE + 1)
    _line(pdf, "Helvetica", "B", 12, label.node, width)
    _line(pdf, "DejaVu", "", 6, "Wi-Fi:", width, 0.5)
    _line(pdf, "Helvetica", "B", 9, label.ssid, width)
    _line(pdf, "DejaVu", "", 6, "hasło / password:", width, 0.5)
    _line(pdf, "Courier", "B", 10, label.password, width)
    pdf.set_xy(left, pdf.get_y() + 0.8)
    pdf.set_font("DejaVu", "", 4.5)
    for words in _WORDS:
        pdf.set_x(left)
        pdf.multi_cell(width, 1.9, words, align="L", new_x="LEFT", new_y="NEXT")


def _line(pdf: Any, font: str, style: str, size: float, text: str, width: float, above: float = 0.0) -> None:
    """One line, as large as fits into its width, at the pen; the pen goes below it."""
    pdf.set_font(font, style, size)
    wide = pdf.get_string_width(text)
    if wide > width:
        size *= width / wide * 0.99
        pdf.set_font(font, style, size)
    left = pdf.get_x()
    pdf.set_xy(left, pdf.get_y() + above)
    pdf.c_margin = 0
    pdf.cell(width, size * 0.42, text, new_x="LEFT", new_y="NEXT")


def _draw_qr(pdf: Any, label: Label, x: float, y: float, side: float) -> None:
    import segno
    from segno.helpers import make_wifi_data

    code = segno.make_qr(make_wifi_data(ssid=label.ssid, password=label.password, security="WPA"), error="m")
    rows = [list(row) for row in code.matrix_iter(border=4)]  # 4 is the quiet zone that readers need
    dot = side / len(rows)
    for down, row in enumerate(rows):
        across = 0
        while across < len(row):
            first = across
            while across < len(row) and row[across]:
                across += 1
            if across > first:
                # A hair wider and higher, so that no white line shows between two of them.
                pdf.rect(
                    x + first * dot, y + down * dot, (across - first) * dot + 0.01, dot + 0.01, style="F"
                )
            else:
                across += 1
