"""What goes where: pins of the board families, connectors of the sensors. One table for pictures and docs.

Pins: Espressif's hardware design guidelines and datasheets of ESP32, ESP32-S3 and ESP32-C3 (strapping pins,
flash, PSRAM, USB), and the dev boards' schematics. Connectors: Nova SDS011 specification V1.3, Interface
specification; Plantower PMS5003, PMS5003ST, PMS7003 and PMSA003 manuals, Pin Definition; SPS30 datasheet
version 1.0, table 4; SEN5x datasheet version 2, table 11; AM2302 manual. Modules with printed names have no
standard order: theirs is a common one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """A family of boards. `use`: what the firmware looks at when nothing is configured, and free spares."""

    key: str
    label: str
    five_volts: str  # how the 5 V pin is printed
    use: dict[str, int]  # tx rx sda scl data power -> GPIO
    safe: tuple[int, ...]
    avoid: tuple[tuple[str, str], ...]  # GPIOs, why


BOARDS = (
    Board(
        "esp32",
        "ESP32 dev board",
        "5V / VIN",
        {"tx": 33, "rx": 32, "sda": 21, "scl": 22, "data": 4, "power": 25},
        (4, 13, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33),
        (
            ("0, 2, 5, 12, 15", "strapping: their level at reset decides how the chip starts"),
            ("1, 3", "UART 0: console and flashing"),
            ("6-11", "flash memory"),
            ("14", "gives a signal while the chip starts"),
            ("16, 17", "PSRAM on WROVER modules; free on WROOM"),
            ("34-39", "input only, without pull-up: a sensor's TX at most"),
        ),
    ),
    Board(
        "esp32s3",
        "ESP32-S3 dev board",
        "5V",
        {"tx": 18, "rx": 17, "sda": 8, "scl": 9, "data": 4, "power": 5},
        (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21),
        (
            ("0, 3, 45, 46", "strapping: their level at reset decides how the chip starts"),
            ("19, 20", "USB"),
            ("26-32", "flash memory and PSRAM"),
            ("33-37", "octal PSRAM on R8 modules"),
            ("38, 48", "RGB light on many boards"),
            ("39-42", "JTAG; free when nobody debugs"),
            ("43, 44", "UART 0: console and flashing"),
            ("47", "PSRAM clock on some modules"),
        ),
    ),
    Board(
        "esp32c3",
        "ESP32-C3 dev board",
        "5V",
        {"tx": 5, "rx": 4, "sda": 6, "scl": 7, "data": 3, "power": 10},
        (0, 1, 3, 4, 5, 6, 7, 10),
        (
            ("2, 8, 9", "strapping: their level at reset decides how the chip starts"),
            ("11-17", "flash memory and its supply"),
            ("18, 19", "USB"),
            ("20, 21", "UART 0: console and flashing"),
        ),
    ),
)


@dataclass(frozen=True)
class Pin:
    """A pin of a sensor's connector. `to`: 5v 3v3 gnd tx rx sda scl data, or "" for not connected.

    tx and rx are the board's: the sensor's RX goes to the board's tx.
    """

    name: str
    to: str = ""
    note: str = ""
    pull_up: bool = False


@dataclass(frozen=True)
class Wired:
    """Sensors with one connector. `models`: the firmware's names."""

    key: str
    label: str
    models: tuple[str, ...]
    bus: str  # uart, i2c, pin
    connector: str
    pins: tuple[Pin, ...]
    notes: tuple[str, ...] = ()


