"""Currents, lives and efficiencies for `dustline sim power`: each number with the document it is from.

What no document gives is marked as a judgement. Maximum values are used where a maker gives no typical one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number, its unit, and where it is from."""

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class SensorFigures:
    """Currents in mA at `supply` V. `start` is drawn for `start_s` after each wake, then `active`."""

    supply: Figure
    active: Figure
    sleep: Figure
    start: Figure | None = None
    start_s: Figure | None = None
    life: Figure | None = None  # h of laser; None: no laser
    sleeps: bool = True  # False: no command stops it, only its supply

    def figures(self) -> dict[str, Figure]:
        pairs = {
            "supply": self.supply,
            "active": self.active,
            "sleep": self.sleep,
            "start": self.start,
            "start_s": self.start_s,
            "life": self.life,
        }
        return {name: figure for name, figure in pairs.items() if figure}


@dataclass(frozen=True)
class BoardFigures:
    """Currents in mA at 3.3 V. `linear`: fed with 5 V, each mA costs one; `extra` comes on top, at 5 V."""

    label: str
    listening: Figure
    modem_sleep: Figure
    deep_sleep: Figure
    linear: bool
    extra: tuple[tuple[str, Figure], ...] = ()

    def figures(self) -> dict[str, Figure]:
        return {
            "listening": self.listening,
            "modem sleep": self.modem_sleep,
            "deep sleep": self.deep_sleep,
            **dict(self.extra),
        }


YEAR_H = 8760
_NOVA = "Nova SDS011 specification V1.3 (2015-10-09)"
_PMS5003 = "Plantower PMS5003 data manual V2.3, Technical Index"
_SPS30 = "Sensirion SPS30 datasheet version 1.0 (March 2020)"
_SEN5X = "Sensirion SEN5x datasheet version 2 (March 2022)"


def _plantower(manual: str, active: float = 100) -> SensorFigures:
    return SensorFigures(
        supply=Figure(5.0, "V", f"{manual}: DC power supply 5.0 V typ"),
        active=Figure(active, "mA", f"{manual}: active current <= {active:g} mA, taken in full"),
        sleep=Figure(0.2, "mA", f"{manual}: standby current <= 200 uA, taken in full"),
        life=Figure(3 * YEAR_H, "h", f"{manual}: MTTF >= 3 years"),
    )


def _sen5x(model: str, idle: float) -> SensorFigures:
    table = f"{_SEN5X}, table 8"
    return SensorFigures(
        supply=Figure(5.0, "V", f"{table}: supply voltage 5.0 V typ"),
        active=Figure(63, "mA", f"{table}: measurement mode after the first 60 s, {model}, typ"),
        sleep=Figure(idle, "mA", f"{table}: idle mode after the first 10 s, {model}, typ; it has no sleep"),
        start=Figure(70, "mA", f"{table}: measurement mode, first 60 s, {model}, typ"),
        start_s=Figure(60, "s", f"{table}: measurement mode, first 60 s"),
        life=Figure(10 * YEAR_H, "h", f"{_SEN5X}, section 2.1: lifetime > 10 years"),
    )


def _climate(active: float, sleep: float, where: str, supply: float = 3.3) -> SensorFigures:
    return SensorFigures(
        supply=Figure(supply, "V", "docs/sensors.md: fed from the board's 3.3 V"),
        active=Figure(active, "mA", where),
        sleep=Figure(sleep, "mA", where),
    )


