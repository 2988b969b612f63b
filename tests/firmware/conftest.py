"""Make the firmware importable, as it is on a board."""

from dustline import firmware_path

firmware_path.importable()
