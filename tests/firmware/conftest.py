"""Make the firmware importable, as it is on a board."""

from dustline import firmware

firmware.importable()