SENSORS: dict[str, SensorFigures] = {
    "sds011": SensorFigures(
        supply=Figure(5.0, "V", f"{_NOVA}, Technical Parameters no. 3: rated voltage 5 V"),
        active=Figure(70, "mA", f"{_NOVA}, Technical Parameters no. 4: rated current 70 +/- 10 mA"),
        sleep=Figure(4, "mA", f"{_NOVA}, Technical Parameters no. 5: sleep current < 4 mA, taken in full"),
        life=Figure(8000, "h", f"{_NOVA}, About service life: laser diode up to 8000 h"),
    ),
    "pms5003": _plantower(_PMS5003),
    "pms7003": _plantower("Plantower PMS7003 data manual V2.5, Technical Index"),
    "pmsa003": _plantower("Plantower PMSA003 data manual V2.5, Technical Index"),
    "pms3003": _plantower("judgement: its manual was not found, so as PMS5003 but 120 mA", 120),
    "pms5003t": _plantower("judgement: as PMS5003, whose case and fan it has"),
    "pms5003st": _plantower("Plantower PMS5003ST data manual V2.6, Technical Index"),
    "pmsa003i": SensorFigures(
        supply=Figure(5.0, "V", "Plantower PMSA003I data manual V2.6, Technical Index: 5.0 V typ"),
        active=Figure(100, "mA", "Plantower PMSA003I data manual V2.6, Technical Index: active <= 100 mA"),
        sleep=Figure(0.2, "mA", "Plantower PMSA003I data manual V2.6, Technical Index: standby <= 200 uA"),
        life=Figure(3 * YEAR_H, "h", "Plantower PMSA003I data manual V2.6, Technical Index: MTTF >= 3 years"),
        sleeps=False,
    ),
    "sps30": SensorFigures(
        supply=Figure(5.0, "V", f"{_SPS30}, table 2: supply voltage 5.0 V typ"),
        active=Figure(55, "mA", f"{_SPS30}, table 2: measurement mode, typ"),
        sleep=Figure(0.038, "mA", f"{_SPS30}, table 2: sleep mode, typ (firmware 1 has idle only: 0.33 mA)"),
        start=Figure(80, "mA", f"{_SPS30}, table 2: first 200 ms of measurement mode, max"),
        start_s=Figure(0.2, "s", f"{_SPS30}, table 2: first 200 ms of measurement mode"),
        life=Figure(10 * YEAR_H, "h", f"{_SPS30}, table 1: lifetime > 10 years at 24 h/day"),
    ),
    "sen50": _sen5x("SEN50", 0.7),
    "sen54": _sen5x("SEN54", 0.7),
    "sen55": _sen5x("SEN55", 2.6),
    "bme280": _climate(
        0.0036, 0.0001, "Bosch BME280 datasheet, key parameters: 3.6 uA at 1 Hz, sleep 0.1 uA"
    ),
    "bmp280": _climate(
        0.0027, 0.0001, "Bosch BMP280 datasheet, key parameters: 2.7 uA at 1 Hz, sleep 0.1 uA"
    ),
    "sht3x": _climate(
        0.0017, 0.0002, "Sensirion SHT3x-DIS datasheet, supply current: 1.7 uA on average, 0.2 uA idle"
    ),
    "sht4x": _climate(
        0.0022,
        0.0001,
        "Sensirion SHT4x datasheet, supply current: 2.2 uA at 1 Hz, high precision; 0.08 uA idle",
    ),
    "dht22": _climate(
        1.5,
        0.05,
        "Aosong AM2302 manual, power supply: measuring 1 to 1.5 mA, standby 40 to 50 uA; taken in full",
    ),
}

_IDF = "Espressif ESP-IDF, Low Power Mode in Wi-Fi Scenarios, summary table"
_ESP32 = {
    "listening": Figure(
        112, "mA", "Espressif ESP32-WROOM-32E datasheet, current consumption by RF mode: RX 802.11b/g/n, HT20"
    ),
    "modem_sleep": Figure(31.12, "mA", f"{_IDF}, ESP32: modem-sleep, DTIM 1"),
    "deep_sleep": Figure(
        0.01, "mA", "Espressif ESP32 series datasheet, power consumption by mode: RTC timer and RTC memory"
    ),
}
BOARDS: dict[str, BoardFigures] = {
    "esp32-devkit": BoardFigures(
        label="ESP32 dev board, 5 V in, linear regulator, USB chip and LED on",
        listening=_ESP32["listening"],
        modem_sleep=_ESP32["modem_sleep"],
        deep_sleep=_ESP32["deep_sleep"],
        linear=True,
        extra=(
            ("regulator", Figure(5, "mA", "AMS1117 datasheet, electrical characteristics: quiescent, typ")),
            (
                "USB chip",
                Figure(
                    0.08, "mA", "Silicon Labs CP2102/9 datasheet 1.8, table 3: suspended, typ (no PC on it)"
                ),
            ),
            ("power LED", Figure(1.5, "mA", "judgement: (5 V - 2 V) over 2 kOhm; boards differ")),
        ),
    ),
    "esp32-bare": BoardFigures(
        label="ESP32-WROOM-32E module alone, behind a 3.3 V converter",
        listening=_ESP32["listening"],
        modem_sleep=_ESP32["modem_sleep"],
        deep_sleep=_ESP32["deep_sleep"],
        linear=False,
    ),
    "esp32-s3": BoardFigures(
        label="ESP32-S3 module alone, behind a 3.3 V converter",
        listening=Figure(95, "mA", "Espressif ESP32-S3 series datasheet, Wi-Fi in active mode: RX HT20"),
        modem_sleep=Figure(40.1, "mA", f"{_IDF}, ESP32-S3: modem-sleep, DTIM 1"),
        deep_sleep=Figure(0.007, "mA", "Espressif ESP-Techpedia, ESP Low Power Introduction: ESP32-S3 7 uA"),
        linear=False,
    ),
    "esp32-c3": BoardFigures(
        label="ESP32-C3 module alone, behind a 3.3 V converter",
        listening=Figure(84, "mA", "Espressif ESP32-C3 series datasheet v2.2, Wi-Fi in active mode: RX HT20"),
        modem_sleep=Figure(21.47, "mA", f"{_IDF}, ESP32-C3: modem-sleep, DTIM 1"),
        deep_sleep=Figure(0.005, "mA", "Espressif ESP-Techpedia, ESP Low Power Introduction: ESP32-C3 5 uA"),
        linear=False,
    ),
}

CONVERTER = Figure(0.9, "", "judgement: a small switching converter at 50 to 200 mA, as makers' curves show")
CELL_V = Figure(3.7, "V", "judgement: nominal voltage of a lithium-ion cell")
USABLE = Figure(0.8, "", "judgement: of a cell's capacity, after cold, age and cut-off")
CONNECT_S = Figure(10, "s", "judgement: per wake from deep sleep, to join Wi-Fi, connect and send")