_OPEN = "leave open"
_BY_PRINT = "Modules differ: go by the printed names, not by the order."
_PLANTOWER_NOTES = (
    "5 V for the fan; the signals are 3.3 V, no level shifter is needed.",
    "SET and RESET are pulled up inside. The metal case is ground.",
    "Cables differ in their colours: go by the pins' numbers in the manual's drawing.",
)
_TEN_PINS = (
    Pin("VCC", "5v"),
    Pin("VCC", "", "same as 1"),
    Pin("GND", "gnd"),
    Pin("GND", "", "same as 3"),
    Pin("RESET", "", _OPEN),
    Pin("NC", "", _OPEN),
    Pin("RXD", "tx"),
    Pin("NC", "", _OPEN),
    Pin("TXD", "rx"),
    Pin("SET", "", _OPEN),
)
SENSORS = (
    Wired(
        "sds011",
        "Nova SDS011",
        ("sds011",),
        "uart",
        "7 pins, 2.54 mm",
        (
            Pin("NC", "", _OPEN),
            Pin("1um", "", _OPEN),
            Pin("5V", "5v"),
            Pin("25um", "", _OPEN),
            Pin("GND", "gnd"),
            Pin("R", "tx"),
            Pin("T", "rx"),
        ),
        ("5 V for fan and laser; the signals are 3.3 V, no level shifter is needed.",),
    ),
    Wired(
        "pms5003",
        "Plantower PMS5003, PMS3003, PMS5003T, PMS5003ST",
        ("pms5003", "pms3003", "pms5003t", "pms5003st"),
        "uart",
        "8 pins, 1.25 mm",
        (
            Pin("VCC", "5v"),
            Pin("GND", "gnd"),
            Pin("SET", "", _OPEN),
            Pin("RX", "tx"),
            Pin("TX", "rx"),
            Pin("RESET", "", _OPEN),
            Pin("NC", "", _OPEN),
            Pin("NC", "", _OPEN),
        ),
        _PLANTOWER_NOTES,
    ),
    Wired(
        "pms7003",
        "Plantower PMS7003, PMSA003",
        ("pms7003", "pmsa003"),
        "uart",
        "10 pins, two rows, 1.27 mm",
        _TEN_PINS,
        _PLANTOWER_NOTES,
    ),
    Wired(
        "pmsa003i",
        "Plantower PMSA003I on a module",
        ("pmsa003i",),
        "i2c",
        "module",
        (
            Pin("VIN", "3v3"),
            Pin("3Vo", "", _OPEN),
            Pin("GND", "gnd"),
            Pin("SCL", "scl"),
            Pin("SDA", "sda"),
            Pin("RESET", "", _OPEN),
            Pin("SET", "", _OPEN),
        ),
        (_BY_PRINT, "3.3 V at VIN: the module makes 5 V for the fan, its signals follow VIN."),
    ),
    Wired(
        "sps30-uart",
        "Sensirion SPS30, UART",
        ("sps30",),
        "uart",
        "5 pins, JST ZHR-5",
        (
            Pin("VDD", "5v"),
            Pin("RX", "tx"),
            Pin("TX", "rx"),
            Pin("SEL", "", "open = UART"),
            Pin("GND", "gnd"),
        ),
        ("SEL must stay open. Better than I2C for cables over 20 cm.",),
    ),
    Wired(
        "sps30-i2c",
        "Sensirion SPS30, I2C",
        ("sps30",),
        "i2c",
        "5 pins, JST ZHR-5",
        (
            Pin("VDD", "5v"),
            Pin("SDA", "sda", pull_up=True),
            Pin("SCL", "scl", pull_up=True),
            Pin("SEL", "gnd", "GND = I2C"),
            Pin("GND", "gnd"),
        ),
        ("Connect SEL to GND before you switch on. Cable: 20 cm at most.",),
    ),
    Wired(
        "sen5x",
        "Sensirion SEN50, SEN54, SEN55",
        ("sen50", "sen54", "sen55"),
        "i2c",
        "6 pins, JST GHR-06V-S",
        (
            Pin("VDD", "5v"),
            Pin("GND", "gnd"),
            Pin("SDA", "sda", pull_up=True),
            Pin("SCL", "scl", pull_up=True),
            Pin("SEL", "gnd", "GND = I2C"),
            Pin("NC", "", _OPEN),
        ),
        ("5 V for fan and laser; the signals are 3.3 V.",),
    ),
    Wired(
        "bme280",
        "Bosch BME280, BMP280 on a module",
        ("bme280", "bmp280"),
        "i2c",
        "module",
        (
            Pin("VCC", "3v3"),
            Pin("GND", "gnd"),
            Pin("SCL", "scl"),
            Pin("SDA", "sda"),
            Pin("CSB", "", "open = I2C"),
            Pin("SDO", "", "sets the address"),
        ),
        (_BY_PRINT, "3.3 V only. The module has its own pull-ups."),
    ),
    Wired(
        "sht3x",
        "Sensirion SHT30, SHT31, SHT35 on a module",
        ("sht3x",),
        "i2c",
        "module",
        (
            Pin("VIN", "3v3"),
            Pin("GND", "gnd"),
            Pin("SCL", "scl"),
            Pin("SDA", "sda"),
            Pin("AD", "", "sets the address"),
            Pin("AL", "", _OPEN),
        ),
        (_BY_PRINT, "The module has its own pull-ups."),
    ),
    Wired(
        "sht4x",
        "Sensirion SHT40, SHT41, SHT45 on a module",
        ("sht4x",),
        "i2c",
        "module",
        (Pin("VCC", "3v3"), Pin("GND", "gnd"), Pin("SCL", "scl"), Pin("SDA", "sda")),
        (_BY_PRINT, "The module has its own pull-ups."),
    ),
    Wired(
        "dht22",
        "Aosong DHT22 (AM2302)",
        ("dht22",),
        "pin",
        "4 pins, 2.54 mm",
        (
            Pin("VCC", "3v3"),
            Pin("DATA", "data", pull_up=True),
            Pin("NC", "", _OPEN),
            Pin("GND", "gnd"),
        ),
        (
            "Pin 1 is on the left when the grid is in front.",
            "A DHT22 on a small board has the resistor already.",
        ),
    ),
)
