"""Make the firmware importable, as it is on a board."""

from dustline import firmware_path
from tests.firmware.node_bench import broker, gateway, node, ntp  # noqa: F401 - fixtures

firmware_path.importable()
