"""Draw docs/wiring/*.svg and fill the pin tables of docs/sensors.md, both from wiring_data.py.

.venv/bin/python scripts/wiring.py             # docs/wiring and docs/sensors.md
.venv/bin/python scripts/wiring.py --out DIR   # pictures only, there
.venv/bin/python scripts/wiring.py --out DIR --lang pl
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wiring_data import BOARDS, SENSORS, Board, Pin, Wired

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 770
ROW = 50
TOP = 116  # y of the first row
LEFT = 40  # of the board's box
BOARD_RIGHT = 240
PLUG_LEFT = 520
RIGHT = 730

# What a wire is called, and its class. The colours stand in STYLE.
WIRES = {
    "5v": "5 V",
    "3v3": "3.3 V",
    "gnd": "ground",
    "tx": "TX → RX",
    "rx": "RX ← TX",
    "sda": "SDA",
    "scl": "SCL",
    "data": "data",
}
POLISH = {
    "3.3 V": "3,3 V",
    "ground": "masa",
    "data": "dane",
    "leave open": "nie łączyć",
    "open = UART": "wolny = UART",
    "GND = I2C": "GND = I2C",
    "open = I2C": "wolny = I2C",
    "sets the address": "ustala adres",
    "same as 1": "to samo co 1",
    "same as 3": "to samo co 3",
    "module": "moduł",
    "ESP32 dev board": "płytka ESP32",
    "ESP32-S3 dev board": "płytka ESP32-S3",
    "ESP32-C3 dev board": "płytka ESP32-C3",
    "on a module": "na module",
    "to 3V3": "do 3V3",
    "two rows": "dwa rzędy",
    "4 pins": "4 styki",
    "pins": "styków",
    "to": "i",
    "Wiring of": "Połączenia:",
    "not connected": "wolne",
    "pin": "styk",
    "with a resistor of 10 kOhm to 3V3": "z opornikiem 10 kOhm do 3V3",
    "Modules differ: go by the printed names, not by the order.": (
        "Moduły różnią się: liczą się nazwy na płytce, nie kolejność."
    ),
    "3.3 V only. The module has its own pull-ups.": "Tylko 3,3 V. Moduł ma własne oporniki podciągające.",
    "Cables differ in their colours: go by the pins' numbers in the manual's drawing.": (
        "Kolory przewodów bywają różne: liczą się numery styków na rysunku producenta."
    ),
    "The module has its own pull-ups.": "Moduł ma własne oporniki podciągające.",
    "5 V for the fan; the signals are 3.3 V, no level shifter is needed.": (
        "5 V dla wentylatora; sygnały mają 3,3 V, bez konwertera poziomów."
    ),
    "5 V for fan and laser; the signals are 3.3 V, no level shifter is needed.": (
        "5 V dla wentylatora i lasera; sygnały mają 3,3 V, bez konwertera poziomów."
    ),
    "5 V for fan and laser; the signals are 3.3 V.": "5 V dla wentylatora i lasera; sygnały mają 3,3 V.",
    "SET and RESET are pulled up inside. The metal case is ground.": (
        "SET i RESET są podciągnięte wewnątrz. Metalowa obudowa to masa."
    ),
    "3.3 V at VIN: the module makes 5 V for the fan, its signals follow VIN.": (
        "3,3 V na VIN: moduł robi 5 V dla wentylatora, sygnały mają poziom VIN."
    ),
    "SEL must stay open. Better than I2C for cables over 20 cm.": (
        "SEL zostaje wolny. Przy przewodach ponad 20 cm lepszy niż I2C."
    ),
    "Connect SEL to GND before you switch on. Cable: 20 cm at most.": (
        "Połącz SEL z GND, zanim włączysz zasilanie. Przewód: najwyżej 20 cm."
    ),
    "Pin 1 is on the left when the grid is in front.": "Styk 1 jest po lewej, gdy kratka jest z przodu.",
    "A DHT22 on a small board has the resistor already.": "DHT22 na małej płytce ma już ten opornik.",
}

STYLE = """
text { font-family: "DejaVu Sans", Verdana, Arial, sans-serif; fill: #1b1f24; }
.page { fill: #ffffff; } .box { fill: #eef2f6; stroke: #4c5967; stroke-width: 2; }
.pad { fill: #d9a514; stroke: #4c5967; } .free { fill: none; stroke: #8a96a3; }
.quiet { fill: #57636f; } .wire { fill: none; stroke-width: 5; stroke-linecap: round; }
.thin { fill: none; stroke: #4c5967; stroke-width: 2; }
.part { fill: #ffffff; stroke: #4c5967; stroke-width: 2; }
.w5v { stroke: #c8102e; } .w3v3 { stroke: #c75b00; } .wgnd { stroke: #1b1f24; } .wtx { stroke: #00803e; }
.wrx { stroke: #0b5ed7; } .wsda { stroke: #7b3fa0; } .wscl { stroke: #8a6d00; } .wdata { stroke: #00803e; }
@media (prefers-color-scheme: dark) {
text { fill: #e8edf2; } .page { fill: #12171d; } .box { fill: #222b35; stroke: #8a98a8; }
.quiet { fill: #a9b5c1; } .thin, .free { stroke: #8a98a8; } .part { fill: #12171d; stroke: #8a98a8; }
.w5v { stroke: #ff6b7a; } .w3v3 { stroke: #ff9d4d; } .wgnd { stroke: #e8edf2; } .wtx { stroke: #3ddc84; }
.wrx { stroke: #6aa8ff; } .wsda { stroke: #c792ea; } .wscl { stroke: #e6c34a; } .wdata { stroke: #3ddc84; }
}
""".strip()


class Words:
    """Texts in the language asked for."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, text: str) -> str:
        if self.lang == "en" or not text:
            return text
        if text in POLISH:
            return POLISH[text]
        for english in ("on a module", "two rows", "4 pins", "pins"):
            text = re.sub(rf"\b{english}\b", POLISH[english], text)
        return text


def board_pin(board: Board, to: str) -> str:
    """What is printed beside a board's pin."""
    fixed = {"5v": board.five_volts, "3v3": "3V3", "gnd": "GND"}
    return fixed[to] if to in fixed else f"GPIO {board.use[to]}"


def _text(x: float, y: float, text: str, size: int = 15, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _box(left: int, right: int, bottom: int) -> str:
    return f'<rect x="{left}" y="52" width="{right - left}" height="{bottom - 52}" rx="8" class="box"/>'


def _row(board: Board, pin: Pin, number: int, say: Words) -> list[str]:
    y = TOP + ROW * (number - 1)
    free = "" if pin.to else " quiet"
    out = [
        f'<circle cx="{PLUG_LEFT}" cy="{y}" r="9" class="{"pad" if pin.to else "free"}"/>',
        _text(PLUG_LEFT + 20, y + 5, f"{number}", 13, kind="quiet"),
        _text(PLUG_LEFT + 46, y + 5, pin.name, 16, kind=free.strip()),
    ]
    if pin.note:
        out.append(_text(RIGHT - 12, y + 5, say(pin.note), 12, "end", "quiet"))
    if not pin.to:
        return out
    out += [
        f'<path d="M{BOARD_RIGHT} {y}H{PLUG_LEFT}" class="wire w{pin.to}"/>',
        f'<circle cx="{BOARD_RIGHT}" cy="{y}" r="9" class="pad"/>',
        f'<circle cx="{PLUG_LEFT}" cy="{y}" r="9" class="pad"/>',
        _text(BOARD_RIGHT - 20, y + 5, board_pin(board, pin.to), 16, "end"),
        *([_text(LEFT + 14, y + 5, pin.to, 13, kind="quiet")] if pin.to in board.use else []),
        _text((BOARD_RIGHT + PLUG_LEFT) / 2, y - 8, say(WIRES[pin.to]), 13, "middle"),
    ]
    if pin.pull_up:
        out += [
            f'<path d="M290 {y}V{y + 17}H304" class="thin"/><circle cx="290" cy="{y}" r="4" class="pad"/>',
            f'<rect x="304" y="{y + 11}" width="34" height="12" class="part"/>',
            _text(346, y + 22, f"10 kΩ {say('to 3V3')}", 12, kind="quiet"),
        ]
    return out


def svg(board: Board, sensor: Wired, lang: str = "en") -> str:
    """The picture of one sensor on one family of boards."""
    say = Words(lang)
    rows = len(sensor.pins)
    bottom = TOP + ROW * (rows - 1) + 34
    height = bottom + 20 + 22 * len(sensor.notes)
    title = f"{say(sensor.label)} {say('to')} {say(board.label)}"
    used = [
        f"{say('pin')} {number} {pin.name} - {board_pin(board, pin.to)}"
        + (f" ({say('with a resistor of 10 kOhm to 3V3')})" if pin.pull_up else "")
        for number, pin in enumerate(sensor.pins, 1)
        if pin.to
    ]
    free = [f"{number} {pin.name}" for number, pin in enumerate(sensor.pins, 1) if not pin.to]
    told = "; ".join(used) + (f"; {say('not connected')}: {', '.join(free)}" if free else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="t d" xml:lang="{lang}">',
        f'<title id="t">{escape(say("Wiring of"))} {escape(title)}</title>',
        f'<desc id="d">{escape(told)}.</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        _text(LEFT, 32, title, 17),
        _box(LEFT, BOARD_RIGHT, bottom),
        _box(PLUG_LEFT, RIGHT, bottom),
        _text(LEFT + 14, 76, say(board.label), 14, kind="quiet"),
        _text(PLUG_LEFT + 14, 76, say(sensor.connector), 12, kind="quiet"),
    ]
    for number, pin in enumerate(sensor.pins, 1):
        parts += _row(board, pin, number, say)
    parts += [_text(LEFT, bottom + 24 + 22 * at, say(note), 13) for at, note in enumerate(sensor.notes)]
    return "\n".join([*parts, "</svg>", ""])


def pictures(lang: str = "en") -> dict[str, str]:
    """File name -> SVG, of every sensor and board."""
    return {f"{each.key}-{board.key}.svg": svg(board, each, lang) for each in SENSORS for board in BOARDS}


def pin_tables() -> str:
    """The Markdown of pins: what to use, what is safe, what is not and why."""
    heads = "| board | UART: board's TX, RX | I2C: SDA, SCL | DHT22's data | switch | other safe pins |"
    lines = [heads, "|---|---|---|---|---|---|"]
    for board in BOARDS:
        use = board.use
        rest = ", ".join(str(pin) for pin in board.safe if pin not in use.values())
        lines.append(
            f"| {board.label} | {use['tx']}, {use['rx']} | {use['sda']}, {use['scl']} | {use['data']} "
            f"| {use['power']} | {rest} |"
        )
    lines += ["", "Better not:", "", "| board | pins | why |", "|---|---|---|"]
    lines += [f"| {board.label} | {pins} | {why} |" for board in BOARDS for pins, why in board.avoid]
    return "\n".join(lines)


def filled(page: str) -> str:
    """docs/sensors.md with its tables as the data has them."""
    return re.sub(
        r"(<!-- pins: scripts/wiring.py -->\n).*?(\n<!-- end -->)",
        lambda found: f"{found[1]}\n{pin_tables()}\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the wiring pictures.")
    parser.add_argument("--out", type=Path, help="pictures only, into this folder")
    parser.add_argument("--lang", choices=("en", "pl"), default="en")
    options = parser.parse_args()
    folder = options.out or DOCS / "wiring"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pictures(options.lang).items():
        (folder / name).write_text(text, encoding="utf-8")
    if options.out is None:
        page = DOCS / "sensors.md"
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(pictures())} pictures in {folder}")


if __name__ == "__main__":
    main()
