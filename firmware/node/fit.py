"""What is fitted: make a sensor of each entry of the settings, and find those that are "auto".

Loaded through use_once: at the start, and every 5 minutes while something is still to be found.
"""

# pyright: reportAttributeAccessIssue=false
# slots.py gives a slot its attributes.

from node import Seldom, buses, forget, use_once
from node.climate import Climate
from node.drivers import CLIMATE_MODELS, make_driver

# What stands here at the top is joined with the node (docs/node/build.md): what nearly every node needs.
from node.duty import Duty  # noqa: F401
from node.frames import Resync  # noqa: F401
from node.measure import Measurement
from node.ports import UartPort


def start(app):
    """Make the sensors whose models are named; the others wait in app.unfound."""
    for entry in app.config.sensors:
        if entry["model"] == "auto":
            try:
                _switch(app, entry)
                app.unfound.append(entry)
            except (ValueError, OSError) as error:
                _unopened(app, entry, error)
        else:
            _add(app, entry)
    forget("drivers")  # the list of all drivers; those that are fitted stay


def _add(app, entry):
    """Returns the new Sensor, or None when it cannot be opened: that is noted."""
    try:
        switch = _switch(app, entry)
        driver, port = _connect(app, entry)
    except (ValueError, OSError, ImportError) as error:
        _unopened(app, entry, error)
        return None
    return _place(app, entry, driver, port, switch)


def _unopened(app, entry, error):
    app.config.problem(f"sensor {entry['slot']}: cannot be opened: {error}")


def _place(app, entry, driver, port, switch):
    if entry["model"] in CLIMATE_MODELS:
        sensor = app.climate = Climate(entry, driver, port, app.now, app.measurements)
    else:
        sensor = Measurement(entry, driver, port, app.config, app.on_reading, app.now, app.odometer)
        app.measurements.append(sensor)
    sensor.switch = switch
    sensor.rescue = app.rescue
    app.sensors.append(sensor)
    if len(app.measurements) > 1 and not app.agree:
        app.agree = Seldom("agree")
    for measurement in app.measurements:
        measurement.climate = app.climate
        measurement.agree = app.agree
    return sensor


def _switch(app, entry):
    """The pin that switches the sensor's supply, switched on; None when there is none."""
    if "power" not in entry:
        return None
    pin = app.board.open_switch(entry["power"])
    pin.value(entry.get("power_on", 1))
    return pin


def _connect(app, entry):
    """(driver, port) of an entry."""
    bus = "uart" if "uart" in entry else "i2c" if "i2c" in entry else "pin"
    driver = make_driver(entry["model"], bus, entry.get("mode"))
    return driver, _port(app, entry, driver)


def _port(app, entry, driver):
    if "uart" in entry:
        tx, rx = entry["tx"], entry["rx"]
        return UartPort(app.board.open_uart(entry["uart"], tx, rx, driver.baud, driver.rxbuf))
    if "pin" in entry:
        from node.dht_port import DhtPort

        return DhtPort(app.board, entry["pin"])
    bus = app.buses.get(entry["i2c"])
    if bus is None:
        bus = app.buses[entry["i2c"]] = buses.Bus(app.board, entry["i2c"], entry["sda"], entry["scl"])
    port = buses.I2cPort(bus, None)
    _address(entry, driver, port)
    return port


def _address(entry, driver, port):
    """Take the configured address, else the first of the driver's that answers and is not another's, else the
    first that is not."""
    bus = port.bus
    if port.address in bus.taken:
        bus.taken.remove(port.address)
    free = [address for address in driver.addresses if address not in bus.taken]
    address = entry.get("address") or (free or driver.addresses)[0]
    if "address" not in entry:
        for candidate in free:
            try:
                bus.i2c.writeto(candidate, b"")
            except OSError:
                continue
            address = candidate
            break
    bus.taken.append(address)
    driver.address = port.address = address


def readdress(sensor):
    """Look again for the address of a sensor that never answered."""
    forget("drivers")
    _address(sensor.entry, sensor.driver, sensor.port)


