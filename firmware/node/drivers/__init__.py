"""Sensor drivers without I/O: bytes in, events and commands out. Nothing here imports machine.

What every driver offers is told in node.duty (UART) and docs/architecture.md.
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


def make_driver(model, bus="uart", mode=None):
    """The driver of one of PM_MODELS or CLIMATE_MODELS; ValueError for anything else.

    Only what is fitted is loaded: each driver costs kilobytes of heap, and each import statement here would
    keep two names in it. So the module follows from the model, and the class from the module (sps30_uart:
    Sps30Uart). `bus` decides between an SPS30's two; `mode` (active, query, passive) is for the SDS011 and
    the Plantowers.
    """
    if model not in PM_MODELS and model not in CLIMATE_MODELS:
        raise ValueError("no driver for sensor model " + model)
    module = model
    settings = ()
    if model == "sds011":
        settings = (mode,)
    elif model[:3] == "pms" and model != "pmsa003i":
        module = "plantower"
        settings = (model, mode)
    elif model == "sps30":
        module = "sps30_i2c" if bus == "i2c" else "sps30_uart"
    elif model[:3] == "sen":
        module = "sen5x"
        settings = (model,)
    elif model == "bmp280":
        module = "bme280"
    name = "".join([part[0].upper() + part[1:] for part in module.split("_")])
    return getattr(__import__("node.drivers." + module, None, None, (name,)), name)(*settings)
