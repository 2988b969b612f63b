"""Which sensor is on these pins, and when there is none: what is wrong?

Loaded only while it runs, by node.use_once; what it loads itself (detect_uart, detect_i2c, and the drivers'
parsers, which alone know what a frame is) is let go of again too. `board` is board.py, `now` () -> ms since
boot, `entry` one of config.json's `sensors`. The port must be closed, the supply switched on.

Out come (state, message): one of the contract's states ok silent swapped wrong_speed not_found bus_stuck, and
a plain sentence for whoever stands before the node.
"""

import gc
import sys

_CLIMATE = ("bme280", "bmp280", "sht3x", "sht4x")


async def find(board, entry, now, taken=()):
    """Look for sensors of any model. Returns (found, state, message); found: a list of {"model"}, on I2C with
    "address"; with "tx" and "rx" ("sda" and "scl") when they were found with these two exchanged. `taken`:
    addresses of the bus that have a driver; they are left alone, as a question would spoil its dialogue.

    Takes up to 35 s. Nothing is written to a UART before it was listened to; what is written then is
    harmless to every sensor here, but it wakes them.
    """
    before = set(sys.modules)
    try:
        if "uart" in entry:
            from node.detect_uart import Search

            return await Search(board, entry, now, parser).find()
        from node.detect_i2c import Search

        return await Search(board, entry, now, parser, taken).find()
    finally:
        _forget(before)


async def diagnose(board, entry, driver, now, taken=()):
    """Why does a sensor whose model is known stay mute? Returns (state, message); ok = it answers now.
    `taken` is as above, without its own address."""
    found, state, message = await find(board, entry, now, taken)
    if not found or state != "ok":
        return state, message
    model = driver.model
    address = getattr(driver, "address", None) or entry.get("address")
    for one in found:
        name = one["model"]
        if name == model or (name[:3] == "pms" and model[:3] == "pms" and "address" not in one):
            if address and one["address"] != address:
                return (
                    "not_found",
                    f"This {model} has address {one['address']}, not {address}: change the settings.",
                )
            return "ok", message
    names = " and ".join(one["model"] for one in found)
    message = f"There is {names} in place of {model}: fit the right sensor or change the settings."
    # Climate sensors stand beside a particle sensor on its bus, not in its place.
    if model not in _CLIMATE and all(one["model"] in _CLIMATE for one in found):
        return "silent", f"Of {model} nothing is seen, only {names}: check its plug, its power and its wires."
    return "not_found", message


async def explain(app, sensor):
    """Say why a sensor never gave a frame; keep it as a problem and as the sensor's state. Its port is closed
    meanwhile."""
    entry = sensor.entry
    if "pin" in entry:
        return
    driver = sensor.driver
    taken = ()
    if "uart" in entry:
        sensor.port.close()
    else:
        taken = [address for address in sensor.port.bus.taken if address != sensor.port.address]
    try:
        state, message = await diagnose(app.board, entry, driver, app.now, taken)
    finally:
        if "uart" in entry:
            tx, rx = entry["tx"], entry["rx"]
            sensor.port.uart = app.board.open_uart(entry["uart"], tx, rx, driver.baud, driver.rxbuf)
        else:
            sensor.port.bus.open()
    driver.reset()
    if hasattr(driver, "wake"):
        driver.wake(app.now())
    if state != "ok":
        sensor.state = state
        app.config.problem(f"sensor {sensor.slot}: {message}")


def parser(name, *arguments):
    """A parser of node.drivers.NAME, whose module is let go of when it was not loaded before."""
    gc.collect()  # in pieces, free memory would be of no use to a module
    before = set(sys.modules)
    try:
        return __import__("node.drivers." + name, None, None, ("Parser",)).Parser(*arguments)
    finally:
        _forget(before)


def _forget(before):
    for name in list(sys.modules):
        if name not in before and name.startswith(("node.drivers.", "node.detect_")):
            del sys.modules[name]
            package, leaf = name.rsplit(".", 1)
            if hasattr(sys.modules[package], leaf):
                delattr(sys.modules[package], leaf)