async def probe(app):
    """Look for what is "auto". What is found runs; for what is not, readings that say so are born."""
    guesses = []  # what is seen at places that may well be empty: to be said when no sensor is found at all
    for entry in list(app.unfound):
        bus = app.buses.get(entry.get("i2c"))
        taken = bus.taken if bus else ()
        try:
            found, state, message = await use_once("detect", "find", app.board, entry, app.now, taken)
        except (ValueError, OSError) as error:
            # The other places are searched all the same.
            found, state, message = [], "not_found", f"cannot be opened: {error}"
        if bus:
            bus.open()
        message = f"sensor {entry['slot']}: {message}"
        if state == "ok":
            print(message)
        elif found or not entry.get("maybe") or state in ("wrong_speed", "bus_stuck"):
            app.config.problem(message)
        else:
            guesses.append(message)
        _take_found(app, entry, found)
        _own_up(app, entry, state)
    forget("drivers")
    if app.climate and not app.measurements and not app.unfound:
        app.config.problem("sensors: a climate sensor alone makes no readings, add a particle sensor")
    if app.unfound and not app.measurements:
        for message in guesses:
            app.config.problem(message)
        app.config.problem("sensors: none was found, see docs/sensors.md for the wiring")
        _stand_in(app, app.unfound[0], "not_found")


def _take_found(app, entry, found):
    """Start what was found at an auto entry, under its slot or a slot named after it."""
    bus = app.buses.get(entry.get("i2c"))
    placed = _waiting(app, entry)
    # The first particle sensor gets the entry's own slot.
    weather = [one for one in found if one["model"] in CLIMATE_MODELS]
    for one in [one for one in found if one not in weather] + weather:
        if bus and one.get("address") in bus.taken:
            continue  # it has an entry of its own
        fresh = dict(entry)
        fresh.update(one)
        climate = one["model"] in CLIMATE_MODELS
        if climate and app.climate:
            app.config.problem(f"sensor {entry['slot']}: {one['model']} is a second climate sensor, not used")
            continue
        try:
            driver, port = _connect(app, fresh)
        except (ValueError, OSError, ImportError) as error:
            _unopened(app, entry, error)
            continue
        if placed and not climate:
            placed.entry = fresh
            placed.fit(driver, port)
            placed = None
        else:
            fresh["slot"] = _free_slot(app, entry["slot"])
            app.run_sensor(_place(app, fresh, driver, port, _switch(app, fresh)))
        if entry in app.unfound and not (climate and placed):
            app.unfound.remove(entry)
        app.news()


def _own_up(app, entry, state):
    """Let a slot that was asked for, and not found, make readings that say so; end those of a guess."""
    waiting = _waiting(app, entry)
    if waiting:
        waiting.state = state
    elif entry in app.unfound and not entry.get("maybe"):
        _stand_in(app, entry, state)
    if len(app.measurements) > 1:
        for measurement in list(app.measurements):
            if measurement.entry.get("maybe") and measurement.driver.model == "auto":
                app.measurements.remove(measurement)
                app.sensors.remove(measurement)
                measurement.fit(None, None)


def _stand_in(app, entry, state):
    from node.absent import Absent

    absent = Absent()
    sensor = _place(app, entry, absent, absent, _switch(app, entry))
    sensor.state = state
    app.run_sensor(sensor)


def _waiting(app, entry):
    """The Measurement that stands in for the sensor of an auto entry, or None."""
    for measurement in app.measurements:
        if measurement.slot == entry["slot"] and measurement.driver.model == "auto":
            return measurement
    return None


def _free_slot(app, slot):
    """The slot itself, or with a number behind it: what no sensor has, and none of the settings' others."""
    taken = [sensor.slot for sensor in app.sensors]
    if slot not in taken:
        return slot
    taken.extend([entry["slot"] for entry in app.config.sensors])
    number = 2
    while f"{slot[:7]}{number}" in taken:
        number += 1
    return f"{slot[:7]}{number}"
