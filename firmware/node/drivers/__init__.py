"""Sensor drivers without I/O: bytes in, events and commands out. Nothing here imports machine.

What every driver offers is told in node.drivers.duty (UART) and docs/architecture.md.
"""

PM_MODELS = (
    "sds011",
    "pms5003",
    "pms7003",
    "pmsa003",
    "pms3003",
    "pms5003t",
    "pms5003st",
    "pmsa003i",
    "sps30",
    "sen50",
    "sen54",
    "sen55",
)
CLIMATE_MODELS = ("bme280", "bmp280", "sht3x", "sht4x", "dht22")
MODELS = PM_MODELS


def make_driver(model, bus="uart", mode=None):
    """The driver of one of PM_MODELS or CLIMATE_MODELS; ValueError for anything else.

    Only what is fitted is loaded: each driver costs kilobytes of heap. `bus` decides between the two
    drivers of an SPS30, `mode` (active, query, passive) is for the SDS011 and the Plantowers.
    """
    if model == "sds011":
        from node.drivers.sds011 import Sds011 as Driver

        return Driver(mode)
    if model == "pmsa003i":
        from node.drivers.pmsa003i import Pmsa003i as Driver
    elif model == "sps30":
        if bus == "i2c":
            from node.drivers.sps30_i2c import Sps30I2c as Driver
        else:
            from node.drivers.sps30_uart import Sps30Uart as Driver
    elif model in CLIMATE_MODELS:
        if model == "sht3x":
            from node.drivers.sht3x import Sht3x as Driver
        elif model == "sht4x":
            from node.drivers.sht4x import Sht4x as Driver
        elif model == "dht22":
            from node.drivers.dht22 import Dht22 as Driver
        else:
            from node.drivers.bme280 import Bme280 as Driver
    elif model not in PM_MODELS:
        raise ValueError("no driver for sensor model " + model)
    elif model[0] == "p":
        from node.drivers.plantower import Plantower as Driver

        return Driver(model, mode)
    else:
        from node.drivers.sen5x import Sen5x as Driver

        return Driver(model)
    return Driver()
