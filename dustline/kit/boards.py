"""The boards that an image can be made for, and the official MicroPython of each."""

from __future__ import annotations

from dataclasses import dataclass

OFFICIAL = "https://micropython.org/resources/firmware/"
VERSION = "20250415-v1.25.0"


@dataclass(frozen=True)
class Board:
    """`chip` is esptool's name, `chip_id` stands in the image's header (ESP-IDF, esp_image_header_t),
    `bootloader` is its offset in flash, `family` is what ESP Web Tools calls the chip."""

    name: str
    chip: str
    chip_id: int
    bootloader: int
    family: str
    file: str
    sha256: str | None  # of the official file; None: nobody has pinned it yet

    @property
    def url(self) -> str:
        return OFFICIAL + self.file


BOARDS = {
    board.name: board
    for board in (
        Board(
            "esp32",
            "esp32",
            0,
            0x1000,
            "ESP32",
            f"ESP32_GENERIC-{VERSION}.bin",
            "1eb1a88473e32aa6a4d45dc1b5b6ad40bc1f06128e7aa8548e438cfa4633da1b",
        ),
        Board("esp32s3", "esp32s3", 9, 0x0, "ESP32-S3", f"ESP32_GENERIC_S3-{VERSION}.bin", None),
        Board("esp32c3", "esp32c3", 5, 0x0, "ESP32-C3", f"ESP32_GENERIC_C3-{VERSION}.bin", None),
    )
}
