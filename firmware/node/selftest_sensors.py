"""What the selftest says of the sensors and their wires. Loaded for it, then dropped."""

from micropython import const

from node import use_once

_DIAGNOSED_MS = const(600000)  # so long a search's result counts
_FEW_DAMAGED = const(20)


async def look(app, found):
    """Add what is found, as selftest.py has it."""
    for sensor in app.sensors:
        part = "sensor_" + sensor.slot
        try:
            if sensor.state == "silent":
                await _diagnose(app, sensor)
            found.append((part,) + _sensor(sensor))
        except Exception as error:  # noqa: BLE001 - the other parts are looked at all the same
            found.append(use_once("selftest", "failed", part, error))
    if not found:
        found.append(("sensor", False, 0, ()))
    try:
        found.append(("wiring",) + _wiring(app))
    except Exception as error:  # noqa: BLE001 - as above
        found.append(use_once("selftest", "failed", "wiring", error))


async def _diagnose(app, sensor):
    """Find out why a sensor is silent; up to 35 s. What is still to be found has just been searched for."""
    now = app.now()
    if sensor.driver.model == "auto" or "pin" in sensor.entry:
        return
    if sensor.diagnosed is not None and now - sensor.diagnosed < _DIAGNOSED_MS:
        return
    sensor.diagnosed = now
    entry, driver, port = sensor.entry, sensor.driver, sensor.port
    taken = ()
    sensor.port = None  # its own task leaves it alone meanwhile
    try:
        if "uart" in entry:
            port.close()
        else:
            taken = [address for address in port.bus.taken if address != port.address]
        state, _ = await use_once("detect", "diagnose", app.board, entry, driver, app.now, taken)
    finally:
        sensor.port = port  # whatever comes: others count on it
        if "uart" in entry:
            port.uart = app.board.open_uart(
                entry["uart"], entry["tx"], entry["rx"], driver.baud, driver.rxbuf
            )
        else:
            port.bus.open()
    driver.reset()
    if hasattr(driver, "wake"):
        driver.wake(app.now())
    sensor.state = state


def _pins(entry):
    return "/".join([str(entry[name]) for name in ("tx", "rx", "sda", "scl", "pin") if name in entry])


def _sensor(sensor):
    driver, state = sensor.driver, sensor.state
    who = (sensor.slot, driver.model)
    frames = driver.frames
    damaged = sum(driver.rejects.values())
    if state == "failed":
        return False, 12, who + (_most(sensor.faults),)
    number = {"silent": 6, "swapped": 8, "wrong_speed": 9, "not_found": 10, "bus_stuck": 11}.get(state)
    if number:
        return False, number, who
    if damaged > _FEW_DAMAGED and damaged * 10 > frames:
        return False, 2, who + (damaged, _most(driver.rejects))
    if state == "asleep":
        return True, 5, who + (frames,)
    if not frames:
        return None, 7 if state == "ok" else 4, who
    return True, 3 if state == "warming_up" else 1, who + (frames,)


def _most(counts):
    """The reason that was counted most often."""
    return max(counts, key=lambda name: counts[name]) if counts else "?"


def _wiring(app):
    for state, ok, number in (
        ("swapped", False, 14),
        ("bus_stuck", False, 15),
        ("silent", None, 16),
        ("not_found", None, 16),
    ):
        for sensor in app.sensors:
            if sensor.state == state:
                return ok, number, (sensor.slot, _pins(sensor.entry))
    for sensor in app.sensors:
        if not sensor.driver.frames and sensor.state != "wrong_speed":
            return None, 43, ()
    return (True, 13, ()) if app.sensors else (None, 43, ())
