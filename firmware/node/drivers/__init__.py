"""Sensor drivers without I/O: bytes in, events and commands out. Nothing here imports machine."""

MODELS = ("sds011", "pms5003")


def make_driver(model):
    """The driver of one of MODELS. Only what is fitted is loaded: each driver costs kilobytes of heap."""
    if model == "sds011":
        from node.drivers.sds011 import Sds011

        return Sds011()
    from node.drivers.plantower import Pms5003

    return Pms5003()
